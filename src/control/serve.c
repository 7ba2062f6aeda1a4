/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "control/serve.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/log.h"
#include "base/table.h"
#include "control/control.h"
#include "control/job.h"
#include "control/watch.h"

constexpr uint64_t IDLE_MS = 10'000;  /* for a whole request to arrive */
constexpr uint64_t WRITE_MS = 30'000; /* for a whole answer to be read */

enum client_state : uint8_t {
	CLIENT_READING = 1,
	CLIENT_WAITING, /* its job runs */
	CLIENT_WRITING,
	CLIENT_STREAMING, /* events follow the answer, until it leaves */
	CLIENT_CLOSING,
};

struct client {
	struct client *prev, *next;
	struct control *control;
	uv_pipe_t pipe;
	uv_timer_t timer;
	uv_write_t write;
	unsigned open_handles; /* freed with the last */
	enum client_state state;
	bool has_eof; /* it will send no more, but may still read */
	uint8_t rights;
	struct job job;
	char *out; /* the answer that is being written */
	uint64_t dropped; /* events that it has missed since it was last told */
	size_t line_len;
	char line[REQUEST_LEN_MAX + 1];
};

/* Outlives every write: libuv keeps the pointer, not the byte. */
static uv_buf_t line_feed(void)
{
	return uv_buf_init((char *)(uintptr_t)"\n", 1);
}

/* {{ end }} */

static void on_handle_closed(uv_handle_t *handle)
{
	struct client *cl = handle->data;
	if (--cl->open_handles > 0)
		return;
	free(cl->out);
	free(cl);
}

static void hang_up(struct client *cl)
{
	if (cl->state == CLIENT_CLOSING)
		return;
	if (cl->state == CLIENT_STREAMING)
		watch_end(cl->control);
	cl->state = CLIENT_CLOSING;
	job_cancel(&cl->job);
	DL_DELETE(cl->control->server.clients, cl);
	cl->control->server.clients_n--;
	uv_close((uv_handle_t *)&cl->timer, on_handle_closed);
	uv_close((uv_handle_t *)&cl->pipe, on_handle_closed);
}

/* A last line to a client that is not served; it fits into the socket or is lost. */
static void refuse(struct client *cl, const char *why)
{
	json_t *response = json_pack("{s:b, s:s}", "ok", false, "error", why);
	OWNED(base_freep) char *text = json_dumps(response, JSON_COMPACT);
	json_decref(response);
	if (text != nullptr) {
		const uv_buf_t bufs[] = { uv_buf_init(text, (unsigned)strlen(text)), line_feed() };
		(void)uv_try_write((uv_stream_t *)&cl->pipe, bufs, ARRAY_LEN(bufs));
	}
	hang_up(cl);
}

/* {{ time }} */

static void on_timer(uv_timer_t *timer);

static void set_timer(struct client *cl, uint64_t ms)
{
	/* the loop's clock may be old: a job can take long to write its answer */
	uv_update_time(cl->control->loop);
	uv_timer_start(&cl->timer, on_timer, ms, 0);
}

/* The job may have moved its deadline since the timer was set. */
static void wait_for_job(struct client *cl)
{
	struct mono now = clock_now();
	if (clock_is_past(now, cl->job.deadline))
		job_expire(&cl->job);
	else
		set_timer(cl, (cl->job.deadline.ns - now.ns) / 1'000'000 + 1);
}

static void on_timer(uv_timer_t *timer)
{
	struct client *cl = timer->data;
	switch (cl->state) {
	case CLIENT_READING: refuse(cl, "no request came in time"); break;
	case CLIENT_WAITING: wait_for_job(cl); break;
	case CLIENT_WRITING: hang_up(cl); break;
	case CLIENT_STREAMING:
	case CLIENT_CLOSING: break;
	}
}

/* {{ events }} */

struct piece {
	uv_write_t write;
	size_t len;
	char text[];
};

static void stream(struct client *cl, const char *line);

static void tell_dropped(struct client *cl)
{
	char line[96];
	snprintf(line, sizeof line, "{\"Event\":\"dropped\",\"Count\":%llu}",
		 (unsigned long long)cl->dropped);
	cl->dropped = 0;
	stream(cl, line);
}

static void on_piece(uv_write_t *write, int status)
{
	struct piece *piece = CONTAINER_OF(write, struct piece, write);
	struct client *cl = write->data;
	free(piece);
	if (cl->state != CLIENT_STREAMING)
		return;
	if (status < 0)
		hang_up(cl);
	else if (cl->dropped > 0 &&
		 uv_stream_get_write_queue_size((uv_stream_t *)&cl->pipe) < SERVE_STREAM_MAX / 2)
		tell_dropped(cl);
}

static void stream(struct client *cl, const char *line)
{
	size_t len = strlen(line);
	bool is_full = uv_stream_get_write_queue_size((uv_stream_t *)&cl->pipe) + len > SERVE_STREAM_MAX;
	/* in the order of time: not before it was told what it has missed */
	struct piece *piece = is_full || cl->dropped > 0 ? nullptr : malloc(sizeof *piece + len + 1);
	if (piece == nullptr) {
		cl->dropped++;
		cl->control->events_dropped++;
		return;
	}
	memcpy(piece->text, line, len);
	piece->text[len] = '\n';
	piece->write.data = cl;
	const uv_buf_t buf = uv_buf_init(piece->text, (unsigned)len + 1);
	if (uv_write(&piece->write, (uv_stream_t *)&cl->pipe, &buf, 1, on_piece) == 0)
		return;
	free(piece);
	hang_up(cl);
}

void serve_publish(struct control *c, const char *line)
{
	struct client *cl, *tmp;
	DL_FOREACH_SAFE(c->server.clients, cl, tmp)
		if (cl->state == CLIENT_STREAMING)
			stream(cl, line);
}

/* {{ answer }} */

static void on_written(uv_write_t *write, int status)
{
	struct client *cl = write->data;
	free(TAKE(cl->out));
	if (cl->state == CLIENT_CLOSING)
		return;
	if (status < 0 || cl->has_eof) {
		hang_up(cl);
		return;
	}
	cl->state = CLIENT_READING;
	cl->line_len = 0;
	set_timer(cl, IDLE_MS);
}

static void on_answer(struct job *job, json_t *response)
{
	struct client *cl = CONTAINER_OF(job, struct client, job);
	/* plain ASCII: nothing in a name can steer the terminal that shows it */
	cl->out = json_dumps(response, JSON_COMPACT | JSON_ENSURE_ASCII);
	json_decref(response);
	if (cl->out == nullptr) {
		refuse(cl, err_text(ERR_NOMEM));
		return;
	}
	if (job->is_stream) {
		uv_timer_stop(&cl->timer);
		cl->state = CLIENT_STREAMING;
		watch_begin(cl->control);
		stream(cl, cl->out);
		return;
	}
	const uv_buf_t bufs[] = { uv_buf_init(cl->out, (unsigned)strlen(cl->out)), line_feed() };
	cl->state = CLIENT_WRITING;
	cl->write.data = cl;
	set_timer(cl, WRITE_MS);
	if (uv_write(&cl->write, (uv_stream_t *)&cl->pipe, bufs, ARRAY_LEN(bufs), on_written) != 0)
		hang_up(cl);
}

/* {{ request }} */

static const char *parse_problem(enum err e)
{
	if (e == ERR_RANGE)
		return "the request is too long";
	if (e == ERR_UNSUPPORTED)
		return "this server speaks version 1: use the occtl that came with it";
	return "a request is {\"cmd\":[\"word\",...],\"v\":1}";
}

static void start_request(struct client *cl, size_t len)
{
	if (len + 1 != cl->line_len) {
		refuse(cl, "one request at a time: wait for the answer");
		return;
	}
	enum err e = request_parse(&cl->job.request, cl->line, len);
	if (e != ERR_OK) {
		refuse(cl, parse_problem(e));
		return;
	}
	cl->state = CLIENT_WAITING;
	job_start(&cl->job, cl->control, cl->rights, on_answer);
	if (cl->state == CLIENT_WAITING)
		wait_for_job(cl);
}

static void feed(struct client *cl)
{
	if (cl->state != CLIENT_READING) {
		refuse(cl, "one request at a time: wait for the answer");
		return;
	}
	const char *end = memchr(cl->line, '\n', cl->line_len);
	if (end != nullptr)
		start_request(cl, (size_t)(end - cl->line));
	else if (cl->line_len == sizeof cl->line)
		refuse(cl, parse_problem(ERR_RANGE));
}

static void give_room(uv_handle_t *handle, size_t, uv_buf_t *buf)
{
	struct client *cl = handle->data;
	*buf = uv_buf_init(cl->line + cl->line_len, (unsigned)(sizeof cl->line - cl->line_len));
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *)
{
	struct client *cl = stream->data;
	if (n > 0) {
		cl->line_len += (size_t)n;
		feed(cl);
		return;
	}
	if (n == 0)
		return;
	cl->has_eof = true;
	uv_read_stop(stream);
	if (n != UV_EOF || cl->state == CLIENT_READING || cl->state == CLIENT_STREAMING)
		hang_up(cl);
}

/* {{ begin }} */

/* A connection that reached the socket is still asked who it is: the mode of the file may have been widened. */
static uint8_t rights_of(uv_pipe_t *pipe)
{
	struct ucred peer;
	socklen_t len = sizeof peer;
	int fd;
	if (uv_fileno((uv_handle_t *)pipe, &fd) != 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0)
		return 0;
	if (peer.uid == 0 || peer.uid == geteuid())
		return RIGHT_SHOW | RIGHT_CHANGE;
	log_warn("occtl.refused uid=%u pid=%d", peer.uid, peer.pid);
	return 0;
}

static struct client *new_client(struct control *c)
{
	struct client *cl = calloc(1, sizeof *cl);
	if (cl == nullptr)
		return nullptr;
	cl->control = c;
	cl->state = CLIENT_READING;
	uv_pipe_init(c->loop, &cl->pipe, 0);
	uv_timer_init(c->loop, &cl->timer);
	cl->pipe.data = cl->timer.data = cl;
	cl->open_handles = 2;
	DL_APPEND(c->server.clients, cl);
	c->server.clients_n++;
	return cl;
}

static void greet(struct client *cl)
{
	cl->rights = rights_of(&cl->pipe);
	if (cl->rights == 0) {
		refuse(cl, "permission denied: use sudo");
		return;
	}
	if (cl->control->server.clients_n > SERVE_CLIENTS_MAX) {
		log_warn("occtl.busy clients=%u", SERVE_CLIENTS_MAX);
		refuse(cl, "too many clients at once: try again");
		return;
	}
	set_timer(cl, IDLE_MS);
	if (uv_read_start((uv_stream_t *)&cl->pipe, give_room, on_read) != 0)
		hang_up(cl);
}

static void on_connection(uv_poll_t *listener, int status, int)
{
	struct control *c = listener->data;
	int fd = status == 0 ? accept4(c->server.fd, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK) : -1;
	if (fd < 0)
		return;
	struct client *cl = new_client(c);
	if (cl == nullptr || uv_pipe_open(&cl->pipe, fd) != 0) {
		close(fd);
		if (cl != nullptr)
			hang_up(cl);
		return;
	}
	greet(cl);
}

enum err serve_start(struct control *c, int fd)
{
	struct server *s = &c->server;
	/* accept4 and no uv_pipe: the socket listens already, and the sandbox knows no listen() */
	if (uv_poll_init(c->loop, &s->listener, fd) != 0) {
		close(fd);
		return ERR_SYS;
	}
	s->listener.data = c;
	s->fd = fd;
	return uv_poll_start(&s->listener, UV_READABLE, on_connection) == 0 ? ERR_OK : ERR_SYS;
}

void serve_stop(struct control *c)
{
	struct client *cl, *tmp;
	if (c->server.fd >= 0) {
		uv_close((uv_handle_t *)&c->server.listener, nullptr);
		close(c->server.fd);
	}
	c->server.fd = -1;
	DL_FOREACH_SAFE(c->server.clients, cl, tmp)
		hang_up(cl);
}
