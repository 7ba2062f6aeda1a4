/* SPDX-License-Identifier: GPL-3.0-or-later */
/* test_config_login - options of the dialogue before the tunnel that are checked beyond their type */
#include "unit/test_config.h"

static void accepts(const char *lines)
{
	char text[2048];
	snprintf(text, sizeof text, "%s%s", BASE, lines);
	auto r = parse(text);
	print_report(&r);
	assert_int_equal(r.e, ERR_OK);
	done(&r);
}

static void refuses(const char *lines, const char *why)
{
	char text[2048];
	snprintf(text, sizeof text, "%s%s", BASE, lines);
	auto r = parse(text);
	print_report(&r);
	assert_int_equal(r.e, ERR_CONFIG);
	assert_non_null(find_problem(&r, true, why));
	done(&r);
}

TEST(camouflage, right)
{
	accepts("camouflage = true\ncamouflage_secret = \"mysecretkey-._~1\"\n");
	accepts("camouflage = true\ncamouflage_secret = a\ncamouflage_realm = \"Restricted Content\"\n");
	accepts("camouflage = false\n");
	accepts("camouflage_secret = a\n");
}

TEST(camouflage, wrong)
{
	refuses("camouflage = true\n", "without camouflage_secret");
	refuses("camouflage = true\ncamouflage_secret = \"two words\"\n", "camouflage_secret");
	refuses("camouflage = true\ncamouflage_secret = \"a&b\"\n", "camouflage_secret");
	refuses("camouflage = true\ncamouflage_secret = \"a%20\"\n", "camouflage_secret");
	refuses("camouflage = true\ncamouflage_secret = \"a/b\"\n", "camouflage_secret");
	refuses("camouflage_realm = \"back\\slash\"\n", "camouflage_realm");
}

TEST(fips, what_is_refused)
{
	accepts("fips = policy\n");
	accepts("fips = false\ndtls-prestandard = true\n");
	if (!OCSERV_FIPS_MODULE)
		refuses("fips = true\n", "no FIPS module");
	refuses("fips = policy\nauth = \"radius[config=/etc/r]\"\n", "MD5");
	refuses("fips = policy\nenable-auth = \"radius[config=/etc/r]\"\n", "MD5");
	refuses("fips = policy\nacct = \"radius[config=/etc/r]\"\n", "MD5");
	refuses("fips = policy\ndtls-prestandard = true\n", "dtls-prestandard");
	refuses("fips = policy\ntls-priorities = \"NORMAL:-GROUP-ALL:+GROUP-X25519\"\n", "+GROUP-SECP256R1");
}

TEST(profile, names)
{
	accepts("user-profile = /etc/ocserv/profile.xml\n");
	accepts("user-profile = profile.xml\n");
	refuses("user-profile = /etc/ocserv/\n", "user-profile");
}

static void many_groups(char *out, size_t cap, unsigned n, unsigned width)
{
	size_t at = (size_t)snprintf(out, cap, "%s", BASE);
	for (unsigned i = 0; i < n; i++)
		at += (size_t)snprintf(out + at, cap - at, "select-group = g%0*u\n", (int)width, i);
	assert_true(at < cap);
}

TEST(groups, as_many_as_a_form_takes)
{
	static char text[256 * 1024];
	many_groups(text, sizeof text, 512, 8);
	auto r = parse(text);
	assert_int_equal(r.e, ERR_OK);
	done(&r);
	many_groups(text, sizeof text, 513, 8);
	r = parse(text);
	assert_non_null(find_problem(&r, true, "at most 512"));
	done(&r);
	many_groups(text, sizeof text, 400, 60); /* twice: name and label */
	r = parse(text);
	assert_non_null(find_problem(&r, true, "use shorter ones"));
	done(&r);
}

TEST(groups, default_without_others)
{
	auto r = parse(BASE "default-select-group = all\n");
	assert_int_equal(r.e, ERR_OK);
	assert_non_null(find_problem(&r, false, "no effect"));
	done(&r);
	r = parse(BASE "default-select-group = all\nauto-select-group = true\n");
	assert_null(find_problem(&r, false, "no effect"));
	done(&r);
}

TEST(strap, is_on)
{
	auto r = parse(BASE);
	assert_true(r.c->vhosts[0].strap);
	done(&r);
	r = parse(BASE "strap = false\n");
	assert_false(r.c->vhosts[0].strap);
	done(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(camouflage_right),
		cmocka_unit_test(camouflage_wrong),
		cmocka_unit_test(fips_what_is_refused),
		cmocka_unit_test(profile_names),
		cmocka_unit_test(groups_as_many_as_a_form_takes),
		cmocka_unit_test(groups_default_without_others),
		cmocka_unit_test(strap_is_on),
	};
	return cmocka_run_group_tests_name("config_login", tests, nullptr, nullptr);
}
