// SPDX-License-Identifier: Apache-2.0
// Facts: system calls on files, directories, descriptors, polling and asynchronous I/O that any container may make.

/** Names as libseccomp knows them; a runtime skips those that its library is too old for. */
export const fileSyscalls: readonly string[] = `
  open openat openat2 creat close close_range dup dup2 dup3 pipe pipe2 fcntl fcntl64 ioctl flock umask
  read readv pread64 preadv preadv2 readahead write writev pwrite64 pwritev pwritev2
  lseek _llseek truncate truncate64 ftruncate ftruncate64 fallocate fadvise64 fadvise64_64
  copy_file_range sendfile sendfile64 splice tee vmsplice
  sync syncfs fsync fdatasync sync_file_range cachestat
  stat stat64 lstat lstat64 fstat fstat64 fstatat64 newfstatat statx statfs statfs64 fstatfs fstatfs64
  statmount listmount access faccessat faccessat2 name_to_handle_at
  mkdir mkdirat rmdir mknod mknodat link linkat unlink unlinkat symlink symlinkat readlink readlinkat
  rename renameat renameat2 getdents getdents64 getcwd chdir fchdir
  chmod fchmod fchmodat fchmodat2 chown chown32 lchown lchown32 fchown fchown32 fchownat
  utime utimes utimensat utimensat_time64 futimesat
  getxattr lgetxattr fgetxattr getxattrat setxattr lsetxattr fsetxattr setxattrat
  listxattr llistxattr flistxattr listxattrat removexattr lremovexattr fremovexattr removexattrat
  inotify_init inotify_init1 inotify_add_watch inotify_rm_watch fanotify_mark
  select _newselect pselect6 pselect6_time64 poll ppoll ppoll_time64
  epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_wait epoll_wait_old epoll_pwait epoll_pwait2
  eventfd eventfd2 signalfd signalfd4
  io_setup io_submit io_cancel io_getevents io_pgetevents io_pgetevents_time64 io_destroy ioprio_get ioprio_set
`
  .trim()
  .split(/\s+/);
