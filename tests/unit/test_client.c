/* SPDX-License-Identifier: MIT */
/* The client where memory runs out; tests/client/ has the rest. */
#include <fcntl.h>

#include "client/client.h"
#include "client/download.h"
#include "client/upload.h"
#include "lib/alloc_fail.h"
#include "lib/test.h"
#include "lib/tmpdir.h"

struct seen {
	unsigned done;
	enum err_code rc;
	enum fate fate;
};

static void
on_done(void *arg, const struct call_end *e)
{
	struct seen *s = arg;

	s->done++;
	s->rc = e->rc;
}

static const struct call_events events = { .done = on_done };

/* Nobody listens on port 1. */
static enum err_code
run(struct seen *s, struct err *err)
{
	static const struct header fields[] = { { STR_INIT("X-A"),
	    STR_INIT("b") } };
	const struct client_options o = {
		.user = "alice", .jobs = 2, .attempts = 1
	};
	const struct call_spec spec = { .method = "PUT",
		.url = STR("http://127.0.0.1:1/a"),
		.fields = fields,
		.n_fields = 1,
		.body = STR("body"),
		.events = &events,
		.arg = s };
	struct client *c = NULL;
	enum err_code rc = client_new(&o, &c, err);

	if (rc)
		return rc;
	rc = client_call(c, &spec, err);
	if (!rc)
		client_run(c, NULL);
	client_free(c);
	return rc;
}

static void
a_call_ends_once_whatever_memory_there_is(void **state)
{
	unsigned long n;
	bool fired = true;

	(void)state;
	for (n = 1; fired; n++) {
		struct seen s = { 0 };
		struct err err = { 0 };
		enum err_code rc;

		alloc_fail_at(n);
		rc = run(&s, &err);
		fired = alloc_fail_stop();
		assert_int_equal(s.done, rc ? 0 : 1);
		if (rc)
			assert_int_equal(rc, ERR_NOMEM);
		else
			assert_true(s.rc == ERR_UNREACHABLE ||
			    (fired && s.rc == ERR_NOMEM));
	}
	assert_true(n > 10);
}

static void
a_client_that_is_freed_ends_no_call(void **state)
{
	const struct client_options o = { 0 };
	struct seen s = { 0 };
	const struct call_spec spec = { .method = "GET",
		.url = STR("http://127.0.0.1:1/"),
		.events = &events,
		.arg = &s };
	struct client *c;

	(void)state;
	assert_int_equal(client_new(&o, &c, NULL), ERR_OK);
	assert_int_equal(client_call(c, &spec, NULL), ERR_OK);
	assert_int_equal(client_call(c, &spec, NULL), ERR_OK);
	client_free(c);
	client_free(NULL);
	assert_int_equal(s.done, 0);
}

static void
on_fetched(void *arg, const struct download_end *e)
{
	struct seen *s = arg;

	s->done++;
	s->fate = e->v.fate;
}

static void
on_sent(void *arg, const struct verdict *v, uint64_t bytes)
{
	struct seen *s = arg;

	(void)bytes;
	s->done++;
	s->fate = v->fate;
}

static enum err_code
transfer(struct client *c, bool up, const char *file, struct seen *s)
{
	const struct download_spec down = { .url = STR("http://127.0.0.1:1/a"),
		.file = file,
		.done = on_fetched,
		.arg = s };
	struct upload_spec send = { .url = STR("http://127.0.0.1:1/a"),
		.fd = -1,
		.content_type = STR("text/plain"),
		.done = on_sent,
		.arg = s };

	if (!up)
		return download_start(c, &down, NULL);
	send.fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return upload_start(c, &send, NULL);
}

static void
a_transfer_ends_once_whatever_memory_there_is(void **state)
{
	const struct client_options o = { .attempts = 1 };
	struct tmpdir dir CLEANUP(tmpdir_remove) = { 0 };
	struct buf file CLEANUP(buf_done) = { 0 };
	unsigned long n;
	unsigned up;

	(void)state;
	tmpdir_make(&dir);
	buf_put(&file, str_from_c(dir.path));
	buf_put(&file, STR("/out"));
	buf_putc(&file, '\0');
	for (up = 0; up < 2; up++) {
		bool fired = true;

		for (n = 1; fired; n++) {
			struct seen s = { 0 };
			struct client *c;
			enum err_code rc;

			assert_int_equal(client_new(&o, &c, NULL), ERR_OK);
			alloc_fail_at(n);
			rc = transfer(c, up, file.ptr, &s);
			if (!rc)
				client_run(c, NULL);
			fired = alloc_fail_stop();
			client_free(c);
			assert_int_equal(s.done, rc ? 0 : 1);
			assert_true(rc || s.fate != FATE_DONE);
		}
		assert_true(n > 5);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_ends_once_whatever_memory_there_is),
		cmocka_unit_test(a_transfer_ends_once_whatever_memory_there_is),
		cmocka_unit_test(a_client_that_is_freed_ends_no_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
