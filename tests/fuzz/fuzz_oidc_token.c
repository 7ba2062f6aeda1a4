/* SPDX-License-Identifier: GPL-3.0-or-later */
/* oidc_token_verify, oidc_token_name, oidc_token_groups: text up to the first line end is a token, the rest claims */
#include <stdlib.h>
#include <string.h>

#include "auth/oidc_token.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char key_set[] =
	"{\"keys\":[{\"kty\":\"EC\",\"crv\":\"P-256\",\"kid\":\"one\","
	"\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\",\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"},"
	"{\"kty\":\"oct\",\"kid\":\"shared\",\"k\":\"c2VjcmV0\"}]}";

static void judge(const char *token)
{
	json_t *keys = json_loads(key_set, 0, nullptr), *claims = nullptr;
	const char *why = nullptr;
	const struct oidc_expect x = { .issuer = "i", .now = 1, .skew_s = 1 };
	if (keys != nullptr)
		assert(oidc_token_verify(&claims, token, keys, &x, &why) != ERR_OK && why != nullptr);
	json_decref(keys);
}

static void read_claims(const char *text)
{
	char name[OIDC_NAME_MAX];
	json_t *claims = json_loads(text, JSON_REJECT_DUPLICATES, nullptr);
	Msg__Facts *f = msg__facts__unpack(nullptr, 0, nullptr);
	if (json_is_object(claims) && f != nullptr) {
		if (oidc_token_name(claims, "sub", name) == ERR_OK)
			assert(name[0] != '\0' && strlen(name) < sizeof name);
		if (oidc_token_groups(claims, "groups", f) == ERR_OK)
			assert(f->n_groups <= OIDC_GROUPS_MAX);
	}
	if (f != nullptr)
		msg__facts__free_unpacked(f, nullptr);
	json_decref(claims);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = calloc(1, size + 1);
	if (text == nullptr)
		return 0;
	if (size > 0)
		memcpy(text, data, size);
	char *claims = strchr(text, '\n');
	if (claims != nullptr)
		*claims++ = '\0';
	judge(text);
	if (claims != nullptr)
		read_claims(claims);
	free(text);
	return 0;
}
