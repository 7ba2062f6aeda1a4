/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/log.h"
#include "ipc/ipc.h"

/* A worker and its keeper, in one process. */
struct fixture {
	uv_loop_t loop;
	int raw; /* the far end as bytes, where a test forges */
	struct ipc *near;
	enum ipc_end ended;
	unsigned signs_n;
	int got_fd;
	uint32_t got_id;
	char got_digest[64];
};

static void on_sign(struct ipc *ipc, struct ipc_msg *m)
{
	struct fixture *f = ipc_owner(ipc);
	const Msg__Sign *s = (const Msg__Sign *)m->body;
	f->signs_n++;
	f->got_id = m->id;
	memcpy(f->got_digest, s->digest.data, s->digest.len);
}

static void on_peer(struct ipc *ipc, struct ipc_msg *m)
{
	struct fixture *f = ipc_owner(ipc);
	f->got_fd = ipc_take_fd(m, 0);
}

static void on_free_inside(struct ipc *ipc, struct ipc_msg *)
{
	struct fixture *f = ipc_owner(ipc);
	f->signs_n++;
	ipc_freep(&f->near);
}

static void on_ended(struct ipc *ipc, enum ipc_end why)
{
	struct fixture *f = ipc_owner(ipc);
	f->ended = why;
}

static ipc_handler *const keeper_handlers[MSG_N] = {
	[MSG_SIGN] = on_sign, [MSG_PEER] = on_peer, [MSG_CLOSED] = on_free_inside
};

static void quiet(enum log_level, const char *, size_t)
{
}

static void begin(struct fixture *f, enum ipc_role self, enum ipc_role peer)
{
	int pair[2];
	*f = (struct fixture){ .got_fd = -1 };
	log_init("test", LOG_LEVEL_DEBUG, quiet);
	uv_loop_init(&f->loop);
	assert_int_equal(ipc_pair(pair), ERR_OK);
	struct ipc_conf conf = { .loop = &f->loop,
				 .fd = pair[0],
				 .self = self,
				 .peer = peer,
				 .handlers = keeper_handlers,
				 .ended = on_ended,
				 .owner = f };
	assert_int_equal(ipc_new(&f->near, &conf), ERR_OK);
	f->raw = pair[1];
}

static void end(struct fixture *f)
{
	ipc_freep(&f->near);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	uv_run(&f->loop, UV_RUN_NOWAIT);
	assert_int_equal(uv_loop_close(&f->loop), 0);
	close(f->raw);
}

static void forge(struct fixture *f, uint16_t type, uint16_t zero, const void *body, size_t len)
{
	uint8_t bytes[512] = {
		(uint8_t)(type >> 8), (uint8_t)type, (uint8_t)(zero >> 8), (uint8_t)zero, 0, 0, 0, 7
	};
	memcpy(bytes + 8, body, len);
	assert_int_equal(send(f->raw, bytes, 8 + len, 0), 8 + len);
	uv_run(&f->loop, UV_RUN_NOWAIT);
}

static void a_permitted_message_arrives(void **)
{
	struct fixture f;
	begin(&f, ROLE_KEEPER, ROLE_WORKER);
	Msg__Sign m = MSG__SIGN__INIT;
	m.digest = ipc_bytes("abc", 3);
	uint8_t body[64];
	size_t len = msg__sign__pack(&m, body);
	forge(&f, MSG_SIGN, 0, body, len);
	assert_int_equal(f.signs_n, 1);
	assert_int_equal(f.got_id, 7);
	assert_memory_equal(f.got_digest, "abc", 3);
	assert_true(ipc_is_alive(f.near));
	end(&f);
}

static void refused(uint16_t type, uint16_t zero, const void *body, size_t len)
{
	struct fixture f;
	begin(&f, ROLE_KEEPER, ROLE_WORKER);
	forge(&f, type, zero, body, len);
	assert_int_equal(f.ended, IPC_END_VIOLATION);
	assert_false(ipc_is_alive(f.near));
	assert_int_equal(f.signs_n, 0);
	end(&f);
}

static void a_message_of_another_sender_ends_the_channel(void **)
{
	refused(MSG_STOP_NOW, 0, "", 0);
	refused(MSG_CONFIG, 0, "", 0);
}

static void an_unknown_type_ends_the_channel(void **)
{
	refused(MSG_N, 0, "", 0);
	refused(0, 0, "", 0);
	refused(0xffff, 0, "", 0);
}

static void a_message_without_handler_ends_the_channel(void **)
{
	refused(MSG_OPEN, 0, "", 0);
}

static void a_reserved_field_must_be_zero(void **)
{
	refused(MSG_SIGN, 1, "", 0);
}

static void a_body_that_is_no_protobuf_ends_the_channel(void **)
{
	refused(MSG_SIGN, 0, "\xff\xff\xff\xff", 4);
}

static void a_short_header_ends_the_channel(void **)
{
	struct fixture f;
	begin(&f, ROLE_KEEPER, ROLE_WORKER);
	assert_int_equal(send(f.raw, "abc", 3, 0), 3);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	assert_int_equal(f.ended, IPC_END_VIOLATION);
	end(&f);
}

static void a_phase_is_kept(void **)
{
	/* RUN messages before GO are refused on the supervisor's channel */
	struct fixture f;
	begin(&f, ROLE_SUPERVISOR, ROLE_CONTROL);
	forge(&f, MSG_RELOAD, 0, "", 0);
	assert_int_equal(f.ended, IPC_END_VIOLATION);
	end(&f);
}

static void descriptors_travel_and_are_closed_if_not_taken(void **)
{
	struct fixture f;
	begin(&f, ROLE_KEEPER, ROLE_SUPERVISOR);
	int pipe_fds[2];
	assert_int_equal(pipe(pipe_fds), 0);
	uint8_t bytes[8] = { 0, MSG_PEER, 0, 0, 0, 0, 0, 1 };
	struct iovec iov = { bytes, sizeof bytes };
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &pipe_fds[1], sizeof(int));
	assert_int_equal(sendmsg(f.raw, &mh, 0), 8);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	assert_true(f.got_fd >= 0);
	assert_int_equal(write(f.got_fd, "x", 1), 1);
	close(f.got_fd);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	end(&f);
}

static void descriptors_where_none_belong_end_the_channel(void **)
{
	struct fixture f;
	begin(&f, ROLE_KEEPER, ROLE_WORKER);
	uint8_t bytes[8] = { 0, MSG_SIGN, 0, 0, 0, 0, 0, 1 };
	struct iovec iov = { bytes, sizeof bytes };
	alignas(struct cmsghdr) char space[CMSG_SPACE(sizeof(int))] = {};
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = space, .msg_controllen = sizeof space
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &f.raw, sizeof(int));
	assert_int_equal(sendmsg(f.raw, &mh, 0), 8);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	assert_int_equal(f.ended, IPC_END_VIOLATION);
	end(&f);
}

static void a_peer_that_goes_is_told(void **)
{
	struct fixture f;
	begin(&f, ROLE_KEEPER, ROLE_WORKER);
	shutdown(f.raw, SHUT_RDWR);
	uv_run(&f.loop, UV_RUN_NOWAIT);
	assert_int_equal(f.ended, IPC_END_CLOSED);
	Msg__SignDone m = MSG__SIGN_DONE__INIT;
	assert_int_equal(ipc_send(f.near, MSG_SIGN_DONE, 1, &m.base, nullptr, 0), ERR_CLOSED);
	end(&f);
}

static void a_handler_may_free_its_channel(void **)
{
	struct fixture f;
	begin(&f, ROLE_KEEPER, ROLE_WORKER);
	forge(&f, MSG_CLOSED, 0, "", 0);
	assert_int_equal(f.signs_n, 1);
	assert_null(f.near);
	end(&f);
}

static void messages_wait_for_a_slow_peer_and_keep_their_order(void **)
{
	struct fixture f;
	begin(&f, ROLE_KEEPER, ROLE_WORKER);
	uint8_t blob[4096] = {};
	Msg__SignDone m = MSG__SIGN_DONE__INIT;
	m.signature = ipc_bytes(blob, sizeof blob);
	constexpr uint32_t N = 500; /* far more than the socket holds */
	for (uint32_t id = 1; id <= N; id++)
		assert_int_equal(ipc_send(f.near, MSG_SIGN_DONE, id, &m.base, nullptr, 0), ERR_OK);
	for (uint32_t id = 1; id <= N; id++) {
		uint8_t got[8192];
		ssize_t n;
		while ((n = recv(f.raw, got, sizeof got, MSG_DONTWAIT)) < 0)
			uv_run(&f.loop, UV_RUN_NOWAIT);
		assert_true(n > 4096);
		assert_int_equal(got[6] << 8 | got[7], id);
	}
	end(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_permitted_message_arrives),
		cmocka_unit_test(a_message_of_another_sender_ends_the_channel),
		cmocka_unit_test(an_unknown_type_ends_the_channel),
		cmocka_unit_test(a_message_without_handler_ends_the_channel),
		cmocka_unit_test(a_reserved_field_must_be_zero),
		cmocka_unit_test(a_body_that_is_no_protobuf_ends_the_channel),
		cmocka_unit_test(a_short_header_ends_the_channel),
		cmocka_unit_test(a_phase_is_kept),
		cmocka_unit_test(descriptors_travel_and_are_closed_if_not_taken),
		cmocka_unit_test(descriptors_where_none_belong_end_the_channel),
		cmocka_unit_test(a_peer_that_goes_is_told),
		cmocka_unit_test(a_handler_may_free_its_channel),
		cmocka_unit_test(messages_wait_for_a_slow_peer_and_keep_their_order),
	};
	return cmocka_run_group_tests_name("ipc", tests, nullptr, nullptr);
}
