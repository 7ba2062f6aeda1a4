/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ask.h"

#include <string.h>

static const char AGENT[] = "User-Agent: Open AnyConnect VPN Agent v9.21 ocload\r\n";
static const char XML[] = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";

static void cookies(struct writer *w, const struct ask *a)
{
	if (a->context[0] == '\0' && a->cookie[0] == '\0')
		return;
	writer_str(w, "Cookie: ");
	if (a->context[0] != '\0')
		writer_fmt(w, "webvpncontext=%s%s", a->context, a->cookie[0] != '\0' ? "; " : "");
	if (a->cookie[0] != '\0')
		writer_fmt(w, "webvpn=%s", a->cookie);
	writer_str(w, "\r\n");
}

static void post(struct writer *w, const struct ask *a, struct slice action, const struct writer *body)
{
	writer_fmt(w, "POST %.*s HTTP/1.1\r\nHost: %s\r\n", (int)action.n, action.p, a->host);
	writer_str(w, AGENT);
	cookies(w, a);
	writer_str(
		w,
		"Accept: */*\r\nAccept-Encoding: identity\r\nX-Transcend-Version: 1\r\nX-Aggregate-Auth: 1\r\n"
		"Content-Type: application/xml; charset=utf-8\r\n");
	writer_fmt(w, "Content-Length: %zu\r\n\r\n", body->len);
	writer_put(w, body->start, body->len);
	w->failed |= body->failed;
}

static void begin(struct writer *w, const char *type)
{
	writer_str(w, XML);
	writer_fmt(w, "<config-auth client=\"vpn\" type=\"%s\" aggregate-auth-version=\"2\">", type);
	writer_str(w, "<version who=\"vpn\">v9.21</version><device-id>linux-64</device-id>");
}

void ask_init(struct writer *w, const struct ask *a)
{
	uint8_t bytes[2048];
	struct writer body = writer_of(bytes, sizeof bytes);
	begin(&body, "init");
	writer_fmt(&body, "<group-access>https://%s/</group-access></config-auth>", a->host);
	post(w, a, text_slice("/"), &body);
}

void ask_reply(struct writer *w, const struct ask *a, const struct reply_form *form)
{
	uint8_t bytes[8192];
	struct writer body = writer_of(bytes, sizeof bytes);
	begin(&body, "auth-reply");
	if (form->opaque.n > 0)
		writer_put(&body, form->opaque.p, form->opaque.n);
	writer_str(&body, "<auth>");
	if (form->asks_user) {
		writer_str(&body, "<username>");
		text_emit_xml(&body, a->user);
		writer_str(&body, "</username>");
	}
	if (form->asks_password || form->asks_secondary) {
		const char *name = form->asks_password ? "password" : "secondary_password";
		writer_fmt(&body, "<%s>", name);
		text_emit_xml(&body, a->password);
		writer_fmt(&body, "</%s>", name);
	}
	writer_str(&body, "</auth></config-auth>");
	post(w, a, form->action.n > 0 ? form->action : text_slice("/auth"), &body);
}

void ask_connect(struct writer *w, const struct ask *a)
{
	writer_fmt(w, "CONNECT /CSCOSSLC/tunnel HTTP/1.1\r\nHost: %s\r\n", a->host);
	writer_str(w, AGENT);
	writer_fmt(w, "Cookie: webvpn=%s\r\n", a->cookie);
	writer_str(w, "X-CSTP-Version: 1\r\nX-CSTP-Hostname: ocload\r\n"
		      "X-CSTP-Protocol: Copyright (c) 2004 Cisco Systems, Inc.\r\n");
	writer_fmt(w, "X-CSTP-Base-MTU: %u\r\nX-CSTP-MTU: %u\r\n", a->base_mtu, a->base_mtu);
	writer_str(w, "X-CSTP-Address-Type: IPv6,IPv4\r\nX-CSTP-Full-IPv6-Capability: true\r\n");
	if (a->wants_dtls) {
		writer_str(w, "X-DTLS-Master-Secret: ");
		for (size_t i = 0; i < sizeof a->dtls_secret; i++)
			writer_fmt(w, "%02X", a->dtls_secret[i]);
		writer_fmt(w, "\r\nX-DTLS-CipherSuite: %s%s%s\r\n", a->offers_13 ? "PSK-NEGOTIATE-13" : "",
			   a->offers_12 && a->offers_13 ? ":" : "", a->offers_12 ? "PSK-NEGOTIATE" : "");
	}
	writer_str(w, "\r\n");
}
