// SPDX-License-Identifier: Apache-2.0
// Keeps FIFOs open for reading, so that what processes have written into them outlives both the writer and the daemon:
// the kernel drops what waits in a FIFO when nobody has it open any more.
//
// Usage: berth-keeper SOCKET. Listens on the unix socket, goes into the background and serves one client at a time, a line
// a request and a line an answer ("ok", "busy", or "error ERRNO"):
//   hold PATH   opens the FIFO for reading
//   drop PATH   closes it, and all below it when it is a directory
//   sweep       closes those that are not there any more
//   end         ends the program if it holds nothing

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

struct held {
	char *path;
	int descriptor;
};

/** How often it looks whether its socket is still there, in milliseconds. */
static const int check_ms = 2000;

static struct held *all;
static size_t count, capacity;

static int hold(const char *path)
{
	if (count == capacity) {
		size_t larger = capacity == 0 ? 64 : capacity * 2;
		struct held *grown = realloc(all, larger * sizeof *all);
		if (grown == NULL)
			return ENOMEM;
		all = grown;
		capacity = larger;
	}
	// Not blocking: there may be no writer yet. Nothing is ever read.
	int descriptor = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (descriptor < 0)
		return errno;
	struct stat status;
	if (fstat(descriptor, &status) != 0 || !S_ISFIFO(status.st_mode)) {
		close(descriptor);
		return EINVAL;
	}
	char *copy = strdup(path);
	if (copy == NULL) {
		close(descriptor);
		return ENOMEM;
	}
	all[count++] = (struct held){ copy, descriptor };
	return 0;
}

static void forget(size_t index)
{
	close(all[index].descriptor);
	free(all[index].path);
	all[index] = all[--count];
}

static bool is_at_or_below(const char *path, const char *place)
{
	size_t length = strlen(place);
	return strncmp(path, place, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

static void drop(const char *place)
{
	for (size_t index = count; index-- > 0;)
		if (is_at_or_below(all[index].path, place))
			forget(index);
}

/** Another FIFO at the same path is not the one that is held. */
static bool is_there(const struct held *held)
{
	struct stat named, opened;
	return lstat(held->path, &named) == 0 && fstat(held->descriptor, &opened) == 0 &&
	       named.st_ino == opened.st_ino && named.st_dev == opened.st_dev;
}

static void sweep(void)
{
	for (size_t index = count; index-- > 0;)
		if (!is_there(&all[index]))
			forget(index);
}

static void answer(int client, int failure)
{
	if (failure == 0)
		dprintf(client, "ok\n");
	else
		dprintf(client, "error %d\n", failure);
}

static void serve(int client, FILE *requests, const char *socket_path)
{
	char line[4200];
	while (fgets(line, sizeof line, requests) != NULL) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "hold ", 5) == 0) {
			answer(client, hold(line + 5));
		} else if (strncmp(line, "drop ", 5) == 0) {
			drop(line + 5);
			answer(client, 0);
		} else if (strcmp(line, "sweep") == 0) {
			sweep();
			answer(client, 0);
		} else if (strcmp(line, "end") == 0) {
			sweep();
			if (count > 0) {
				dprintf(client, "busy\n");
				continue;
			}
			unlink(socket_path);
			answer(client, 0);
			exit(0);
		} else {
			answer(client, EINVAL);
		}
	}
}

static int listen_on(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof address.sun_path) {
		errno = ENAMETOOLONG;
		return -1;
	}
	strcpy(address.sun_path, path);
	int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	umask(077);
	unlink(path);
	if (server < 0 || bind(server, (struct sockaddr *)&address, sizeof address) != 0 || listen(server, 4) != 0)
		return -1;
	return server;
}

static void go_into_background(void)
{
	pid_t child = fork();
	if (child < 0) {
		perror("berth-keeper: fork");
		_exit(1);
	}
	if (child > 0)
		_exit(0);
	setsid();
	if (chdir("/") != 0)
		_exit(1);
	int null = open("/dev/null", O_RDWR);
	for (int descriptor = 0; descriptor < 3; descriptor++)
		dup2(null, descriptor);
	if (null > 2)
		close(null);
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fputs("usage: berth-keeper SOCKET\n", stderr);
		return 2;
	}
	struct rlimit files;
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	int server = listen_on(argv[1]);
	if (server < 0) {
		fprintf(stderr, "berth-keeper: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	signal(SIGPIPE, SIG_IGN);
	go_into_background();
	for (;;) {
		// Whoever removes the daemon's state, as a reboot does, needs what is held no more.
		struct pollfd ready = { .fd = server, .events = POLLIN };
		if (poll(&ready, 1, check_ms) == 0 && access(argv[1], F_OK) != 0)
			return 0;
		if (ready.revents == 0)
			continue;
		int client = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		if (client < 0)
			continue;
		FILE *requests = fdopen(client, "r");
		if (requests == NULL) {
			close(client);
			continue;
		}
		serve(client, requests, argv[1]);
		fclose(requests);
	}
}
