/* SPDX-License-Identifier: MIT */
/* What requests about locks are made of, for the tests of LOCK and UNLOCK. */
#ifndef SHEAF_TESTS_LOCK_RUN_H
#define SHEAF_TESTS_LOCK_RUN_H

#include "lib/test.h"

#include <stdio.h>

#include "base/clock.h"
#include "lib/dav_test.h"
#include "lib/locks.h"

#define TREE "/d/ /d/k/ /d/k/y=2 /d/x=1 /f=old"

#define INFO(kind, owner)                                         \
	"<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"            \
	"<D:lockinfo xmlns:D=\"DAV:\"><D:lockscope><D:" kind "/>" \
	"</D:lockscope><D:locktype><D:write/></D:locktype>" owner \
	"</D:lockinfo>"
#define EXCLUSIVE INFO("exclusive", "")
#define SHARED INFO("shared", "")
#define OWNER "<D:owner><D:href>me@x</D:href></D:owner>"
#define KEPT "<D:owner xmlns:D=\"DAV:\"><D:href>me@x</D:href></D:owner>"

static inline void
init(struct dav_test *t)
{
	dav_test_init(t, TREE);
	t->user = STR("ann");
}

/* "If: (<TOKEN>)\n" and the like: what stands before and behind the token. */
static inline const char *
with_token(char *out, size_t room, const char *before,
    const struct token *token, const char *behind)
{
	int n = snprintf(out, room, "%s%s%s", before, token->text, behind);

	assert_true(n > 0 && (size_t)n < room);
	return out;
}

static inline struct token
sent_token(const struct dav_test *t)
{
	struct str s = dav_header(t, "Lock-Token");
	struct token token = { "" };

	assert_int_equal(s.len, sizeof(token.text) - 1 + 2);
	assert_true(str_starts(s, STR("<urn:uuid:")));
	assert_int_equal(s.ptr[s.len - 1], '>');
	memcpy(token.text, s.ptr + 1, sizeof(token.text) - 1);
	return token;
}

#endif
