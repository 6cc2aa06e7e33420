// SPDX-License-Identifier: Apache-2.0
// Process 1 of a pod whose containers share their processes: it keeps the PID namespace alive and reaps what is left to
// it, and ends when it is told to. See README.md.

#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

int main(void) {
    sigset_t awaited;
    sigemptyset(&awaited);
    sigaddset(&awaited, SIGCHLD);
    sigaddset(&awaited, SIGTERM);
    sigaddset(&awaited, SIGINT);
    // Blocked, none is lost between two waits. With its default disposition an ignored signal would not be delivered.
    if (sigprocmask(SIG_BLOCK, &awaited, NULL) < 0) return 1;
    for (;;) {
        while (waitpid(-1, NULL, WNOHANG) > 0) continue;
        int received = sigwaitinfo(&awaited, NULL);
        if (received < 0 && errno != EINTR) return 1;
        if (received == SIGTERM || received == SIGINT) return 0;
    }
}
