/* SPDX-License-Identifier: MIT */
/* Input: header fields, a line each. */
#include "fuzz.h"

#include "http/condition.h"

static const struct validators states[] = {
	{ .exists = false },
	{ .exists = true, .modified = 784111777 },
	{ .exists = true, .etag = STR_INIT("\"now\""), .modified = 784111777 },
};

static void
check_list(const struct etag_list *list)
{
	struct etag tag;
	size_t i;

	MUST(list->present || (!list->any && !list->n));
	MUST(!list->present || list->any != (list->n > 0));
	for (i = 0; i < list->n; i++)
		MUST(etag_parse(list->v[i].opaque, &tag) && !tag.weak);
}

/* A list of nothing but the tag that is there always matches. */
static void
check_own_tag(const struct etag_list *list, bool read)
{
	struct conditions c = { .match = *list };
	struct validators now = { .exists = true };

	if (!list->n || list->v[0].weak)
		return;
	now.etag = list->v[0].opaque;
	MUST(!conditions_check(&c, read, &now, NULL));
	c = (struct conditions){ .none_match = *list };
	MUST(conditions_check(&c, read, &now, NULL) ==
	    (read ? ERR_NOT_MODIFIED : ERR_PRECONDITION));
}

static void
check(const struct headers *h, struct arena *a, bool read)
{
	struct conditions c;
	struct err err = { 0 };
	enum err_code rc = conditions_parse(h, read, a, &c, &err);
	size_t i;

	MUST(rc == err.code && (!rc || rc == ERR_BAD_HEADER));
	if (rc)
		return;
	check_list(&c.match);
	check_list(&c.none_match);
	check_own_tag(&c.match, read);
	check_own_tag(&c.none_match, read);
	for (i = 0; i < ARRAY_LEN(states); i++) {
		rc = conditions_check(&c, read, &states[i], NULL);
		MUST(!rc || rc == ERR_PRECONDITION ||
		    (rc == ERR_NOT_MODIFIED && read));
		/* nothing can be unmodified that is not there */
		MUST(rc != ERR_NOT_MODIFIED || states[i].exists);
	}
}

static void
check_if_range(const struct headers *h)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(states); i++)
		MUST(!if_range_holds(h, &states[i]) || states[i].exists ||
		    !headers_has(h, STR("If-Range")));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str input = fuzz_str(data, size);
	struct header fields[16];
	struct headers h = fuzz_headers(&input, fields, ARRAY_LEN(fields));
	struct arena a = { 0 };

	check(&h, &a, false);
	check(&h, &a, true);
	check_if_range(&h);
	arena_done(&a);
	return 0;
}
