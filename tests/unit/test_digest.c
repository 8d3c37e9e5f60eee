/* SPDX-License-Identifier: MIT */
#include "lib/alloc_fail.h"
#include "lib/test.h"

#include "http/digest.h"

/* Of "abc", from FIPS 180-4's examples. */
#define ABC_256 "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:"
#define ABC_512                                                             \
	"sha-512=:3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6" \
	"PCOj/uu9RU1EI2Q86A4qmslPpUyknw==:"
/* Of nothing. */
#define NONE_256 "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:"

enum { FIELDS = 3 };

static struct headers
headers_of(struct header *fields, const char *const (*from)[2])
{
	struct headers h = { .v = fields, .n = 0 };

	for (; h.n < FIELDS && from[h.n][0]; h.n++)
		fields[h.n] = (struct header){ str_from_c(from[h.n][0]),
			str_from_c(from[h.n][1]) };
	return h;
}

/* Checks "abc", written in two pieces; ERR_OK also when nothing was asked. */
static enum err_code
check_abc(const struct headers *h, bool *checked)
{
	struct arena a = { 0 };
	struct buf b = { 0 };
	struct buf_ostream to;
	struct digest_check *d = NULL;
	struct err err = { 0 };
	enum err_code rc =
	    digest_check_new(h, &a, buf_ostream_init(&to, &b), &d, &err);

	assert_int_equal(err.code, rc);
	*checked = d != NULL;
	if (d) {
		struct ostream *s = digest_check_stream(d);

		assert_int_equal(ostream_write(s, STR("a")), ERR_OK);
		assert_int_equal(ostream_write(s, STR("bc")), ERR_OK);
		assert_int_equal(ostream_flush(s), ERR_OK);
		assert_int_equal(ostream_end(s), ERR_OK);
		assert_str_equal(buf_str(&b), STR("abc"));
		rc = digest_check_end(d, &err);
		assert_int_equal(err.code, rc);
	}
	buf_done(&b);
	arena_done(&a);
	return rc;
}

static void
what_was_promised_is_what_must_come(void **state)
{
	static const struct {
		const char *fields[FIELDS][2];
		enum err_code rc;
		bool checked;
	} cases[] = {
		{ { { NULL } }, ERR_OK, false },
		{ { { "Digest", "sha-256=x" } }, ERR_OK, false },
		{ { { "Content-Digest", "" } }, ERR_OK, false },
		{ { { "Content-Digest", "md5=:AAAA:" } }, ERR_OK, false },
		{ { { "Content-Digest", "md5=::" } }, ERR_OK, false },
		{ { { "Content-Digest", ABC_256 } }, ERR_OK, true },
		{ { { "repr-digest", ABC_256 } }, ERR_OK, true },
		{ { { "Content-Digest", ABC_512 } }, ERR_OK, true },
		{ { { "Content-Digest", ABC_256 "," ABC_512 } }, ERR_OK, true },
		{ { { "Content-Digest", "md5=:AAAA:;a ,\t" ABC_256 } }, ERR_OK,
		    true },
		{ { { "Content-Digest", ABC_256 },
		      { "Content-Digest", ABC_512 } },
		    ERR_OK, true },
		{ { { "Content-Digest", ABC_256 }, { "Repr-Digest", ABC_512 } },
		    ERR_OK, true },
		{ { { "Content-Digest",
		      ABC_256
		      "; a; b=1; *c=tok; d=\"q\\\"\"; e=?1; f=:AA==:" } },
		    ERR_OK, true },
		/* padding may be left out */
		{ { { "Content-Digest",
		      "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/"
		      "YfIAFa0:" } },
		    ERR_OK, true },
		/* of two for one key the last counts (RFC 8941 s4.2.2) */
		{ { { "Content-Digest", NONE_256 "," ABC_256 } }, ERR_OK,
		    true },

		{ { { "Content-Digest", NONE_256 } }, ERR_BAD_DIGEST, true },
		{ { { "Content-Digest", ABC_256 "," NONE_256 } },
		    ERR_BAD_DIGEST, true },
		{ { { "Content-Digest", ABC_256 },
		      { "Repr-Digest", NONE_256 } },
		    ERR_BAD_DIGEST, true },
		{ { { "Content-Digest", NONE_256 },
		      { "Repr-Digest", ABC_512 } },
		    ERR_BAD_DIGEST, true },
		{ { { "Content-Digest", ABC_512 "," NONE_256 } },
		    ERR_BAD_DIGEST, true },

		{ { { "Content-Digest", "sha-256" } }, ERR_BAD_HEADER, false },
		{ { { "Content-Digest", "sha-256=" } }, ERR_BAD_HEADER, false },
		{ { { "Content-Digest", "sha-256=::" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "sha-256=:AAAA:" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "sha-256=AAAA" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "sha-256=\"AAAA\"" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest",
		      "sha-512=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/"
		      "YfIAFa0=:" } },
		    ERR_BAD_HEADER, false },
		{ { { "Content-Digest",
		      "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/"
		      "YfIAFa0==:" } },
		    ERR_BAD_HEADER, false },
		{ { { "Content-Digest",
		      "sha-256=:=ngWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/"
		      "YfIAFa0=:" } },
		    ERR_BAD_HEADER, false },
		{ { { "Content-Digest",
		      "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/"
		      "YfIAFa_=:" } },
		    ERR_BAD_HEADER, false },
		{ { { "Content-Digest",
		      "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/"
		      " fIAFa0=:" } },
		    ERR_BAD_HEADER, false },
		{ { { "Content-Digest", "sha-256 =:AAAA:" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "SHA-256=:AAAA:" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "md5=:AA AA:" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "md5=:AAAA" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "md5=(:AAAA:)" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "5md=:AAAA:" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", ABC_256 "," } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", "," ABC_256 } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", ABC_256 " " ABC_512 } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", ABC_256 ";" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", ABC_256 ";a=" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", ABC_256 ";a=\"b" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", ABC_256 ";a=\"b\\" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", ABC_256 ";A" } }, ERR_BAD_HEADER,
		    false },
		{ { { "Content-Digest", ABC_256 }, { "Repr-Digest", "x" } },
		    ERR_BAD_HEADER, false },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct header fields[FIELDS];
		struct headers h = headers_of(fields, cases[i].fields);
		bool checked;
		enum err_code rc = check_abc(&h, &checked);

		if (rc != cases[i].rc || checked != cases[i].checked)
			fail_msg("row %zu: %d, checked %d", i, rc, checked);
	}
}

static void
a_failure_below_comes_through(void **state)
{
	static const char *const from[][2] = { { "Content-Digest", ABC_256 },
		{ NULL, NULL } };
	struct header fields[FIELDS];
	struct headers h = headers_of(fields, from);
	struct arena a = { 0 };
	struct buf b = { .max = 2 };
	struct buf_ostream to;
	struct digest_check *d;
	struct ostream *s;

	(void)state;
	assert_int_equal(
	    digest_check_new(&h, &a, buf_ostream_init(&to, &b), &d, NULL),
	    ERR_OK);
	assert_non_null(d);
	s = digest_check_stream(d);
	assert_int_equal(ostream_write(s, STR("abc")), ERR_TOO_LARGE);
	assert_int_equal(ostream_write(s, STR("a")), ERR_TOO_LARGE);
	assert_int_equal(ostream_end(s), ERR_TOO_LARGE);
	assert_int_equal(s->err.code, ERR_TOO_LARGE);
	buf_done(&b);
	arena_done(&a);
}

static void
it_survives_each_failed_allocation(void **state)
{
	static const char *const from[][2] = { { "Content-Digest", ABC_256 },
		{ "Content-Digest", ABC_512 }, { NULL, NULL } };
	struct header fields[FIELDS];
	struct headers h = headers_of(fields, from);
	unsigned long n;

	(void)state;
	for (n = 1;; n++) {
		struct arena a = { 0 };
		struct buf b = { 0 };
		struct buf_ostream to;
		struct digest_check *d = NULL;
		enum err_code rc;

		alloc_fail_at(n);
		rc = digest_check_new(
		    &h, &a, buf_ostream_init(&to, &b), &d, NULL);
		arena_done(&a);
		if (!alloc_fail_stop()) {
			assert_int_equal(rc, ERR_OK);
			assert_non_null(d);
			break;
		}
		assert_int_equal(rc, ERR_NOMEM);
		assert_null(d);
	}
	assert_true(n > 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_promised_is_what_must_come),
		cmocka_unit_test(a_failure_below_comes_through),
		cmocka_unit_test(it_survives_each_failed_allocation),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
