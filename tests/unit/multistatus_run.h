/* SPDX-License-Identifier: MIT */
/* Writes outcomes in one of the forms and reads them, for tests of writers. */
#ifndef SHEAF_TESTS_MULTISTATUS_RUN_H
#define SHEAF_TESTS_MULTISTATUS_RUN_H

#include "lib/test.h"
#include "lib/xml_check.h"

#include <jansson.h>

#include "wire/multistatus.h"

#define PROP(local_)                          \
	{                                     \
		DAV_NS_INIT, STR_INIT(local_) \
	}
#define DAV_NS_INIT STR_INIT("DAV:")

/* What a document is for some outcomes, in one of the forms. */
static inline void
write_all(struct buf *out, enum form form, bool minimal,
    const struct outcome *const *os, size_t n)
{
	const struct multistatus_spec spec = { form, STR("/p&r"), minimal };
	struct buf_ostream o;
	struct sink *s;
	size_t i;

	assert_int_equal(
	    multistatus_new(&spec, buf_ostream_init(&o, out), &s, NULL),
	    ERR_OK);
	for (i = 0; i < n; i++)
		assert_int_equal(sink_put(s, os[i]), ERR_OK);
	assert_int_equal(sink_end(s), ERR_OK);
	multistatus_free(s);
}

#define HEAD                                           \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n" \
	"<D:multistatus xmlns:D=\"DAV:\">\n"
#define TAIL "</D:multistatus>\n"

static inline json_t *
load(struct str text)
{
	json_error_t why;
	json_t *j =
	    json_loadb(text.ptr, text.len, JSON_REJECT_DUPLICATES, &why);

	if (!j)
		fail_msg("%s in %.*s", why.text, STR_ARG(text));
	return j;
}

static inline void
assert_json_equal(json_t *got, const char *want)
{
	json_t *w = load(str_from_c(want));
	char *text = json_dumps(got, JSON_SORT_KEYS);

	if (!json_equal(got, w))
		fail_msg("got  %s\nwant %s", text, want);
	free(text);
	json_decref(w);
}

#endif
