/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "keeper/auth_queue.h"

#include <stdlib.h>

struct line {
	struct auth_work *head, **tail;
	unsigned n;
};

struct auth_queue {
	uv_thread_t thread;
	uv_async_t wake; /* thread -> loop: something is done */
	uv_mutex_t lock; /* guards the four below */
	uv_cond_t work;  /* loop -> thread: something waits, or it is over */
	struct line waiting, finished;
	bool is_over;
};

static void line_init(struct line *l)
{
	*l = (struct line){ .tail = &l->head };
}

static void line_add(struct line *l, struct auth_work *w)
{
	w->next = nullptr;
	*l->tail = w;
	l->tail = &w->next;
	l->n++;
}

static struct auth_work *line_take(struct line *l)
{
	struct auth_work *w = l->head;
	if (w == nullptr)
		return nullptr;
	l->head = w->next;
	if (l->head == nullptr)
		l->tail = &l->head;
	l->n--;
	return w;
}

/* {{ the thread }} */

static void run_all(void *arg)
{
	struct auth_queue *q = arg;
	uv_mutex_lock(&q->lock);
	while (!q->is_over) {
		struct auth_work *w = line_take(&q->waiting);
		if (w == nullptr) {
			uv_cond_wait(&q->work, &q->lock);
			continue;
		}
		uv_mutex_unlock(&q->lock);
		w->run(w);
		uv_mutex_lock(&q->lock);
		line_add(&q->finished, w);
		uv_async_send(&q->wake);
	}
	uv_mutex_unlock(&q->lock);
}

/* {{ the loop }} */

static struct auth_work *take(struct auth_queue *q, struct line *l)
{
	uv_mutex_lock(&q->lock);
	struct auth_work *w = line_take(l);
	uv_mutex_unlock(&q->lock);
	return w;
}

static void on_wake(uv_async_t *wake)
{
	struct auth_queue *q = CONTAINER_OF(wake, struct auth_queue, wake);
	struct auth_work *w;
	while ((w = take(q, &q->finished)) != nullptr)
		w->done(w);
}

static void on_closed(uv_handle_t *handle)
{
	struct auth_queue *q = CONTAINER_OF((uv_async_t *)handle, struct auth_queue, wake);
	uv_cond_destroy(&q->work);
	uv_mutex_destroy(&q->lock);
	free(q);
}

enum err auth_queue_new(struct auth_queue **out, uv_loop_t *loop)
{
	struct auth_queue *q = calloc(1, sizeof *q);
	if (q == nullptr)
		return ERR_NOMEM;
	line_init(&q->waiting);
	line_init(&q->finished);
	if (uv_mutex_init(&q->lock) != 0 || uv_cond_init(&q->work) != 0 ||
	    uv_async_init(loop, &q->wake, on_wake) != 0) {
		free(q);
		return ERR_SYS;
	}
	uv_unref((uv_handle_t *)&q->wake); /* does not keep the loop alive by itself */
	if (uv_thread_create(&q->thread, run_all, q) != 0) {
		uv_close((uv_handle_t *)&q->wake, on_closed);
		return ERR_SYS;
	}
	*out = q;
	return ERR_OK;
}

void auth_queue_free(struct auth_queue *q)
{
	if (q == nullptr)
		return;
	uv_mutex_lock(&q->lock);
	q->is_over = true;
	uv_cond_signal(&q->work);
	uv_mutex_unlock(&q->lock);
	uv_thread_join(&q->thread);
	struct auth_work *w;
	while ((w = take(q, &q->finished)) != nullptr || (w = take(q, &q->waiting)) != nullptr)
		w->done(w);
	uv_close((uv_handle_t *)&q->wake, on_closed);
}

enum err auth_queue_push(struct auth_queue *q, struct auth_work *w)
{
	uv_mutex_lock(&q->lock);
	bool has_room = q->waiting.n < AUTH_QUEUE_MAX;
	if (has_room) {
		line_add(&q->waiting, w);
		uv_cond_signal(&q->work);
	}
	uv_mutex_unlock(&q->lock);
	return has_room ? ERR_OK : ERR_FULL;
}
