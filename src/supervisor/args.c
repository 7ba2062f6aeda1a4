/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "supervisor/args.h"

#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

static const char default_config[] = "/etc/ocserv/ocserv.conf";

static const char help[] =
	"ocserv-modern - SSL VPN server for AnyConnect and OpenConnect clients\n"
	"Usage: ocserv-modern [options] -c FILE\n"
	"\n"
	"  -c, --config=FILE           configuration (default /etc/ocserv/ocserv.conf)\n"
	"  -f, --foreground            stay in the foreground, log to standard error\n"
	"  -t, --test-config           check configuration, certificates, keys and password files, then exit\n"
	"  -d, --debug=N               how much to log, 0-9; overrides log-level\n"
	"  -p, --pid-file=FILE         write the process number here; overrides pid-file\n"
	"  -e, --log-stderr            log to standard error\n"
	"  -s, --syslog                log to syslog\n"
	"      --syslog-facility=NAME  overrides syslog-facility\n"
	"      --no-chdir              stay in the current directory as a daemon\n"
	"  -x, --traceable             let a debugger attach; workers are not isolated\n"
	"  -h, --help                  this text\n"
	"  -v, --version               version\n"
	"\n"
	"Signals: TERM stops, HUP reloads configuration and certificates.\n";

static const struct {
	const char *name;
	int number;
} facilities[] = {
	{ "daemon", LOG_DAEMON }, { "auth", LOG_AUTH },     { "authpriv", LOG_AUTHPRIV },
	{ "user", LOG_USER },     { "local0", LOG_LOCAL0 }, { "local1", LOG_LOCAL1 },
	{ "local2", LOG_LOCAL2 }, { "local3", LOG_LOCAL3 }, { "local4", LOG_LOCAL4 },
	{ "local5", LOG_LOCAL5 }, { "local6", LOG_LOCAL6 }, { "local7", LOG_LOCAL7 },
};

enum long_only { OPT_FACILITY = 256, OPT_NO_CHDIR };

static const struct option options[] = {
	{ "config", required_argument, nullptr, 'c' },
	{ "foreground", no_argument, nullptr, 'f' },
	{ "test-config", no_argument, nullptr, 't' },
	{ "debug", required_argument, nullptr, 'd' },
	{ "pid-file", required_argument, nullptr, 'p' },
	{ "log-stderr", no_argument, nullptr, 'e' },
	{ "syslog", no_argument, nullptr, 's' },
	{ "syslog-facility", required_argument, nullptr, OPT_FACILITY },
	{ "no-chdir", no_argument, nullptr, OPT_NO_CHDIR },
	{ "traceable", no_argument, nullptr, 'x' },
	{ "help", no_argument, nullptr, 'h' },
	{ "version", no_argument, nullptr, 'v' },
	{ nullptr, 0, nullptr, 0 },
};

static int wrong(const char *what, const char *value)
{
	fprintf(stderr, "ocserv-modern: %s: %s\nTry 'ocserv-modern --help'.\n", what, value);
	return EXIT_FAILURE;
}

static int set_debug(struct args *a, const char *value)
{
	char *end;
	long n = strtol(value, &end, 10);
	/* ocserv takes numbers up to 9999 too; more than 9 is not more */
	if (end == value || *end != '\0' || n < 0 || n > 9999)
		return wrong("--debug takes a number from 0 to 9, not", value);
	a->debug = (int)MIN(n, 9L);
	return ARGS_GO_ON;
}

static int set_facility(struct args *a, const char *value)
{
	for (size_t i = 0; i < ARRAY_LEN(facilities); i++)
		if (strcmp(facilities[i].name, value) == 0) {
			a->facility = facilities[i].number;
			return ARGS_GO_ON;
		}
	return wrong("--syslog-facility takes daemon, auth, authpriv, user or local0 to local7, not", value);
}

static int take(struct args *a, int option)
{
	switch (option) {
	case 'c': a->config = optarg; break;
	case 'f': a->foreground = true; break;
	case 't': a->test_only = true; break;
	case 'p': a->pid_file = optarg; break;
	case 'e': a->log_stderr = true; break;
	case 's': a->log_syslog = true; break;
	case 'x': a->traceable = true; break;
	case OPT_NO_CHDIR: a->no_chdir = true; break;
	case 'd': return set_debug(a, optarg);
	case OPT_FACILITY: return set_facility(a, optarg);
	case 'h': fputs(help, stdout); return EXIT_SUCCESS;
	case 'v': puts("ocserv-modern " OCSERV_MODERN_VERSION); return EXIT_SUCCESS;
	default: fputs("Try 'ocserv-modern --help'.\n", stderr); return EXIT_FAILURE;
	}
	return ARGS_GO_ON;
}

int args_parse(struct args *out, int argc, char **argv)
{
	*out = (struct args){ .config = default_config, .debug = -1, .facility = -1 };
	for (int c; (c = getopt_long(argc, argv, "c:ftd:p:esxhv", options, nullptr)) != -1;) {
		int status = take(out, c);
		if (status != ARGS_GO_ON)
			return status;
	}
	if (optind < argc)
		return wrong("unexpected word", argv[optind]);
	/* a daemon leaves the directory in which a relative name makes sense */
	static char whole[PATH_MAX];
	if (realpath(out->config, whole) == nullptr) {
		fprintf(stderr, "ocserv-modern: cannot read the configuration %s: %m; name it with -c FILE\n",
			out->config);
		return EXIT_FAILURE;
	}
	out->config = whole;
	return ARGS_GO_ON;
}
