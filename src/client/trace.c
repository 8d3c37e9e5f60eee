/* SPDX-License-Identifier: MIT */
/* The lines of client_options.trace: they have no field, and so no secret. */
#include <stdarg.h>
#include <stdio.h>

#include "client/client_impl.h"
#include "http/status.h"

void
trace_text(const struct client *c, const char *fmt, ...)
{
	char line[1024];
	va_list args;
	int n;

	if (!c->o.trace)
		return;
	va_start(args, fmt);
	n = vsnprintf(line, sizeof(line), fmt, args);
	va_end(args);
	if (n < 0)
		return;
	c->o.trace(c->o.trace_arg,
	    str_head(str_of(line, sizeof(line) - 1), (size_t)n));
}

/* A query may be a secret, such as that of a shared link. */
static struct str
without_query(const char *url)
{
	struct str s = str_from_c(url);

	return str_head(s, str_find(s, '?'));
}

void
trace_request(const struct call *call)
{
	struct str url = without_query(call->url);

	trace_text(call->client, "> %s %.*s%s", call->method, STR_ARG(url),
	    call->url[url.len] ? "?..." : "");
}

void
trace_answer(const struct call *call)
{
	struct str url = without_query(call->url);

	trace_text(call->client, "< %u %.*s (%s %.*s)", call->now.status,
	    STR_ARG(status_reason(call->now.status)), call->method,
	    STR_ARG(url));
}
