// SPDX-License-Identifier: Apache-2.0
// Makes a user namespace, further namespaces that it owns, and pins them all: bind mounts of /proc/<pid>/ns/<kind> on
// files, which keep them without a process.
//
// Usage: berth-userns DIRECTORY UID_MAP GID_MAP [WORD...]
//   DIRECTORY has a file "user" and one for each further kind that is asked for; the maps are what /proc/<pid>/uid_map
//   takes. The words:
//   net, ipc, uts        a new namespace of this kind; the loopback interface of net is brought up
//   hostname=NAME        of uts
//   domainname=NAME      of uts
//   sysctl:PATH=VALUE    PATH below /proc/sys, as "net/ipv4/ip_forward"
// When something fails it says so on standard output, "ERRNO CALL ABOUT", and ends with 1. What is pinned by then is the
// caller's to unpin.

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
	const char *name;
	int flag;
} kinds[] = { { "net", CLONE_NEWNET }, { "ipc", CLONE_NEWIPC }, { "uts", CLONE_NEWUTS } };

static const size_t kind_count = sizeof kinds / sizeof *kinds;

/** Ends this process; the child's 1 makes the parent end too. */
__attribute__((noreturn)) static void fail(const char *call, const char *about)
{
	dprintf(STDOUT_FILENO, "%d %s %s\n", errno, call, about);
	_exit(1);
}

static void write_file(const char *path, const char *text)
{
	int descriptor = open(path, O_WRONLY | O_CLOEXEC);
	if (descriptor < 0)
		fail("open", path);
	// One write: the kernel takes maps and sysctls as a whole.
	if (write(descriptor, text, strlen(text)) < 0)
		fail("write", path);
	close(descriptor);
}

static void bring_loopback_up(void)
{
	struct ifreq request = { .ifr_name = "lo" };
	int descriptor = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (descriptor < 0)
		fail("socket", "lo");
	if (ioctl(descriptor, SIOCGIFFLAGS, &request) != 0)
		fail("ioctl", "flags of lo");
	request.ifr_flags |= IFF_UP;
	if (ioctl(descriptor, SIOCSIFFLAGS, &request) != 0)
		fail("ioctl", "bring up lo");
	close(descriptor);
}

/** The value of "KEY=VALUE", or NULL when the word has another key. */
static const char *value_of(const char *word, const char *key)
{
	size_t length = strlen(key);
	return strncmp(word, key, length) == 0 && word[length] == '=' ? word + length + 1 : NULL;
}

static void set_sysctl(const char *assignment)
{
	const char *equals = strchr(assignment, '=');
	char path[4096];
	if (equals == NULL || (size_t)snprintf(path, sizeof path, "/proc/sys/%.*s", (int)(equals - assignment),
					       assignment) >= sizeof path) {
		errno = EINVAL;
		fail("sysctl", assignment);
	}
	write_file(path, equals + 1);
}

/** What is set from inside: the kernel lets only root of the owning user namespace set some of it. */
static void prepare(char **words)
{
	for (char **word = words; *word != NULL; word++) {
		const char *value;
		if (strcmp(*word, "net") == 0)
			bring_loopback_up();
		else if ((value = value_of(*word, "hostname")) != NULL && sethostname(value, strlen(value)) != 0)
			fail("sethostname", value);
		else if ((value = value_of(*word, "domainname")) != NULL && setdomainname(value, strlen(value)) != 0)
			fail("setdomainname", value);
		else if (strncmp(*word, "sysctl:", 7) == 0)
			set_sysctl(*word + 7);
	}
}

static int flags_of(char **words)
{
	int flags = CLONE_NEWUSER;
	for (char **word = words; *word != NULL; word++)
		for (size_t index = 0; index < kind_count; index++)
			if (strcmp(*word, kinds[index].name) == 0)
				flags |= kinds[index].flag;
	return flags;
}

/** Hands the other side a byte, or waits for one; false when the other side is gone. */
static bool tell(int channel)
{
	return send(channel, "", 1, MSG_NOSIGNAL) == 1;
}

static bool hear(int channel)
{
	char byte;
	return TEMP_FAILURE_RETRY(read(channel, &byte, 1)) == 1;
}

__attribute__((noreturn)) static void run_inside(int channel, char **words)
{
	if (unshare(flags_of(words)) != 0)
		fail("unshare", "user namespace");
	if (!tell(channel) || !hear(channel))
		_exit(1);
	if (setgroups(0, NULL) != 0 || setresgid(0, 0, 0) != 0 || setresuid(0, 0, 0) != 0)
		fail("setuid", "root of the user namespace");
	prepare(words);
	if (tell(channel))
		hear(channel); // until the parent has pinned all, or is gone
	_exit(0);
}

static void pin(pid_t child, const char *directory, const char *kind)
{
	char source[64], target[4096];
	snprintf(source, sizeof source, "/proc/%d/ns/%s", child, kind);
	if ((size_t)snprintf(target, sizeof target, "%s/%s", directory, kind) >= sizeof target) {
		errno = ENAMETOOLONG;
		fail("mount", directory);
	}
	if (mount(source, target, NULL, MS_BIND, NULL) != 0)
		fail("mount", target);
}

static void write_map(pid_t child, const char *name, const char *text)
{
	char path[64];
	snprintf(path, sizeof path, "/proc/%d/%s", child, name);
	write_file(path, text);
}

int main(int argc, char **argv)
{
	int channel[2];
	if (argc < 4) {
		fputs("usage: berth-userns DIRECTORY UID_MAP GID_MAP [WORD...]\n", stderr);
		return 2;
	}
	char **words = argv + 4;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, channel) != 0)
		fail("socketpair", "");
	pid_t child = fork();
	if (child < 0)
		fail("fork", "");
	if (child == 0) {
		close(channel[0]);
		run_inside(channel[1], words);
	}
	close(channel[1]);
	// Where the child is gone it has said why.
	if (!hear(channel[0]))
		return 1;
	write_map(child, "uid_map", argv[2]);
	write_map(child, "gid_map", argv[3]);
	if (!tell(channel[0]) || !hear(channel[0]))
		return 1;
	pin(child, argv[1], "user");
	for (char **word = words; *word != NULL; word++)
		for (size_t index = 0; index < kind_count; index++)
			if (strcmp(*word, kinds[index].name) == 0)
				pin(child, argv[1], kinds[index].name);
	close(channel[0]);
	return waitpid(child, NULL, 0) == child ? 0 : 1;
}
