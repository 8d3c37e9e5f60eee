/* SPDX-License-Identifier: MIT */
#include "dav/methods.h"

/* Registered with IANA, and not served here (RFC 9110 s15.5.6, s15.6.2). */
static const struct str registered[] = {
	STR_INIT("ACL"),
	STR_INIT("BASELINE-CONTROL"),
	STR_INIT("BIND"),
	STR_INIT("CHECKIN"),
	STR_INIT("CHECKOUT"),
	STR_INIT("CONNECT"),
	STR_INIT("LABEL"),
	STR_INIT("LINK"),
	STR_INIT("LOCK"),
	STR_INIT("MERGE"),
	STR_INIT("MKACTIVITY"),
	STR_INIT("MKCALENDAR"),
	STR_INIT("MKREDIRECTREF"),
	STR_INIT("MKWORKSPACE"),
	STR_INIT("ORDERPATCH"),
	STR_INIT("REBIND"),
	STR_INIT("REPORT"),
	STR_INIT("SEARCH"),
	STR_INIT("TRACE"),
	STR_INIT("UNBIND"),
	STR_INIT("UNCHECKOUT"),
	STR_INIT("UNLINK"),
	STR_INIT("UNLOCK"),
	STR_INIT("UPDATE"),
	STR_INIT("UPDATEREDIRECTREF"),
	STR_INIT("VERSION-CONTROL"),
};

static enum err_code
unknown_begin(struct exchange *x, struct err *err)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(registered); i++)
		if (str_eq(registered[i], x->req->method_name))
			return err_tell(
			    err, ERR_METHOD, "this method is not served here");
	return err_tell(err, ERR_NOT_IMPLEMENTED, "no such method is known");
}

const struct method_ops method_unknown = {
	.begin = unknown_begin,
	.run = unknown_begin,
};
