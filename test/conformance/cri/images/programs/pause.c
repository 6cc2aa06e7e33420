// SPDX-License-Identifier: Apache-2.0
// Holds a pod's namespaces: waits for the signal that ends it, and for children that nobody else waits for.

#include <signal.h>
#include <sys/wait.h>

int main(void) {
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGCHLD);
  sigaddset(&awaited, SIGINT);
  sigaddset(&awaited, SIGTERM);
  sigprocmask(SIG_BLOCK, &awaited, 0);
  for (;;) {
    int signal;
    if (sigwait(&awaited, &signal) != 0) return 1;
    if (signal != SIGCHLD) return 0;
    while (waitpid(-1, 0, WNOHANG) > 0) {
    }
  }
}
