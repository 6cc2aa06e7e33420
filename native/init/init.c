// SPDX-License-Identifier: Apache-2.0
// The process 1 of a container that was asked for with --init: it starts the command, passes signals on to it, reaps
// what is left to it, and ends as the command ended. See README.md.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { EXIT_USAGE = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_NOT_FOUND = 127, EXIT_SIGNAL_BASE = 128 };

// Writes the parts to standard error as one line; without stdio, which would treble the size.
static void complain(const char *subject, const char *reason) {
    const char *parts[] = {"init: ", subject, ": ", reason, "\n"};
    char line[512];
    size_t used = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        size_t length = strlen(parts[i]);
        if (length > sizeof line - 1 - used) length = sizeof line - 1 - used;
        memcpy(line + used, parts[i], length);
        used += length;
    }
    line[used - 1] = '\n';
    if (write(STDERR_FILENO, line, used) < 0) return;  // nobody is left to tell
}

// Signals that report a fault of init itself must end it: blocked, they would be lost or repeat for ever.
static void signals_to_forward(sigset_t *set) {
    static const int own_faults[] = {SIGFPE, SIGILL, SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGSYS};
    sigfillset(set);
    for (size_t i = 0; i < sizeof own_faults / sizeof *own_faults; i++) sigdelset(set, own_faults[i]);
}

// Becomes the command; tells the parent through the pipe why it could not.
static void run_command(char **argv, const sigset_t *old_mask, int failure_pipe) {
    // A process group of its own, in the foreground of the terminal if there is one: then Ctrl-C reaches the command once,
    // from the terminal, and init does not pass it on a second time.
    setpgid(0, 0);
    if (tcsetpgrp(STDIN_FILENO, getpgrp()) < 0 && errno != ENOTTY && errno != ENXIO && errno != EBADF && errno != EPERM)
        complain("terminal", strerror(errno));
    sigprocmask(SIG_SETMASK, old_mask, NULL);
    execvp(argv[0], argv);
    int reason = errno;
    while (write(failure_pipe, &reason, sizeof reason) < 0 && errno == EINTR) continue;
    _exit(EXIT_NOT_FOUND);
}

// The errno of the command's exec, or 0 when it runs: the pipe closes with exec.
static int exec_failure(int pipe_end) {
    int reason = 0;
    ssize_t length;
    do length = read(pipe_end, &reason, sizeof reason);
    while (length < 0 && errno == EINTR);
    close(pipe_end);
    return length == sizeof reason ? reason : 0;
}

// Reaps all that ended; the exit code of the command once it is among them, else -1.
static int reap(pid_t command) {
    int code = -1;
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG);
        if (pid <= 0) return code;
        if (pid != command) continue;
        code = WIFSIGNALED(status) ? EXIT_SIGNAL_BASE + WTERMSIG(status) : WEXITSTATUS(status);
    }
}

static int supervise(pid_t command, const sigset_t *forwarded) {
    for (;;) {
        siginfo_t info;
        int number = sigwaitinfo(forwarded, &info);
        if (number < 0) continue;  // EINTR: stopped and continued
        if (number == SIGCHLD) {
            int code = reap(command);
            if (code >= 0) return code;
        } else if (number != SIGTTIN && number != SIGTTOU) {
            kill(command, number);  // ESRCH: it ended, and its SIGCHLD comes next
        }
    }
}

int main(int argc, char **argv) {
    // Docker calls its init with "--" before the command.
    int first = argc > 1 && strcmp(argv[1], "--") == 0 ? 2 : 1;
    if (first >= argc) {
        complain("usage", "init [--] command [argument...]");
        return EXIT_USAGE;
    }
    // Not being process 1 (a shared PID namespace), orphans come here all the same.
    if (getpid() != 1) prctl(PR_SET_CHILD_SUBREAPER, 1);

    sigset_t forwarded, old_mask;
    signals_to_forward(&forwarded);
    sigprocmask(SIG_BLOCK, &forwarded, &old_mask);

    int failure[2];
    if (pipe2(failure, O_CLOEXEC) < 0) {
        complain("pipe", strerror(errno));
        return EXIT_USAGE;
    }
    pid_t command = fork();
    if (command < 0) {
        complain("fork", strerror(errno));
        return EXIT_USAGE;
    }
    if (command == 0) run_command(argv + first, &old_mask, failure[1]);
    close(failure[1]);
    int reason = exec_failure(failure[0]);
    if (reason != 0) {
        complain(argv[first], strerror(reason));
        return reason == ENOENT || reason == ENOTDIR ? EXIT_NOT_FOUND : EXIT_NOT_EXECUTABLE;
    }
    return supervise(command, &forwarded);
}
