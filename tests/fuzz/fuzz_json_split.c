/* SPDX-License-Identifier: MIT */
/*
 * Any bytes: taken whole, or entered to any depth, in pieces of any size, it is
 * the same JSON that another parser sees; and what is cut is not whole.
 */
#include "fuzz.h"

#include <jansson.h>

#include "wire/json_load.h"
#include "wire/json_split.h"

static const struct split_limits limits = { .take = 1 << 20, .depth = 100 };

struct run {
	struct json_split *split;
	unsigned enter;
	struct buf log;
	unsigned open; /* entered, and not yet left */
	enum err_code rc;
	struct split_place end;
};

static void
note(struct run *r, char what, const struct split_value *v)
{
	buf_printf(&r->log, "%c%u:%llu:%llu:%llu ", what, v->depth,
	    (unsigned long long)v->index, (unsigned long long)v->line,
	    (unsigned long long)v->column);
	json_split_pointer(r->split, &r->log);
	buf_put(&r->log, v->name);
}

static enum err_code
on_begin(void *arg, const struct split_value *v, enum split_way *way,
    struct err *err)
{
	static const enum split_way inner[] = { SPLIT_TAKE, SPLIT_PASS,
		SPLIT_TEXT, SPLIT_TRY };
	struct run *r = arg;

	(void)err;
	note(r, 'b', v);
	*way = inner[r->enter ? v->index % 4 : 0];
	if (v->depth < r->enter && v->kind >= SPLIT_ARRAY) {
		*way = SPLIT_ENTER;
		r->open++;
	}
	return ERR_OK;
}

static enum err_code
on_take(
    void *arg, const struct split_value *v, struct str bytes, struct err *err)
{
	struct run *r = arg;

	(void)err;
	MUST(bytes.len);
	note(r, 't', v);
	buf_put(&r->log, bytes);
	return ERR_OK;
}

static enum err_code
on_text(
    void *arg, const struct split_value *v, struct str piece, struct err *err)
{
	struct run *r = arg;

	(void)err;
	MUST(v->kind == SPLIT_STRING);
	buf_put(&r->log, piece);
	return ERR_OK;
}

static enum err_code
on_end(void *arg, const struct split_value *v, struct err *err)
{
	struct run *r = arg;

	(void)err;
	note(r, 'e', v);
	if (v->kind >= SPLIT_ARRAY)
		r->open--;
	return ERR_OK;
}

static const struct split_events events = { on_begin, on_take, on_text, on_end,
	NULL };

static void
run(struct run *r, unsigned enter, struct str text, size_t step)
{
	*r = (struct run){ .enter = enter };
	MUST(!json_split_new(&limits, &events, r, &r->split, NULL));
	while (text.len && !r->rc) {
		r->rc = json_split_feed(r->split, str_head(text, step), NULL);
		text = str_skip(text, step);
	}
	if (!r->rc)
		r->rc = json_split_end(r->split, NULL);
	r->end = json_split_place(r->split);
	MUST(r->rc || !r->open);
	json_split_free(r->split);
}

static void
check_same(unsigned enter, struct str text)
{
	struct run whole, bytes;

	run(&whole, enter, text, SIZE_MAX);
	run(&bytes, enter, text, 1 + enter * 2);
	MUST(whole.rc == bytes.rc);
	MUST(str_eq(buf_str(&whole.log), buf_str(&bytes.log)));
	MUST(whole.end.offset == bytes.end.offset);
	MUST(whole.end.line == bytes.end.line);
	MUST(whole.end.column == bytes.end.column);
	buf_done(&whole.log);
	buf_done(&bytes.log);
}

/* Another parser agrees, but for what JSON allows and it does not. */
static void
check_other(struct str text, enum err_code rc)
{
	json_error_t e;
	json_t *j = json_loadb(
	    text.ptr, text.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, &e);

	if (rc == ERR_BAD_ANSWER || rc == ERR_CUT_SHORT)
		MUST(!j);
	if (!rc)
		MUST(j || json_error_code(&e) == json_error_numeric_overflow ||
		    json_error_code(&e) == json_error_null_byte_in_key);
	json_decref(j);
}

/* And makes the same of it, or refuses it as well. */
static void
check_load(struct str text)
{
	json_t *theirs = json_loadb(
	    text.ptr, text.len, JSON_DECODE_ANY | JSON_REJECT_DUPLICATES, NULL);
	const char *why;
	json_t *ours;

	MUST(!json_load_value(text, &ours, &why, NULL));
	MUST(ours ? theirs && json_equal(ours, theirs) : why && !theirs);
	json_decref(ours);
	json_decref(theirs);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str text = fuzz_str(data, size);
	struct run r;
	unsigned enter;

	if (size > 1 << 14)
		return 0;
	for (enter = 0; enter < 4; enter++)
		check_same(enter, text);
	run(&r, 0, text, SIZE_MAX);
	buf_done(&r.log);
	/* jansson knows no byte order mark, and does not see NULs. */
	if (!str_starts(text, STR("\xef")) && !memchr(data, 0, size))
		check_other(text, r.rc);
	if (!r.rc && !str_starts(text, STR("\xef")))
		check_load(text);
	if (!r.rc && text.ptr[size - 1] == '}') {
		run(&r, 1, str_head(text, size - 1 - size / 3), 7);
		MUST(r.rc == ERR_CUT_SHORT || r.rc == ERR_BAD_ANSWER);
		buf_done(&r.log);
	}
	return 0;
}
