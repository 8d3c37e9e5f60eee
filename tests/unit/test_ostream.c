/* SPDX-License-Identifier: MIT */
#include "lib/test.h"

#include "base/ostream.h"

/* Counts its calls, and fails where it is told to. */
struct probe {
	struct ostream base;
	enum err_code fail_write, fail_flush, fail_end;
	int writes, flushes, ends;
};

static enum err_code
probe_write(struct ostream *o, struct str bytes)
{
	struct probe *p = CONTAINER_OF(o, struct probe, base);

	assert_true(bytes.len > 0);
	p->writes++;
	return p->fail_write;
}

static enum err_code
probe_flush(struct ostream *o)
{
	struct probe *p = CONTAINER_OF(o, struct probe, base);

	p->flushes++;
	return p->fail_flush
	    ? err_tell(&o->err, p->fail_flush, "said by the stream")
	    : ERR_OK;
}

static enum err_code
probe_end(struct ostream *o)
{
	struct probe *p = CONTAINER_OF(o, struct probe, base);

	p->ends++;
	return p->fail_end;
}

static const struct ostream_ops probe_ops = {
	.name = "probe",
	.write = probe_write,
	.flush = probe_flush,
	.end = probe_end,
};

static void
every_call_is_handed_on_but_an_empty_write(void **state)
{
	struct probe p = { .writes = 0 };

	(void)state;
	ostream_init(&p.base, &probe_ops);
	assert_int_equal(ostream_write(&p.base, STR("a")), ERR_OK);
	assert_int_equal(ostream_write(&p.base, STR("")), ERR_OK);
	assert_int_equal(ostream_flush(&p.base), ERR_OK);
	assert_int_equal(ostream_end(&p.base), ERR_OK);
	assert_int_equal(p.writes, 1);
	assert_int_equal(p.flushes, 1);
	assert_int_equal(p.ends, 1);
}

static void
after_a_failure_nothing_is_called_again(void **state)
{
	struct probe p = { .fail_write = ERR_NO_SPACE };

	(void)state;
	ostream_init(&p.base, &probe_ops);
	assert_int_equal(ostream_write(&p.base, STR("a")), ERR_NO_SPACE);
	p.fail_write = ERR_OK;
	assert_int_equal(ostream_write(&p.base, STR("b")), ERR_NO_SPACE);
	assert_int_equal(ostream_flush(&p.base), ERR_NO_SPACE);
	assert_int_equal(ostream_end(&p.base), ERR_NO_SPACE);
	assert_int_equal(p.writes, 1);
	assert_int_equal(p.flushes, 0);
	assert_int_equal(p.ends, 0);
	/* it did not say why, so the stream's name and the code's text do */
	assert_string_equal(p.base.err.why, "probe: no space left");
}

static void
what_the_stream_said_is_kept(void **state)
{
	struct probe p = { .fail_flush = ERR_QUOTA, .fail_end = ERR_IO };

	(void)state;
	ostream_init(&p.base, &probe_ops);
	assert_int_equal(ostream_flush(&p.base), ERR_QUOTA);
	assert_int_equal(ostream_end(&p.base), ERR_QUOTA);
	assert_string_equal(p.base.err.tell, "said by the stream");
}

static void
flush_and_end_are_optional(void **state)
{
	static const struct ostream_ops ops = { .name = "plain",
		.write = probe_write };
	struct probe p = { .writes = 0 };

	(void)state;
	ostream_init(&p.base, &ops);
	assert_int_equal(ostream_flush(&p.base), ERR_OK);
	assert_int_equal(ostream_end(&p.base), ERR_OK);
	assert_int_equal(p.flushes + p.ends, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_call_is_handed_on_but_an_empty_write),
		cmocka_unit_test(after_a_failure_nothing_is_called_again),
		cmocka_unit_test(what_the_stream_said_is_kept),
		cmocka_unit_test(flush_and_end_are_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
