/* SPDX-License-Identifier: MIT */
/*
 * Batches with each allocation, and each call of the store, failing: nothing is
 * said to be done that is not there, and no operation is left out.
 */
#include "lib/test.h"

#include <jansson.h>

#include "lib/bulk_try.h"
#include "store/stores.h"

#define TREE "/c/ /c/1=x /c/2=y /f=old /g=old /m=old"

static const char ops[] =
    "'operations':["
    "{'id':'put','op':'create','url':'/n','body':'new',"
    "'idempotencyKey':'k'},"
    "{'id':'up','op':'update','url':'/f','body':'new'},"
    "{'id':'get','op':'read','url':'/f','dependsOn':['up']},"
    "{'id':'tag','op':'update','url':'/g','ifMatch':'*','body':'1'},"
    "{'id':'tag2','op':'update','url':'/g','ifMatch':'$tag','body':'2'},"
    "{'id':'col','op':'mkcol','url':'/d/'},"
    "{'id':'in','op':'create','url':'$col/in','body':'1'},"
    "{'id':'cp','op':'copy','url':'/c/','destination':'/k/'},"
    "{'id':'find','op':'propfind','url':'/c/','depth':'1'},"
    "{'id':'g1','op':'mkcol','url':'/o/','atomicityGroup':'g'},"
    "{'id':'g2','op':'move','url':'/m','destination':'/o/m',"
    "'atomicityGroup':'g'},"
    "{'id':'rm','op':'delete','url':'/c/','dependsOn':['cp','find']}]}";

/* What is there, or is not, if an operation is said to be done. */
static const struct {
	const char *id, *path;
	bool there;
	const char *bytes;
} effects[] = {
	{ "put", "/n", true, "new" },
	{ "up", "/f", true, "new" },
	{ "tag2", "/g", true, "2" },
	{ "col", "/d", true, NULL },
	{ "in", "/d/in", true, "1" },
	{ "cp", "/k/1", true, "x" },
	{ "cp", "/k/2", true, "y" },
	{ "g1", "/o", true, NULL },
	{ "g2", "/o/m", true, "old" },
	{ "g2", "/m", false, NULL },
	{ "rm", "/c", false, NULL },
};

static void
check_effect(const struct bulk_try *t, size_t i)
{
	struct content *c = NULL;
	struct resource res;
	char bytes[8];
	size_t got;

	assert_int_equal(
	    !store_stat(t->deny.inner, at(effects[i].path), &res, NULL),
	    effects[i].there);
	if (!effects[i].bytes)
		return;
	assert_int_equal(
	    store_open(t->deny.inner, at(effects[i].path), &c, NULL), ERR_OK);
	assert_int_equal(
	    content_read(c, 0, bytes, sizeof(bytes), &got, NULL), ERR_OK);
	assert_str_equal(str_of(bytes, got), str_from_c(effects[i].bytes));
	content_free(c);
}

/* The effects of one that is said to be done; of one of a group, of both. */
static void
check_item(const struct bulk_try *t, const json_t *item, bool *group)
{
	const char *id = json_string_value(json_object_get(item, "id"));
	json_int_t status = json_integer_value(json_object_get(item, "status"));
	bool in_group = id[0] == 'g' && id[1] != 'e';
	size_t i;

	assert_true(status >= 200 && status < 600);
	if (strcmp(id, "g1") == 0)
		*group = status < 400;
	if (in_group)
		assert_int_equal(*group, status < 400);
	for (i = 0; i < ARRAY_LEN(effects); i++) {
		if (strcmp(effects[i].id, id) != 0)
			continue;
		if (status < 400)
			check_effect(t, i);
		else if (in_group) /* none of it was done */
			assert_int_equal(
			    store_stat(t->deny.inner, at(effects[i].path),
				&(struct resource){ 0 }, NULL),
			    effects[i].there ? ERR_NOT_FOUND : ERR_OK);
	}
}

static size_t
check_answer(const struct bulk_try *t)
{
	json_t *all = json_loadb(t->out.ptr, t->out.len, 0, NULL), *item;
	json_t *results = json_object_get(all, "results");
	size_t i, failed = 0;
	bool group = false;

	assert_non_null(all);
	assert_int_equal(json_array_size(results), 12);
	json_array_foreach(results, i, item)
	{
		failed +=
		    json_integer_value(json_object_get(item, "status")) >= 400;
		check_item(t, item, &group);
	}
	json_decref(all);
	return failed;
}

static const char *const heads[] = { "{", "{'mode':'atomic',",
	"{'mode':'validate-first',", "{'dryRun':true,",
	"{'mode':'atomic','dryRun':true," };

static void
check_truth(const struct bulk_try *t, size_t head)
{
	size_t failed;

	if (head >= 3)
		assert_tree(t->deny.inner, TREE);
	if (!t->ended || head >= 3)
		return;
	failed = check_answer(t);
	if (head == 1) {
		assert_int_equal(t->status, failed ? 422 : 200);
		if (failed)
			assert_tree(t->deny.inner, TREE);
	}
}

static void
set_up(struct bulk_try *t, size_t head, struct buf *json)
{
	bulk_try_init(t, TREE);
	buf_printf(json, "%s%s%c", heads[head], ops, 0);
}

static void
every_failing_allocation_leaves_an_honest_answer(void **state)
{
	unsigned long n;
	size_t head;

	(void)state;
	for (head = 0; head < ARRAY_LEN(heads); head++) {
		bool failed = true;

		for (n = 1; failed; n++) {
			struct buf json = { 0 };
			struct bulk_try t;

			set_up(&t, head, &json);
			t.fail_alloc = n;
			(void)!bulk_try_send(&t, json.ptr);
			failed = t.alloc_failed;
			check_truth(&t, head);
			assert_true(failed || (t.ended && t.rc == ERR_OK));
			bulk_try_done(&t);
			buf_done(&json);
		}
		assert_true(n > 50);
	}
}

/* Each by itself, and what is there once it is done. */
static const struct {
	const char *op, *path;
	bool there;
} changes[] = {
	{ "'op':'create','url':'/n','body':'new'", "/n", true },
	{ "'op':'create','url':'/n','body':'new','idempotencyKey':'k'", "/n",
	    true },
	{ "'op':'create','url':'/c/','body':'new','headers':{'slug':'p'}",
	    "/c/p.txt", true },
	{ "'op':'mkcol','url':'/d/'", "/d", true },
	{ "'op':'delete','url':'/f'", "/f", false },
	{ "'op':'delete','url':'/c/'", "/c", false },
	{ "'op':'copy','url':'/g','destination':'/k'", "/k", true },
	{ "'op':'move','url':'/m','destination':'/k'", "/k", true },
};

/* Fills the memory that an operation has at first to any extent. */
#define MOST_NAMES ((size_t)270)

static void
put_change(struct buf *json, size_t change, size_t names)
{
	size_t i;

	buf_printf(json,
	    "{'operations':[{'id':'a','op':'read','url':'/g'},"
	    "{'id':'b',%s,'dependsOn':['a'",
	    changes[change].op);
	for (i = 1; i < names; i++)
		BUF_LIT(json, ",'a'");
	BUF_LIT(json, "]}]}");
	buf_putc(json, '\0');
}

/* Whether an allocation failed. */
static bool
try_change(size_t change, size_t names, unsigned long n)
{
	struct buf json = { 0 };
	struct resource res;
	struct bulk_try t;
	bool failed, there;

	bulk_try_init(&t, TREE);
	t.limits.depends_on = MOST_NAMES;
	put_change(&json, change, names);
	t.fail_alloc = n;
	(void)!bulk_try_send(&t, json.ptr);
	failed = t.alloc_failed;
	there = !store_stat(t.deny.inner, at(changes[change].path), &res, NULL);
	if (t.ended)
		assert_int_equal(bulk_try_says(&t, "'success':2"),
		    there == changes[change].there);
	bulk_try_done(&t);
	buf_done(&json);
	return failed;
}

static void
what_was_done_is_told_as_done_without_memory(void **state)
{
	size_t i, names;
	unsigned long n;

	(void)state;
	for (i = 0; i < ARRAY_LEN(changes); i++)
		for (names = 1; names < MOST_NAMES; names += 4)
			for (n = 1; try_change(i, names, n); n++)
				;
}

static void
every_failing_call_of_the_store_leaves_an_honest_answer(void **state)
{
	size_t head;
	unsigned n;

	(void)state;
	for (head = 0; head < ARRAY_LEN(heads); head++) {
		bool failed = true;

		for (n = 1; failed; n++) {
			struct buf json = { 0 };
			struct store *faulty;
			struct bulk_try t;

			set_up(&t, head, &json);
			assert_int_equal(
			    fault_store_new(t.store, &faulty, NULL), ERR_OK);
			t.store = faulty;
			fault_store_fail(faulty, n, ERR_IO, NULL);
			(void)!bulk_try_send(&t, json.ptr);
			failed = fault_store_fired(faulty);
			check_truth(&t, head);
			/* It is the store's, and no failure of the whole. */
			assert_true(t.ended || t.rc == ERR_IO);
			bulk_try_done(&t);
			buf_done(&json);
		}
		assert_true(n > 20);
	}
}

static void
nothing_fails_where_nothing_is_made_to(void **state)
{
	size_t head;

	(void)state;
	for (head = 0; head < ARRAY_LEN(heads); head++) {
		struct buf json = { 0 };
		struct bulk_try t;

		set_up(&t, head, &json);
		(void)!bulk_try_send(&t, json.ptr);
		assert_brief(&t,
		    "put 201 up 204 get 200 tag 204 tag2 204 col 201 in 201 "
		    "cp 201 find 200 g1 201 g2 201 rm 204");
		check_truth(&t, head);
		bulk_try_done(&t);
		buf_done(&json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_fails_where_nothing_is_made_to),
		cmocka_unit_test(
		    every_failing_allocation_leaves_an_honest_answer),
		cmocka_unit_test(what_was_done_is_told_as_done_without_memory),
		cmocka_unit_test(
		    every_failing_call_of_the_store_leaves_an_honest_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
