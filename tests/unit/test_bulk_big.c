/* SPDX-License-Identifier: MIT */
/* Operations whose body comes in pieces. */
#include "lib/test.h"

#include "lib/bulk_try.h"

#define TREE "/f=old"

static enum err_code
start(void *arg, unsigned status, struct results **out, struct err *err)
{
	struct bulk_try *t = arg;
	const struct results_spec spec = { .form = FORM_JSON };

	t->status = status;
	if (results_new(
		&spec, buf_ostream_init(&t->to, &t->out), &t->results, err))
		return ERR_NOMEM;
	*out = t->results;
	return ERR_OK;
}

struct part {
	struct str id, method, url, key, group, body;
	bool cut;
};

static void
send_part(struct bulk_run *r, const struct part *p, uint64_t index)
{
	static const struct batch_head head = { 0 };
	static const struct err cut = { .code = ERR_BAD_BODY,
		.tell = "its body was cut short" };
	const struct batch_item item = {
		.index = index,
		.id = p->id,
		.method = p->method,
		.url = p->url,
		.idempotency_key = p->key,
		.group = p->group,
	};
	struct ostream *to;

	assert_int_equal(
	    bulk_run_big_begin(r, &head, &item, &to, NULL), ERR_OK);
	(void)ostream_write(to, str_head(p->body, 1));
	(void)ostream_write(to, str_skip(p->body, 1));
	assert_int_equal(
	    bulk_run_big_end(r, p->cut ? &cut : NULL, NULL), ERR_OK);
}

static void
send_parts(struct bulk_try *t, const struct part *parts, size_t n)
{
	const struct bulk_env env = {
		.store = t->store,
		.set = &t->set,
		.limits = &t->limits,
		.keys = t->keys,
	};
	const struct bulk_spec spec = {
		.batch_id = STR("b_1"),
		.stream = true,
		.origin = t->spec.origin,
		.start = start,
		.arg = t,
	};
	struct bulk_run *r;
	size_t i;

	buf_clear(&t->out);
	assert_int_equal(bulk_run_new(&env, &spec, &r, NULL), ERR_OK);
	for (i = 0; i < n; i++)
		send_part(r, &parts[i], i);
	assert_int_equal(bulk_run_end(r, NULL, NULL), ERR_OK);
	bulk_run_free(r);
	results_free(t->results);
	t->results = NULL;
}

#define PUT(name, path, bytes)                           \
	.id = STR_INIT(name), .method = STR_INIT("PUT"), \
	.url = STR_INIT(path), .body = STR_INIT(bytes)

static void
a_body_in_pieces_is_stored_or_its_failure_is_told(void **state)
{
	static const struct part parts[] = {
		{ PUT("a", "/n", "new bytes") },
		{ PUT("b", "/cut", "half of it"), .cut = true },
		{ PUT("c", "/no/n", "bytes") },
		{ PUT("d", "/../n", "bytes") },
		{ PUT("e", "/g", "bytes"), .group = STR_INIT("g") },
		{ PUT("a", "/twice", "bytes") },
		{ PUT("f", "/f", "last") },
	};
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	send_parts(&t, parts, ARRAY_LEN(parts));
	assert_brief(&t, "a 201 b 400 c 409 d 400 e 413 a 400 f 204");
	assert_true(bulk_try_says(&t, "inlinePart"));
	assert_tree(t.deny.inner, "/f=last /n=new bytes");
	bulk_try_done(&t);
}

static void
a_key_stands_for_the_body_as_well(void **state)
{
	static const struct part first[] = {
		{ PUT("a", "/n", "one"), .key = STR_INIT("k") },
	};
	static const struct part other[] = {
		{ PUT("a", "/n", "two"), .key = STR_INIT("k") },
	};
	struct bulk_try t;

	(void)state;
	bulk_try_init(&t, TREE);
	send_parts(&t, first, 1);
	assert_brief(&t, "a 201");
	tree_make(t.deny.inner, "/n=since");
	send_parts(&t, first, 1);
	assert_brief(&t, "a 201!");
	send_parts(&t, other, 1);
	assert_brief(&t, "a 422");
	assert_tree(t.deny.inner, "/f=old /n=since");
	bulk_try_done(&t);
}

static void
one_that_is_dropped_in_the_middle_leaves_nothing(void **state)
{
	static const struct batch_head head = { 0 };
	static const struct batch_item item = {
		.id = STR_INIT("a"),
		.method = STR_INIT("PUT"),
		.url = STR_INIT("/n"),
	};
	struct bulk_try t;
	struct ostream *to;
	struct bulk_run *r;

	(void)state;
	bulk_try_init(&t, TREE);
	{
		const struct bulk_env env = {
			.store = t.store,
			.set = &t.set,
			.limits = &t.limits,
		};
		const struct bulk_spec spec = { .stream = true,
			.origin = t.spec.origin,
			.start = start,
			.arg = &t };

		assert_int_equal(bulk_run_new(&env, &spec, &r, NULL), ERR_OK);
	}
	assert_int_equal(
	    bulk_run_big_begin(r, &head, &item, &to, NULL), ERR_OK);
	(void)ostream_write(to, STR("half"));
	bulk_run_free(r);
	results_free(t.results);
	assert_tree(t.deny.inner, TREE);
	bulk_try_done(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
		    a_body_in_pieces_is_stored_or_its_failure_is_told),
		cmocka_unit_test(a_key_stands_for_the_body_as_well),
		cmocka_unit_test(
		    one_that_is_dropped_in_the_middle_leaves_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
