// SPDX-License-Identifier: Apache-2.0
// Facts: system calls on sockets (but for socket itself, which is filtered by family), clocks and timers that any
// container may make.

/** Names as libseccomp knows them; a runtime skips those that its library is too old for. */
export const networkAndTimeSyscalls: readonly string[] = `
  accept accept4 bind connect listen shutdown socketcall socketpair getpeername getsockname getsockopt setsockopt
  send sendto sendmsg sendmmsg recv recvfrom recvmsg recvmmsg recvmmsg_time64
  time times gettimeofday alarm getitimer setitimer nanosleep adjtimex clock_adjtime clock_adjtime64
  clock_getres clock_getres_time64 clock_gettime clock_gettime64 clock_nanosleep clock_nanosleep_time64
  timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime timer_settime64
  timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64
`
  .trim()
  .split(/\s+/);
