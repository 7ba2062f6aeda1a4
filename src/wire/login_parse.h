/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * login_parse - between the two parsers of a login: what a value is for, whichever dialect it came in
 *
 * Owner:  login_parse.c and login_xml.c, nobody else.
 */
#pragma once

#include "wire/login.h"

enum login_key : uint8_t {
	LOGIN_KEY_NONE,
	LOGIN_KEY_USERNAME,
	LOGIN_KEY_PASSWORD,
	LOGIN_KEY_SECONDARY,
	LOGIN_KEY_GROUP,
	LOGIN_KEY_ACCESS,
	LOGIN_KEY_HANDLE,
	LOGIN_KEY_TOKEN,
	LOGIN_KEY_SSO_TOKEN,
	LOGIN_KEY_VERSION,
	LOGIN_KEY_DEVICE_ID,
	LOGIN_KEY_COMPUTER_NAME,
	LOGIN_KEY_DEVICE_TYPE,
	LOGIN_KEY_PLATFORM_VERSION,
	LOGIN_KEY_UNIQUE_ID,
	LOGIN_KEY_CAPABILITY,
	LOGIN_KEY_CERT_FAIL,
	LOGIN_KEY_N
};

/* Longest value of any key, with its NUL. */
constexpr size_t LOGIN_VALUE_CAP = 1024;

/* Of a field of a form, or of a child of <auth>; LOGIN_KEY_NONE: not for us. */
enum login_key login_answer_key(struct slice name);

/* ERR_RANGE: too long; ERR_SYNTAX: bytes that such a value cannot have; ERR_PROTO: a credential given twice. */
enum err login_store(struct login_req *out, enum login_key key, struct slice value);

/* The document without what stands before its root; sets out->type too. */
enum err login_xml_parse(struct login_req *out, struct slice doc);
