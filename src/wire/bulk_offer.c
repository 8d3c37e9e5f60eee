/* SPDX-License-Identifier: MIT */
#include "wire/bulk_offer.h"

#include "wire/json_members.h"

static enum err_code
read_limits(
    const struct json_members *m, struct bulk_offer *out, struct err *err)
{
	const struct {
		const char *name;
		uint64_t *to;
	} rows[] = {
		{ "operations", &out->operations },
		{ "jsonBytes", &out->json_bytes },
		{ "operationBytes", &out->operation_bytes },
		{ "keyBytes", &out->key_bytes },
		{ "groups", &out->groups },
		{ "groupOperations", &out->group_operations },
		{ "streamOperations", &out->stream_operations },
	};
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; !rc && i < ARRAY_LEN(rows); i++)
		rc = json_member_number(m, rows[i].name, rows[i].to, err);
	if (!rc && !out->operations)
		rc = err_tell(err, ERR_BAD_BODY,
		    "it does not say how many operations it takes");
	return rc;
}

enum err_code
bulk_offer_read(
    struct arena *a, struct str text, struct bulk_offer *out, struct err *err)
{
	struct json_members m, inside = { 0 }, places = { 0 };
	const struct json_member *limits, *endpoints;
	enum err_code rc = json_members_read(a, text, &m, err);

	*out = (struct bulk_offer){ 0 };
	if (rc)
		return rc;
	limits = json_member_find(&m, "limits");
	if (limits)
		rc = json_members_read(a, limits->value, &inside, err);
	endpoints = json_member_find(&m, "endpoints");
	if (!rc && endpoints)
		rc = json_members_read(a, endpoints->value, &places, err);
	if (!rc)
		rc = read_limits(&inside, out, err);
	if (!rc)
		rc = json_member_text(a, &places, "bulk", &out->endpoint, err);
	return rc;
}
