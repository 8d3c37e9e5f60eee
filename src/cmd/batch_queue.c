/* SPDX-License-Identifier: MIT */
/* The second reading: operations on their way to be sent. */
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "cmd/batch_impl.h"

#define STEP ((size_t)64 * 1024)

/* Small, because a dry run keeps all operations, and most are a line. */
#define ONE_BLOCK ((size_t)192)

void
batch_one_free(struct batch_one *one)
{
	arena_done(&one->a);
	free(one);
}

/* Finds what the operation is called, to people and in the retry file. */
static bool
find_word(struct batch_one *one)
{
	const struct batch_edit *e = &one->op.e;
	struct str word;

	if (!arena_str(&one->a, e->op.len ? e->op : e->method, &word))
		return false;
	one->word = word.ptr;
	return true;
}

/* Makes its URL absolute: a path is the server's.  No URL: stays as it is. */
static bool
find_url(const struct batch *b, struct batch_one *one)
{
	struct str url = one->op.e.url;
	enum err_code rc = ERR_BAD_REQUEST;

	one->url = url;
	if (url.len && url.ptr[0] != '$')
		rc = url_resolve(
		    &one->a, &b->endpoint_url, url, &one->url, NULL);
	if (rc == ERR_NOMEM)
		return false;
	if (rc)
		one->url = url.len ? url : b->endpoint;
	return true;
}

/* Takes its own key, or makes one of that of the batch and its id. */
static bool
find_key(const struct batch *b, struct batch_one *one)
{
	struct buf key CLEANUP(buf_done) = { 0 };
	const struct batch_operation *op = &one->op;

	if (!b->ours)
		return true;
	if (op->key.len || op->e.key.len) {
		one->key = op->key.len ? op->key : op->e.key;
		return true;
	}
	buf_put(&key, b->key);
	buf_putc(&key, '/');
	buf_put(&key, one->id);
	return !buf_failed(&key) &&
	    arena_str(&one->a, buf_str(&key), &one->key);
}

/* Takes its own id; or its index, where an id is needed. */
static bool
find_id(const struct batch *b, struct batch_one *one)
{
	struct buf id CLEANUP(buf_done) = { 0 };

	one->id = one->op.e.id;
	if (one->id.len || b->in.head.shape == SHAPE_ACTIONS ||
	    (b->in.head.shape == SHAPE_OPERATIONS && !b->ours))
		return true;
	buf_put_u64(&id, one->at.index);
	return !buf_failed(&id) && arena_str(&one->a, buf_str(&id), &one->id);
}

struct batch_one *
batch_one_new(
    struct batch *b, const struct batch_source_item *at, struct err *err)
{
	struct batch_one *one = calloc(1, sizeof(*one));
	enum err_code rc;

	if (!one) {
		(void)err_nomem(err);
		return NULL;
	}
	one->a.block = ONE_BLOCK;
	one->at = *at;
	rc = arena_str(&one->a, at->bytes, &one->at.bytes) ? ERR_OK
							   : err_nomem(err);
	if (!rc)
		rc = batch_source_item_read(
		    &one->a, &b->in.head, one->at.bytes, &one->op, err);
	if (!rc &&
	    (!find_id(b, one) || !find_key(b, one) || !find_word(one) ||
		!find_url(b, one)))
		rc = err_nomem(err);
	if (!rc)
		return one;
	batch_one_free(one);
	return NULL;
}

static enum err_code
add_item(void *arg, const struct batch_source_item *item, struct err *err)
{
	struct batch *b = arg;
	struct batch_one *one;
	enum err_code rc;

	if (batch_journal_is_final(&b->journal, item->index))
		return ERR_OK;
	one = batch_one_new(b, item, err);
	if (!one)
		return err->code ? err->code : ERR_NOMEM;
	one->before = batch_journal_was_sent(&b->journal, item->index) ||
	    str_eq(one->op.fate, STR("unknown"));
	*b->last = one;
	b->last = &one->next;
	b->n_queued++;
	b->queued_bytes += item->size;
	if (b->in.head.shape == SHAPE_ACTIONS)
		return ERR_OK;
	rc = bulk_known_add(b->known, one->op.e.id, one->op.e.group, err);
	return rc;
}

enum err_code
batch_queue_begin(struct batch *b, struct err *err)
{
	enum err_code rc;

	b->last = &b->first;
	b->events = (struct batch_source_events){ add_item, b };
	rc = bulk_known_new(BULK_KNOWN, &b->known, err);
	return rc ? rc : batch_source_new(&b->events, &b->source, err);
}

void
batch_queue_done(struct batch *b)
{
	struct batch_one *one;

	while (b->last && (one = batch_shift(b)))
		batch_one_free(one);
	batch_source_free(b->source);
	bulk_known_free(b->known);
}

/* Whether a chunk can be made: any group, and what follows it, is there. */
static bool
is_enough(const struct batch *b)
{
	uint64_t more = b->in.largest_group + 2;

	if (b->whole)
		return false;
	return b->n_queued >= b->most + more ||
	    (b->queued_bytes >= b->most_bytes && b->n_queued >= more);
}

enum err_code
batch_fill(struct batch *b, struct err *err)
{
	struct buf bytes CLEANUP(buf_done) = { 0 };
	enum err_code rc = ERR_OK;
	size_t got;
	char *room;

	while (!rc && !b->read_all && !is_enough(b)) {
		buf_clear(&bytes);
		room = buf_room(&bytes, STEP);
		if (!room)
			return err_nomem(err);
		rc = fd_read_at(b->in.fd, b->read_at, room, STEP, &got, err);
		b->read_at += rc ? 0 : got;
		if (!rc && b->read_at > b->in.size)
			rc = err_tell(
			    err, ERR_IO, "the batch has changed meanwhile");
		if (!rc)
			rc = batch_source_feed(
			    b->source, str_of(room, got), err);
		if (!rc && got < STEP) {
			b->read_all = true;
			rc = batch_source_end(b->source, err);
		}
	}
	return rc;
}

struct batch_one *
batch_shift(struct batch *b)
{
	struct batch_one *one = b->first;

	if (!one)
		return NULL;
	b->first = one->next;
	if (!b->first)
		b->last = &b->first;
	one->next = NULL;
	b->n_queued--;
	b->queued_bytes -= one->at.size;
	return one;
}

void
batch_unshift(struct batch *b, struct batch_one *list)
{
	struct batch_one *end = list;

	if (!list)
		return;
	for (;;) {
		b->n_queued++;
		b->queued_bytes += end->at.size;
		if (!end->next)
			break;
		end = end->next;
	}
	end->next = b->first;
	if (!b->first)
		b->last = &end->next;
	b->first = list;
}
