// SPDX-License-Identifier: Apache-2.0
// Facts: system calls on memory, futexes, System V and POSIX inter-process communication that any container may make.

/** Names as libseccomp knows them; a runtime skips those that its library is too old for. */
export const memorySyscalls: readonly string[] = `
  brk mmap mmap2 munmap mremap mprotect madvise mincore msync remap_file_pages mseal map_shadow_stack
  mlock mlock2 mlockall munlock munlockall membarrier memfd_create memfd_secret process_mrelease
  pkey_alloc pkey_free pkey_mprotect
  futex futex_time64 futex_wait futex_waitv futex_wake futex_requeue
  ipc msgctl msgget msgrcv msgsnd semctl semget semop semtimedop semtimedop_time64 shmat shmctl shmdt shmget
  mq_open mq_unlink mq_notify mq_getsetattr
  mq_timedsend mq_timedsend_time64 mq_timedreceive mq_timedreceive_time64
`
  .trim()
  .split(/\s+/);
