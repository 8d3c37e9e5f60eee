/* SPDX-License-Identifier: MIT */
/* Tells what became of an operation. */
#include <string.h>

#include "base/clock.h"
#include "cmd/batch_impl.h"
#include "cmd/text.h"
#include "cmd/trouble.h"

/*
 * Puts an operation as `sheaf retry` has to send it: without waiting for those
 * that are done, which are not in the retry file.
 */
static void
put_operation(struct batch *b, const struct batch_one *one, struct buf *out)
{
	const struct edit_changes changes = {
		.id = one->id, .known = batch_known, .arg = b
	};

	if (b->in.head.shape == SHAPE_ACTIONS ||
	    batch_edit_put(out, &one->op.e, &changes, NULL)) {
		buf_clear(out);
		buf_put(out, one->op.text);
	}
	batch_flatten(out, 0);
}

/* text without name, a number and end in front; or text as it is. */
static struct str
without(struct str text, struct str name, struct str end)
{
	struct str rest = str_skip(text, name.len);
	size_t digits = 0;

	if (!str_starts(text, name))
		return text;
	while (digits < rest.len && rest.ptr[digits] >= '0' &&
	    rest.ptr[digits] <= '9')
		digits++;
	rest = str_skip(rest, digits);
	return digits && str_starts(rest, end) ? rest : text;
}

struct str
batch_text(struct str text)
{
	struct str rest = without(text, STR("line "), STR(": "));

	if (rest.ptr != text.ptr)
		rest = str_skip(rest, STR(": ").len);
	return without(rest, STR("/operations/"), STR("/"));
}

static struct str
blame_word(enum blame blame)
{
	static const struct str words[BLAME_COUNT] = {
		[BLAME_NONE] = STR_INIT("none"),
		[BLAME_STATUS] = STR_INIT("status"),
		[BLAME_ACCESS] = STR_INIT("access"),
		[BLAME_PROTOCOL] = STR_INIT("protocol"),
		[BLAME_CUT] = STR_INIT("cut"),
		[BLAME_UNREACHABLE] = STR_INIT("unreachable"),
		[BLAME_DIGEST] = STR_INIT("digest"),
		[BLAME_LOCAL] = STR_INIT("local"),
		[BLAME_INTERRUPT] = STR_INIT("interrupt"),
	};

	return words[blame];
}

static void
journal(struct batch *b, const struct batch_one *one, const struct verdict *v,
    const struct bulk_item *answer)
{
	struct journal_line l = { .kind = JOURNAL_ITEM,
		.index = one->at.index,
		.offset = one->at.offset,
		.size = one->at.size,
		.status = v->status,
		.id = one->id,
		.group = one->op.e.group,
		.op = str_from_c(one->word),
		.item_url = one->url,
		.fate = str_from_c(fate_word(v->fate)),
		.blame = blame_word(v->blame),
		.error = v->error,
		.text = v->text,
		.etag = v->etag,
		.retry_after = v->wait < 0 ? -1 : v->wait / NSEC_PER_SEC };

	if (answer)
		l.href = answer->href;
	batch_journal_put(&b->journal, &l);
}

static struct work_item
item_of(const struct batch_one *one)
{
	return (struct work_item){ .op = one->word,
		.url = one->url,
		.id = one->id,
		.key = one->key,
		.source = one->op.source };
}

static void
remember(struct batch *b, struct str id, struct str group,
    const struct verdict *v, struct str href)
{
	if (b->in.head.shape == SHAPE_ACTIONS)
		return;
	if (bulk_known_settle(
		b->known, id, group, v->fate == FATE_DONE, v->etag, href, NULL))
		work_stop(b->f.work, "", NULL);
}

void
batch_settle(struct batch *b, struct batch_one *one, const struct verdict *v,
    const struct bulk_item *answer)
{
	struct buf operation CLEANUP(buf_done) = { 0 };
	struct buf said CLEANUP(buf_done) = { 0 };
	struct work_item item = item_of(one);

	remember(b, one->op.e.id, one->op.e.group, v,
	    answer ? answer->href : str_of("", 0));
	item.replayed = answer && answer->replayed;
	if (v->fate != FATE_DONE && !(b->leaving && b->journal.name)) {
		put_operation(b, one, &operation);
		if (buf_failed(&operation))
			work_stop(b->f.work, "", NULL);
	}
	item.operation = operation.len ? buf_str(&operation) : STR("{}");
	b->failures += v->fate == FATE_FAILED || v->fate == FATE_PARTIAL;
	item.kept = b->leaving && b->journal.name;
	item.mute = b->leaving && v->fate == FATE_LEFT;
	if (answer && answer->answer.len) {
		buf_put(&said, answer->answer);
		batch_flatten(&said, 0);
		if (buf_failed(&said))
			work_stop(b->f.work, "", NULL);
		item.answer = buf_str(&said);
	}
	item.answer_omitted = answer && answer->omitted;
	if (!b->leaving)
		journal(b, one, v, answer);
	work_done(b->f.work, &item, v);
	batch_one_free(one);
}

void
batch_member(
    struct batch *b, const struct batch_one *one, const struct outcome *o)
{
	struct work_item item = item_of(one);

	item.operation = STR("{}");
	work_member(b->f.work, &item, o);
}

/* ---- what the journal says */

static enum fate
fate_named(struct str word)
{
	unsigned i;

	for (i = 0; i < FATE_COUNT; i++)
		if (str_eq(word, str_from_c(fate_word((enum fate)i))))
			return (enum fate)i;
	return FATE_UNKNOWN;
}

static enum blame
blame_named(struct str word)
{
	unsigned i;

	for (i = 0; i < BLAME_COUNT; i++)
		if (str_eq(word, blame_word((enum blame)i)))
			return (enum blame)i;
	return BLAME_STATUS;
}

/* A failure goes into the retry file: its operation is read from the batch. */
static void
tell_again(
    struct batch *b, const struct journal_line *l, const struct verdict *v)
{
	struct buf bytes CLEANUP(buf_done) = { 0 };
	struct buf operation CLEANUP(buf_done) = { 0 };
	struct batch_source_item at = {
		.index = l->index, .offset = l->offset, .size = l->size
	};
	struct batch_one *one;
	struct work_item item;
	struct err err = { 0 };

	if (batch_input_at(&b->in, l->offset, l->size, &bytes, &err)) {
		work_stop(b->f.work, b->in.name, &err);
		return;
	}
	at.bytes = buf_str(&bytes);
	one = batch_one_new(b, &at, &err);
	if (!one) {
		work_stop(b->f.work, b->in.name, &err);
		return;
	}
	item = item_of(one);
	put_operation(b, one, &operation);
	item.operation = buf_str(&operation);
	if (buf_failed(&operation))
		work_stop(b->f.work, "", NULL);
	work_done(b->f.work, &item, v);
	batch_one_free(one);
}

void
batch_settle_again(struct batch *b, const struct journal_line *l)
{
	const struct verdict v = { .fate = fate_named(l->fate),
		.blame = blame_named(l->blame),
		.status = (unsigned)l->status,
		.wait = l->retry_after < 0 ? -1 : l->retry_after * NSEC_PER_SEC,
		.text = l->text,
		.error = l->error,
		.etag = l->etag };
	/* The word is NUL-terminated: it is the arena's. */
	const struct work_item item = { .op = l->op.len ? l->op.ptr : "",
		.url = l->item_url,
		.id = l->id,
		.operation = STR("{}") };
	struct err err = { 0 };

	if (b->in.head.shape != SHAPE_ACTIONS &&
	    bulk_known_add(b->known, l->id, l->group, &err) == ERR_NOMEM)
		work_stop(b->f.work, "", &err);
	remember(b, l->id, l->group, &v, l->href);
	b->failures += v.fate == FATE_FAILED || v.fate == FATE_PARTIAL;
	if (v.fate == FATE_DONE)
		work_done(b->f.work, &item, &v);
	else
		tell_again(b, l, &v);
}
