/* SPDX-License-Identifier: MIT */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sheaf/sheaf.h>

#include "api_test.h"

/* A document as it is written. */
struct doc {
	char text[16384];
	size_t len;
	size_t most; /* bytes before the program stops it; 0: all */
};

static int
to_doc(void *arg, const char *bytes, size_t n)
{
	struct doc *d = arg;

	if (d->len + n >= sizeof(d->text) || (d->most && d->len + n > d->most))
		return 1;
	memcpy(d->text + d->len, bytes, n);
	d->len += n;
	d->text[d->len] = '\0';
	return 0;
}

static const struct sheaf_prop props[] = {
	{ "DAV:", "getetag", "\"a<b\"", SHEAF_PROP_TEXT },
	{ "urn:x", "note",
	    "<n:note xmlns:n=\"urn:x\" lang=\"no\"><b/></n:note>",
	    SHEAF_PROP_XML },
};
static const struct sheaf_prop missing[] = {
	{ "urn:x", "other", "", SHEAF_PROP_EMPTY },
};
static const struct sheaf_propstat propstats[] = {
	{ 200, props, LEN(props), "", "" },
	{ 403, missing, 1,
	    "<e:error xmlns:e=\"DAV:\"><e:cannot-modify-protected-property/>"
	    "</e:error>",
	    "hands off" },
};

/* What is put, and is to be read again. */
static size_t
make_items(struct sheaf_outcome *o)
{
	size_t i;

	for (i = 0; i < 5; i++)
		o[i] = (struct sheaf_outcome)SHEAF_OUTCOME_INIT;
	o[0].href = "/a%20b/";
	o[0].status = 204;
	o[1].href = "/locked";
	o[1].status = 423;
	o[1].text = "Bob & <Eve> have it";
	o[1].error = "<D:error xmlns:D=\"DAV:\"><D:lock-token-submitted>"
		     "<D:href>/locked</D:href></D:lock-token-submitted>"
		     "</D:error>";
	o[2].href = "/props";
	o[2].status = 200;
	o[2].propstats = propstats;
	o[2].n_propstats = LEN(propstats);
	o[3].href = "/moved";
	o[3].status = 302;
	o[3].location = "https://h.example/there";
	o[4].href = "/unknown";
	o[4].status = 0;
	return 5;
}

static void
write_doc(enum sheaf_form form, const struct sheaf_outcome *items, size_t n,
    struct doc *d)
{
	struct sheaf_writer_options o = SHEAF_WRITER_OPTIONS_INIT;
	struct sheaf_writer *w;
	size_t i;

	*d = (struct doc){ .len = 0 };
	o.form = form;
	assert_int_equal(sheaf_writer_new(&o, to_doc, d, &w), SHEAF_OK);
	for (i = 0; i < n; i++)
		assert_int_equal(sheaf_writer_put(w, &items[i]), SHEAF_OK);
	assert_int_equal(sheaf_writer_end(w), SHEAF_OK);
	assert_int_equal(sheaf_writer_end(w), SHEAF_INVALID);
	assert_int_equal(sheaf_writer_put(w, &items[0]), SHEAF_INVALID);
	sheaf_writer_free(w);
}

static const enum sheaf_form forms[] = { SHEAF_FORM_XML, SHEAF_FORM_JSON,
	SHEAF_FORM_NDJSON };

static void
what_is_written_is_read_again(void **state)
{
	struct sheaf_reader_options all = SHEAF_READER_OPTIONS_INIT;
	struct sheaf_outcome items[5];
	size_t n = make_items(items), f, i;
	static struct doc d;

	(void)state;
	all.keep = SHEAF_KEEP_ALL;
	for (f = 0; f < LEN(forms); f++) {
		struct sheaf_answer *a;
		const struct sheaf_outcome *o;

		write_doc(forms[f], items, n, &d);
		assert_int_equal(
		    sheaf_read(&all, d.text, d.len, &a), SHEAF_PARTIAL);
		assert_int_equal(sheaf_answer_reading(a)->form, forms[f]);
		assert_int_equal(sheaf_answer_count(a), n);
		for (i = 0; i < n; i++) {
			o = sheaf_answer_item(a, i);
			assert_string_equal(o->href, items[i].href);
			assert_int_equal(o->status, items[i].status);
		}
		o = sheaf_answer_item(a, 1);
		assert_string_equal(o->text, items[1].text);
		assert_string_equal(
		    sheaf_condition_in(o->error)->name, "lock-token-submitted");
		o = sheaf_answer_item(a, 2);
		assert_int_equal(o->n_propstats, 2);
		assert_int_equal(o->propstats[0].n_props, 2);
		assert_string_equal(o->propstats[0].props[0].value, "\"a<b\"");
		assert_non_null(
		    strstr(o->propstats[0].props[1].value, "lang=\"no\""));
		assert_int_equal(o->propstats[1].status, 403);
		assert_string_equal(
		    sheaf_condition_in(o->propstats[1].error)->name,
		    "cannot-modify-protected-property");
		assert_string_equal(
		    sheaf_answer_item(a, 3)->location, items[3].location);
		sheaf_answer_free(a);
	}
}

static void
nothing_put_is_whole_and_empty(void **state)
{
	static struct doc d;
	size_t f;

	(void)state;
	for (f = 0; f < LEN(forms); f++) {
		struct sheaf_outcome none = SHEAF_OUTCOME_INIT;

		write_doc(forms[f], &none, 0, &d);
		assert_int_equal(
		    sheaf_read(NULL, d.text, d.len, NULL), SHEAF_OK);
	}
}

static void
it_is_well_formed_whatever_it_is_given(void **state)
{
	static const struct sheaf_prop bad[] = {
		{ "urn:x", "no name", "v", SHEAF_PROP_TEXT },
		{ "urn:x", "", "v", SHEAF_PROP_TEXT },
		{ "urn:x", "<x>", "v", SHEAF_PROP_TEXT },
		{ "urn:x", "other", "<x:name xmlns:x=\"urn:x\"/>",
		    SHEAF_PROP_XML },
		{ "urn:x", "open", "<open xmlns=\"urn:x\">", SHEAF_PROP_XML },
		{ "urn:x", "two", "<two xmlns=\"urn:x\"/><y/>",
		    SHEAF_PROP_XML },
		{ "urn:x", "pi", "<?xml version='1.0'?><pi xmlns='urn:x'/>",
		    SHEAF_PROP_XML },
		{ "DAV:", "plain", "\x01\xff]]>&", SHEAF_PROP_TEXT },
		{ NULL, "nons", NULL, SHEAF_PROP_TEXT },
		{ "\"><x", "ns", "v", SHEAF_PROP_TEXT },
	};
	struct sheaf_propstat ps = { 200, bad, LEN(bad), "<error>", "\x02" };
	struct sheaf_outcome o = SHEAF_OUTCOME_INIT;
	static struct doc d;
	size_t f;

	(void)state;
	o.href = "/a\"<b>&\xff\x01";
	o.status = 500;
	o.error = "<D:error xmlns:D=\"DAV:\">";
	o.text = "]]>\xc3";
	o.id = "\"\\\n";
	o.problem_type = "a b<c>";
	o.location = "&<";
	o.retry_after = "soon\"";
	for (f = 0; f < LEN(forms); f++) {
		o.propstats = NULL;
		o.n_propstats = 0;
		write_doc(forms[f], &o, 1, &d);
		assert_int_equal(
		    sheaf_read(NULL, d.text, d.len, NULL), SHEAF_PARTIAL);
		o.propstats = &ps;
		o.n_propstats = 1;
		write_doc(forms[f], &o, 1, &d);
		assert_true(
		    sheaf_read(NULL, d.text, d.len, NULL) <= SHEAF_PARTIAL);
	}
}

static void
what_cannot_be_written_is_refused(void **state)
{
	static struct doc d;
	struct sheaf_writer_options o = SHEAF_WRITER_OPTIONS_INIT;
	struct sheaf_outcome item = SHEAF_OUTCOME_INIT;
	struct sheaf_writer *w;

	(void)state;
	assert_int_equal(sheaf_writer_new(NULL, NULL, &d, &w), SHEAF_INVALID);
	assert_null(w);
	o.form = SHEAF_FORM_JSON_SEQ;
	assert_int_equal(sheaf_writer_new(&o, to_doc, &d, &w), SHEAF_INVALID);
	o.form = (enum sheaf_form)77;
	assert_int_equal(sheaf_writer_new(&o, to_doc, &d, &w), SHEAF_INVALID);
	assert_int_equal(sheaf_writer_new(NULL, to_doc, &d, &w), SHEAF_OK);
	item.status = 600;
	assert_int_equal(sheaf_writer_put(w, &item), SHEAF_INVALID);
	item.status = 99;
	assert_int_equal(sheaf_writer_put(w, &item), SHEAF_INVALID);
	item.status = 200;
	item.size = 0;
	assert_int_equal(sheaf_writer_put(w, &item), SHEAF_INVALID);
	sheaf_writer_free(w);
	sheaf_writer_free(NULL);
	assert_string_equal(sheaf_form_media_type(SHEAF_FORM_XML),
	    "application/xml; charset=utf-8");
	assert_true(*sheaf_form_media_type(SHEAF_FORM_NDJSON));
	assert_string_equal(sheaf_form_media_type(SHEAF_FORM_JSON_SEQ), "");
	assert_string_equal(sheaf_form_media_type((enum sheaf_form)99), "");
}

static void
the_program_can_stop_it(void **state)
{
	static struct doc d = { .most = 1 };
	struct sheaf_outcome item = SHEAF_OUTCOME_INIT;
	struct sheaf_writer *w;

	(void)state;
	item.href = "/a";
	item.status = 200;
	assert_int_equal(sheaf_writer_new(NULL, to_doc, &d, &w), SHEAF_OK);
	assert_int_equal(sheaf_writer_item(w, &item), 0);
	assert_int_equal(sheaf_writer_end(w), SHEAF_STOPPED);
	sheaf_writer_free(w);
}

/* A file that holds the text, at its start. */
static FILE *
file_with(const char *text, size_t n)
{
	FILE *f = tmpfile();

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	assert_int_equal(fflush(f), 0);
	assert_int_equal(lseek(fileno(f), 0, SEEK_SET), 0);
	return f;
}

static enum sheaf_result
convert(const struct doc *from, enum sheaf_form form, struct doc *to)
{
	struct sheaf_writer_options o = SHEAF_WRITER_OPTIONS_INIT;
	FILE *f = file_with(from->text, from->len);
	enum sheaf_result rc;

	*to = (struct doc){ .len = 0 };
	o.form = form;
	rc = sheaf_convert_fd(NULL, fileno(f), &o, to_doc, to, NULL);
	fclose(f);
	return rc;
}

static void
assert_same_condition(const char *one, const char *two)
{
	/* Prefixes may have other names. */
	assert_int_equal(!*one, !*two);
	assert_ptr_equal(sheaf_condition_in(one), sheaf_condition_in(two));
}

static void
assert_same_props(
    const struct sheaf_propstat *one, const struct sheaf_propstat *two)
{
	size_t i;

	assert_int_equal(one->status, two->status);
	assert_int_equal(one->n_props, two->n_props);
	assert_string_equal(one->text, two->text);
	assert_same_condition(one->error, two->error);
	for (i = 0; i < one->n_props; i++) {
		assert_string_equal(one->props[i].ns, two->props[i].ns);
		assert_string_equal(one->props[i].name, two->props[i].name);
		assert_int_equal(one->props[i].kind, two->props[i].kind);
		if (one->props[i].kind != SHEAF_PROP_XML)
			assert_string_equal(
			    one->props[i].value, two->props[i].value);
	}
}

static void
assert_same_item(
    const struct sheaf_outcome *one, const struct sheaf_outcome *two)
{
	size_t i;

	assert_string_equal(one->href, two->href);
	assert_int_equal(one->status, two->status);
	if (one->status) /* else a form may say in words that it is not known */
		assert_string_equal(one->text, two->text);
	assert_string_equal(one->location, two->location);
	assert_same_condition(one->error, two->error);
	assert_int_equal(one->n_propstats, two->n_propstats);
	for (i = 0; i < one->n_propstats; i++)
		assert_same_props(&one->propstats[i], &two->propstats[i]);
}

static void
assert_same(const struct doc *one, const struct doc *two)
{
	struct sheaf_reader_options all = SHEAF_READER_OPTIONS_INIT;
	struct sheaf_answer *a, *b;
	size_t i;

	all.keep = SHEAF_KEEP_ALL;
	assert_int_equal(
	    sheaf_read(&all, one->text, one->len, &a), SHEAF_PARTIAL);
	assert_int_equal(
	    sheaf_read(&all, two->text, two->len, &b), SHEAF_PARTIAL);
	assert_int_equal(sheaf_answer_count(a), sheaf_answer_count(b));
	for (i = 0; i < sheaf_answer_count(a); i++)
		assert_same_item(
		    sheaf_answer_item(a, i), sheaf_answer_item(b, i));
	sheaf_answer_free(a);
	sheaf_answer_free(b);
}

static void
any_form_becomes_any_other_and_back(void **state)
{
	static struct doc first, second, third, again;
	struct sheaf_outcome items[5];
	size_t n = make_items(items), i, k;

	(void)state;
	for (i = 0; i < LEN(forms); i++) {
		write_doc(forms[i], items, n, &first);
		/* What a form cannot say is gone after the first time. */
		assert_int_equal(
		    convert(&first, forms[i], &second), SHEAF_PARTIAL);
		for (k = 0; k < LEN(forms); k++) {
			assert_int_equal(
			    convert(&second, forms[k], &third), SHEAF_PARTIAL);
			assert_int_equal(
			    convert(&third, forms[i], &again), SHEAF_PARTIAL);
			assert_same(&again, &second);
		}
	}
}

static void
what_was_cut_short_stays_so(void **state)
{
	static struct doc whole, cut, out;
	struct sheaf_outcome items[5];
	size_t n = make_items(items), f;

	(void)state;
	write_doc(SHEAF_FORM_XML, items, n, &whole);
	cut = whole;
	cut.len -= 20;
	for (f = 0; f < LEN(forms); f++) {
		assert_int_equal(
		    convert(&cut, forms[f], &out), SHEAF_CUT_SHORT);
		assert_int_not_equal(
		    sheaf_read(NULL, out.text, out.len, NULL), SHEAF_OK);
		assert_int_not_equal(
		    sheaf_read(NULL, out.text, out.len, NULL), SHEAF_PARTIAL);
	}
	f = (size_t)convert(&whole, SHEAF_FORM_JSON_SEQ, &out);
	assert_int_equal(f, SHEAF_INVALID);
}

static enum sheaf_result
all_of_it(enum sheaf_form form, const struct sheaf_outcome *items, size_t n)
{
	struct sheaf_writer_options o = SHEAF_WRITER_OPTIONS_INIT;
	static struct doc d;
	struct sheaf_writer *w;
	enum sheaf_result rc;
	size_t i;

	d.len = 0;
	o.form = form;
	rc = sheaf_writer_new(&o, to_doc, &d, &w);
	if (rc)
		return rc;
	for (i = 0; !rc && i < n; i++)
		rc = sheaf_writer_put(w, &items[i]);
	if (!rc)
		rc = sheaf_writer_end(w);
	sheaf_writer_free(w);
	return rc;
}

static void
without_memory_it_says_so(void **state)
{
	struct sheaf_outcome items[5];
	size_t n = make_items(items), f;
	unsigned long at;

	(void)state;
	for (f = 0; f < LEN(forms); f++)
		for (at = 1;; at++) {
			enum sheaf_result rc;

			alloc_fail_at(at);
			rc = all_of_it(forms[f], items, n);
			if (!alloc_fail_stop()) {
				assert_int_equal(rc, SHEAF_OK);
				break;
			}
			assert_int_equal(rc, SHEAF_NOMEM);
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_again),
		cmocka_unit_test(nothing_put_is_whole_and_empty),
		cmocka_unit_test(it_is_well_formed_whatever_it_is_given),
		cmocka_unit_test(what_cannot_be_written_is_refused),
		cmocka_unit_test(the_program_can_stop_it),
		cmocka_unit_test(any_form_becomes_any_other_and_back),
		cmocka_unit_test(what_was_cut_short_stays_so),
		cmocka_unit_test(without_memory_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
