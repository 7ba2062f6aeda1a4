/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * driver - runs one fuzz target over every file of a corpus folder, without libFuzzer
 *
 * Runs in: ctest, label corpus. Fails when the folder is missing or holds nothing: an empty corpus tests nothing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int only_files(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Each input in a block of exactly its size, so that a sanitizer sees the first byte read too far. */
static bool run_file(int folder, const char *name)
{
	const int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		fprintf(stderr, "cannot read %s\n", name);
		return false;
	}

	const size_t size = (size_t)st.st_size;
	uint8_t *data = malloc(size > 0 ? size : 1);
	const bool whole = data != nullptr && read(fd, data, size) == (ssize_t)size;

	close(fd);
	if (whole)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	return whole;
}

static int run_folder(const char *path)
{
	struct dirent **names = nullptr;
	const int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const int n = scandir(path, &names, only_files, alphasort);
	int bad = 0;

	if (folder < 0 || n <= 0) {
		fprintf(stderr, "%s: no corpus\n", path);
		return 1;
	}
	for (int i = 0; i < n; i++) {
		/* The last line before a crash names the input. */
		printf("%s\n", names[i]->d_name);
		fflush(stdout);
		bad += run_file(folder, names[i]->d_name) ? 0 : 1;
		free(names[i]);
	}
	free(names);
	close(folder);
	printf("%d inputs, %d unreadable\n", n, bad);
	return bad == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	return run_folder(argv[1]);
}
