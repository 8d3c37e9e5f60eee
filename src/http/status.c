/* SPDX-License-Identifier: MIT */
#include "http/status.h"

#include "base/attr.h"

static const struct row {
	unsigned status;
	struct str reason;
} rows[] = {
#define STATUS(status, reason) { status, STR_INIT(reason) },
#include "http/status.def"
#undef STATUS
};

static const struct row *
find(unsigned status)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(rows); i++)
		if (rows[i].status == status)
			return &rows[i];
	return NULL;
}

struct str
status_reason(unsigned status)
{
	const struct row *r = find(status);

	/* An unknown status is its class's x00 (RFC 9110 s15). */
	if (!r)
		r = find(status / 100 * 100);
	return r ? r->reason : STR("Unknown");
}

bool
status_is_registered(unsigned status)
{
	return find(status) != NULL;
}
