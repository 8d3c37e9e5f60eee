/* SPDX-License-Identifier: MIT */
/*
 * One JSON object a line: {"type": "start"}, "result" for each outcome, and
 * "summary".  A reader that finds no summary knows that it was cut short.
 */
#include "wire/escape.h"
#include "wire/json_multistatus.h"

static void
ndjson_begin(struct multistatus *m)
{
	BUF_LIT(&m->push.out, "{\"type\":\"start\"}\n");
}

static void
ndjson_put(struct multistatus *m, const struct outcome *o)
{
	if (json_skips(m, o))
		return;
	BUF_LIT(&m->push.out, "{\"type\":\"result\",");
	json_put_result(m, o);
	BUF_LIT(&m->push.out, "}\n");
}

static void
ndjson_end(struct multistatus *m)
{
	BUF_LIT(&m->push.out, "{\"type\":\"summary\",");
	json_put_summary(m);
	BUF_LIT(&m->push.out, "}\n");
}

const struct form_ops ndjson_form = {
	.media_type = STR_INIT("application/x-ndjson"),
	.escape = json_put_chars,
	.begin = ndjson_begin,
	.put = ndjson_put,
	.end = ndjson_end,
};
