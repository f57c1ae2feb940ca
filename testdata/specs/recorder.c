/* The runtime stand-in of `capture`: writes down how it was called, copies the spec it was given, becomes the real runtime.
 *
 * C and not a script, because a script started through #! never learns the argv[0] its caller chose, and because an interpreter
 * changes signal dispositions before its first line runs. Both are among the things to be recorded.
 *
 * Compiled once per engine with -DREAL="/usr/bin/runc" and -DOUT="/run/capture/calls/docker": engines start it with an emptied
 * environment (podman's kill and delete have neither PATH nor HOME), so nothing can be told to it at run time.
 *
 * One call leaves OUT/SECONDS.NANOSECONDS.PID/ with
 *   argv     the arguments, each ended by NUL        environ  the same for the environment
 *   cwd      the working directory                   status   /proc/self/status (signal masks, umask, pid)
 *   stat     /proc/self/stat (pgrp, session)         fds      "FD TARGET" lines, sockets and pipes by kind
 *   score    /proc/self/oom_score_adj                caller   the name of the parent process
 *   config.json, process.json   what --bundle and --process name
 *
 * The record is best effort, the exec is not: an engine under capture must behave as if the recorder were not there, so whatever
 * cannot be written is left out and the driver complains about the hole. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

static int create(int dir, const char *name)
{
	return openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
}

static void write_all(int fd, const char *bytes, size_t count)
{
	while (count > 0) {
		ssize_t written = write(fd, bytes, count);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			return;
		bytes += written;
		count -= (size_t)written;
	}
}

static void record_strings(int dir, const char *name, char **strings)
{
	int fd = create(dir, name);
	if (fd < 0)
		return;
	for (; *strings; strings++)
		write_all(fd, *strings, strlen(*strings) + 1);
	close(fd);
}

static void copy(int dir, const char *name, int from_dir, const char *from)
{
	char buffer[65536];
	ssize_t count;
	int in = openat(from_dir, from, O_RDONLY | O_CLOEXEC), out;

	if (in < 0)
		return;
	out = create(dir, name);
	if (out >= 0) {
		while ((count = read(in, buffer, sizeof buffer)) > 0)
			write_all(out, buffer, (size_t)count);
		close(out);
	}
	close(in);
}

static void record_fds(int dir)
{
	char target[PATH_MAX];
	struct dirent *entry;
	DIR *open_fds = opendir("/proc/self/fd");
	int out = create(dir, "fds");

	while (open_fds && out >= 0 && (entry = readdir(open_fds))) {
		int fd = atoi(entry->d_name);
		ssize_t length;
		if (entry->d_name[0] == '.' || fd == out || fd == dir || fd == dirfd(open_fds))
			continue;
		length = readlinkat(dirfd(open_fds), entry->d_name, target, sizeof target - 1);
		if (length < 0)
			continue;
		target[length] = 0;
		dprintf(out, "%d %s\n", fd, target);
	}
	if (open_fds)
		closedir(open_fds);
	if (out >= 0)
		close(out);
}

/* Engines write these options in one way each, as their sources show, so no grammar is needed to find the value. */
static const char *value_of(char **argv, const char *flag)
{
	size_t length = strlen(flag);

	for (; *argv; argv++) {
		if (strcmp(*argv, flag) == 0)
			return argv[1];
		if (strncmp(*argv, flag, length) == 0 && (*argv)[length] == '=')
			return *argv + length + 1;
	}
	return NULL;
}

static void record(char **argv)
{
	char name[PATH_MAX], cwd[PATH_MAX];
	struct timespec now;
	const char *bundle, *process;
	ssize_t length;
	int dir, fd;

	clock_gettime(CLOCK_REALTIME, &now);
	snprintf(name, sizeof name, "%s/%lld.%09ld.%d", OUT, (long long)now.tv_sec, now.tv_nsec, getpid());
	if (mkdir(name, 0755) < 0)
		return;
	dir = open(name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (dir < 0)
		return;

	record_strings(dir, "argv", argv);
	record_strings(dir, "environ", environ);
	/* Not getcwd: containerd deletes a bundle and then calls `delete` from inside it, where getcwd fails. */
	length = readlink("/proc/self/cwd", cwd, sizeof cwd);
	if (length > 0 && (fd = create(dir, "cwd")) >= 0) {
		write_all(fd, cwd, (size_t)length);
		close(fd);
	}
	copy(dir, "status", AT_FDCWD, "/proc/self/status");
	copy(dir, "stat", AT_FDCWD, "/proc/self/stat");
	copy(dir, "score", AT_FDCWD, "/proc/self/oom_score_adj");
	snprintf(name, sizeof name, "/proc/%d/comm", getppid());
	copy(dir, "caller", AT_FDCWD, name);
	record_fds(dir);

	bundle = value_of(argv, "--bundle");
	if (bundle) {
		snprintf(name, sizeof name, "%s/config.json", bundle);
		copy(dir, "config.json", AT_FDCWD, name);
	}
	process = value_of(argv, "--process");
	if (process)
		copy(dir, "process.json", AT_FDCWD, process);
	close(dir);
}

int main(int argc, char **argv)
{
	(void)argc;
	record(argv);
	argv[0] = REAL;
	execv(REAL, argv);
	dprintf(2, "recorder: cannot start %s: %s\n", REAL, strerror(errno));
	return 127;
}
