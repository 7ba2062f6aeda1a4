/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/port.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

constexpr unsigned STATE_LISTEN = 0x0a, STATE_UDP_BOUND = 0x07;

static void close_file(FILE **f)
{
	if (*f != nullptr)
		fclose(*f);
}
static void close_dir(DIR **d)
{
	if (*d != nullptr)
		closedir(*d);
}

/* Inode of the socket that waits on the port, from a table of /proc/net; 0 if none. */
static unsigned long find_inode(const char *table, unsigned state, unsigned port)
{
	FILE *f OWNED(close_file) = fopen(table, "re");
	char line[512];
	while (f != nullptr && fgets(line, sizeof line, f) != nullptr) {
		unsigned local, st;
		unsigned long inode;
		int n = sscanf(line, " %*d: %*[0-9A-Fa-f]:%x %*[0-9A-Fa-f]:%*x %x %*s %*s %*s %*s %*s %lu",
			       &local, &st, &inode);
		if (n == 3 && local == port && st == state)
			return inode;
	}
	return 0;
}

static bool has_socket(const char *pid, unsigned long inode)
{
	char path[300], want[32], link[64];
	snprintf(want, sizeof want, "socket:[%lu]", inode);
	snprintf(path, sizeof path, "/proc/%s/fd", pid);
	DIR *d OWNED(close_dir) = opendir(path);
	for (struct dirent *e; d != nullptr && (e = readdir(d)) != nullptr;) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof link - 1);
		if (n > 0 && strncmp(link, want, (size_t)n) == 0 && want[n] == '\0')
			return true;
	}
	return false;
}

static void read_name(const char *pid, char *name, size_t cap)
{
	char path[300];
	snprintf(path, sizeof path, "/proc/%s/comm", pid);
	snprintf(name, cap, "?");
	FILE *f OWNED(close_file) = fopen(path, "re");
	if (f != nullptr && fgets(name, (int)cap, f) != nullptr)
		name[strcspn(name, "\n")] = '\0';
}

enum err port_owner(bool is_udp, unsigned port, char *name, size_t name_cap, pid_t *pid)
{
	unsigned state = is_udp ? STATE_UDP_BOUND : STATE_LISTEN;
	unsigned long inode = find_inode(is_udp ? "/proc/net/udp" : "/proc/net/tcp", state, port);
	if (inode == 0)
		inode = find_inode(is_udp ? "/proc/net/udp6" : "/proc/net/tcp6", state, port);
	if (inode == 0)
		return ERR_NOTFOUND;
	DIR *proc OWNED(close_dir) = opendir("/proc");
	for (struct dirent *e; proc != nullptr && (e = readdir(proc)) != nullptr;) {
		if (e->d_name[0] < '1' || e->d_name[0] > '9' || !has_socket(e->d_name, inode))
			continue;
		read_name(e->d_name, name, name_cap);
		*pid = (pid_t)strtol(e->d_name, nullptr, 10);
		return ERR_OK;
	}
	return ERR_NOTFOUND;
}
