// SPDX-License-Identifier: Apache-2.0
// Facts: system calls on processes, identities, signals, scheduling and limits that any container may make.

/** Names as libseccomp knows them; a runtime skips those that its library is too old for. */
export const processSyscalls: readonly string[] = `
  fork vfork execve execveat exit exit_group wait4 waitid waitpid restart_syscall
  getpid getppid gettid getpgid getpgrp setpgid getsid setsid set_tid_address pidfd_open pidfd_send_signal
  getuid getuid32 geteuid geteuid32 getgid getgid32 getegid getegid32 getgroups getgroups32
  getresuid getresuid32 getresgid getresgid32 setuid setuid32 setgid setgid32 setgroups setgroups32
  setreuid setreuid32 setregid setregid32 setresuid setresuid32 setresgid setresgid32
  setfsuid setfsuid32 setfsgid setfsgid32 capget capset
  kill tkill tgkill pause sigaltstack sigprocmask sigreturn rt_sigaction rt_sigpending rt_sigprocmask
  rt_sigqueueinfo rt_tgsigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_sigtimedwait_time64
  sched_yield sched_getaffinity sched_setaffinity sched_getattr sched_setattr sched_getparam sched_setparam
  sched_getscheduler sched_setscheduler sched_get_priority_max sched_get_priority_min
  sched_rr_get_interval sched_rr_get_interval_time64 getpriority setpriority getcpu
  getrlimit ugetrlimit setrlimit prlimit64 getrusage
  prctl seccomp landlock_create_ruleset landlock_add_rule landlock_restrict_self
  get_thread_area set_thread_area get_robust_list set_robust_list rseq uretprobe riscv_hwprobe
  uname sysinfo getrandom
`
  .trim()
  .split(/\s+/);
