/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * file - the password file, rewritten whole or not at all
 *
 * From file_open to file_close the directory is locked against another ocpasswd.  The new content goes to a temporary
 * file beside the old one, reaches the disk, and then takes its name: at any moment the file is the old or the new one.
 *
 * Owner:  the caller; struct file is the caller's storage.
 */
#pragma once

#include <stdio.h>
#include <sys/stat.h>

#include "base/passwd.h"

struct file {
	char *path; /* resolved: a symbolic link stays one */
	char *text; /* content; empty if the file does not exist */
	size_t len;
	int dir; /* locked */
	bool exists;
	struct stat st; /* if it exists */
};

/* may_create: a missing file counts as an empty one.  Every line is checked.  Errors were printed. */
enum err file_open(struct file *f, const char *path, bool may_create);
void file_close(struct file *f);

/* Replace the content by what emit writes. */
enum err file_replace(struct file *f, void (*emit)(FILE *out, const void *arg), const void *arg);
