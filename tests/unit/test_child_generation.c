/* SPDX-License-Identifier: GPL-3.0-or-later */
/* generation and args: which files the keeper can name, what cannot be a configuration, the command line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ipc/msgs.h"
#include "supervisor/args.h"
#include "supervisor/generation.h"

static char folder[] = "/tmp/test_generation.XXXXXX";
static char file[64];

static const char text[] =
	"auth = plain[passwd=/etc/p0]\n"
	"server-cert = /etc/c0\nserver-key = /etc/k0\nserver-cert = /etc/c1\nserver-key = /etc/k1\n"
	"ipv4-network = 10.9.0.0/24\n"
	"[vhost:b.example]\nserver-cert = /etc/c2\nserver-key = /etc/k2\n";

static void write_file(const char *what, size_t len)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_int_equal(write(fd, what, len), len);
	close(fd);
}

static struct generation loaded(void)
{
	struct generation g = { 0 };
	char *problems;
	write_file(text, sizeof text - 1);
	assert_int_equal(generation_load(&g, file, 7, &problems), ERR_OK);
	free(problems);
	assert_int_equal(g.number, 7);
	return g;
}

/* {{ files */

static const struct {
	uint32_t vhost, kind, index;
	const char *want; /* nullptr: refused */
} rows[] = {
	{ 0, FILE_SERVER_CERT, 0, "/etc/c0" },
	{ 0, FILE_SERVER_CERT, 1, "/etc/c1" },
	{ 0, FILE_SERVER_CERT, 2, nullptr },
	{ 0, FILE_SERVER_KEY, 1, "/etc/k1" },
	{ 0, FILE_SERVER_KEY, UINT32_MAX, nullptr },
	{ 0, FILE_PASSWD, 0, "/etc/p0" },
	{ 0, FILE_PASSWD, 1, nullptr },
	{ 1, FILE_SERVER_KEY, 0, "/etc/k2" },
	{ 1, FILE_SERVER_KEY, 1, nullptr },
	{ 1, FILE_PASSWD, 0, "/etc/p0" }, /* inherited */
	{ 2, FILE_SERVER_KEY, 0, nullptr },
	{ UINT32_MAX, FILE_SERVER_KEY, 0, nullptr },
	{ 0, 0, 0, nullptr },
	{ 0, FILE_PASSWD + 1, 0, nullptr },
	{ 0, UINT32_MAX, 0, nullptr },
};

static void only_files_of_the_configuration_have_a_name(void **state)
{
	(void)state;
	struct generation g = loaded();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		Msg__FileGet want;
		msg__file_get__init(&want);
		want.vhost = rows[i].vhost;
		want.kind = rows[i].kind;
		want.index = rows[i].index;
		const char *path = generation_file(&g, &want);
		if (rows[i].want == nullptr)
			assert_null(path);
		else
			assert_string_equal(path, rows[i].want);
	}
	generation_fini(&g);
}

static void the_text_cannot_be_changed_and_each_reader_begins_at_its_start(void **state)
{
	(void)state;
	struct generation g = loaded();
	char bytes[8] = "";
	for (int i = 0; i < 2; i++) {
		int fd = generation_text_fd(&g);
		assert_true(fd >= 0);
		assert_int_equal(read(fd, bytes, 4), 4);
		assert_string_equal(bytes, "auth");
		assert_int_equal(write(fd, "x", 1), -1);
		close(fd);
	}
	assert_int_equal(write(g.text, "x", 1), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(ftruncate(g.text, 0), -1);
	generation_fini(&g);
}

static void certificates_are_kept_and_compared(void **state)
{
	(void)state;
	struct generation g = loaded();
	Msg__Cert cert;
	Msg__Certs certs;
	uint8_t pem[] = "chain";
	msg__cert__init(&cert);
	msg__certs__init(&certs);
	cert.chain_pem = (ProtobufCBinaryData){ .len = sizeof pem, .data = pem };
	certs.generation = 7;
	certs.n_certs = 1;
	certs.certs = (Msg__Cert *[]){ &cert };
	assert_null(generation_certs(&g));
	assert_false(generation_same_certs(&g, &certs));
	assert_int_equal(generation_set_certs(&g, &certs), ERR_OK);
	assert_true(generation_same_certs(&g, &certs));
	Msg__Certs *copy = generation_certs(&g);
	assert_int_equal(copy->n_certs, 1);
	assert_memory_equal(copy->certs[0]->chain_pem.data, pem, sizeof pem);
	msg__certs__free_unpacked(copy, nullptr);
	pem[0] = 'C';
	assert_false(generation_same_certs(&g, &certs));
	generation_fini(&g);
}

/* {{ what is no configuration */

static enum err load(const char *path, const char *want)
{
	struct generation g = { 0 };
	char *problems;
	enum err e = generation_load(&g, path, 1, &problems);
	assert_int_equal(g.number, 0);
	assert_non_null(problems);
	assert_non_null(strstr(problems, want));
	free(problems);
	return e;
}

static void what_cannot_be_read_is_told(void **state)
{
	(void)state;
	char fifo[64];
	assert_int_equal(
		load("/nonexistent/x.conf", "/nonexistent/x.conf: error: cannot be read: No such file"),
		ERR_SYS);
	assert_int_equal(load(folder, "cannot be read"), ERR_SYS);
	snprintf(fifo, sizeof fifo, "%s/fifo", folder);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(load(fifo, "cannot be read"), ERR_SYS); /* and does not wait for a writer */
	unlink(fifo);
	char *big = calloc(1, GENERATION_TEXT_MAX + 1);
	memset(big, '#', GENERATION_TEXT_MAX + 1);
	write_file(big, GENERATION_TEXT_MAX + 1);
	assert_int_equal(load(file, "File too large"), ERR_SYS);
	free(big);
}

static void all_problems_are_told_at_once(void **state)
{
	(void)state;
	static const char wrong[] = "bogus = 1\ntcp-port = 99999\n";
	write_file(wrong, sizeof wrong - 1);
	assert_int_equal(load(file, ":1: error: "), ERR_CONFIG);
	assert_int_equal(load(file, ":2: error: "), ERR_CONFIG);
}

/* {{ the command line */

static int parse(struct args *a, const char *line)
{
	static char words[256];
	char *argv[16] = { words };
	int argc = 0;
	snprintf(words, sizeof words, "%s", line);
	for (char *save, *w = strtok_r(words, " ", &save); w != nullptr; w = strtok_r(nullptr, " ", &save))
		argv[argc++] = w;
	optind = 0;
	return args_parse(a, argc, argv);
}

static void words_of_ocserv_are_understood(void **state)
{
	(void)state;
	struct args a;
	assert_int_equal(parse(&a, "s -f -c /etc/passwd -d 4 -p /run/x.pid -e -s -x"), ARGS_GO_ON);
	assert_true(a.foreground && a.log_stderr && a.log_syslog && a.traceable && !a.test_only);
	assert_int_equal(a.debug, 4);
	assert_string_equal(a.config, "/etc/passwd");
	assert_string_equal(a.pid_file, "/run/x.pid");
	assert_int_equal(
		parse(&a, "s --foreground --config=/etc/passwd --debug=9999 --no-chdir --test-config"),
		ARGS_GO_ON);
	assert_true(a.foreground && a.no_chdir && a.test_only);
	assert_int_equal(a.debug, 9);
	assert_int_equal(parse(&a, "s -c /etc/passwd --syslog-facility=local3"), ARGS_GO_ON);
	assert_int_equal(a.debug, -1);
	assert_int_not_equal(a.facility, -1);
}

static void other_words_are_refused(void **state)
{
	(void)state;
	static const char *const lines[] = {
		"s -c /nonexistent",
		"s -c /etc/passwd -d x",
		"s -c /etc/passwd -d -1",
		"s -c /etc/passwd -d 10000",
		"s -c /etc/passwd word",
		"s --bogus",
		"s -c",
		"s -c /etc/passwd --syslog-facility=mars",
	};
	struct args a;
	int out = dup(STDERR_FILENO), null = open("/dev/null", O_WRONLY | O_CLOEXEC);
	dup2(null, STDERR_FILENO);
	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		assert_int_equal(parse(&a, lines[i]), EXIT_FAILURE);
	dup2(out, STDERR_FILENO);
	close(out);
	close(null);
}

int main(void)
{
	assert(mkdtemp(folder) != nullptr);
	snprintf(file, sizeof file, "%s/x.conf", folder);
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_files_of_the_configuration_have_a_name),
		cmocka_unit_test(the_text_cannot_be_changed_and_each_reader_begins_at_its_start),
		cmocka_unit_test(certificates_are_kept_and_compared),
		cmocka_unit_test(what_cannot_be_read_is_told),
		cmocka_unit_test(all_problems_are_told_at_once),
		cmocka_unit_test(words_of_ocserv_are_understood),
		cmocka_unit_test(other_words_are_refused),
	};
	int failed = cmocka_run_group_tests(tests, nullptr, nullptr);
	unlink(file);
	rmdir(folder);
	return failed;
}
