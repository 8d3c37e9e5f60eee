/* SPDX-License-Identifier: MIT */
#include "store/lock.h"

#include <assert.h>
#include <sys/random.h>

#include "base/clock.h"

/*
 * A UUID of version 4 (RFC 9562 s5.4): random but for six bits.  printf() would
 * take as long for it as all else of a LOCK in the store.
 */
enum err_code
lock_token_new(char out[LOCK_TOKEN_SIZE], struct err *err)
{
	static const char shape[LOCK_TOKEN_SIZE] =
	    "urn:uuid:........-....-....-....-............";
	static const char digits[] = "0123456789abcdef";
	unsigned char b[16];
	size_t i;
	size_t n = 0; /* half bytes */

	if (getrandom(b, sizeof(b), 0) != (ssize_t)sizeof(b))
		return err_os(err, "getrandom");
	b[6] = (unsigned char)(0x40 | (b[6] & 0x0f));
	b[8] = (unsigned char)(0x80 | (b[8] & 0x3f));
	for (i = 0; i < LOCK_TOKEN_SIZE; i++) {
		out[i] = shape[i];
		if (shape[i] != '.')
			continue;
		out[i] = digits[n % 2 ? b[n / 2] & 0xf : b[n / 2] >> 4];
		n++;
	}
	assert(n == 2 * sizeof(b));
	return ERR_OK;
}

enum err_code
lock_copy(
    const struct lock *l, struct arena *a, struct lock *out, struct err *err)
{
	struct lock copy = *l;
	struct str *const text[] = { &copy.root.s, &copy.token, &copy.owner,
		&copy.user };
	size_t i, size = 0;
	char *to;

	for (i = 0; i < ARRAY_LEN(text); i++)
		size += text[i]->len + 1;
	to = arena_alloc(a, size); /* all zero */
	if (!to)
		return err_nomem(err);
	for (i = 0; i < ARRAY_LEN(text); i++) {
		if (text[i]->len)
			memcpy(to, text[i]->ptr, text[i]->len);
		text[i]->ptr = to;
		to += text[i]->len + 1;
	}
	*out = copy;
	return ERR_OK;
}

bool
lock_is_held(const struct lock *l, const struct lock_tokens *t)
{
	size_t i;

	if (!t || !str_eq(l->user, t->user))
		return false;
	for (i = 0; i < t->n; i++)
		if (str_eq(l->token, t->v[i]))
			return true;
	return false;
}

bool
lock_covers(const struct lock *l, struct rpath path)
{
	if (!(l->depth == DEPTH_INFINITY ? rpath_covers(l->root, path)
					 : rpath_eq(l->root, path)))
		return false;
	return clock_now() < l->expires;
}

/* code, because l is in the way. */
static enum err_code
stopped_by(const struct lock *l, enum err_code code, struct err *err)
{
	(void)err_set(err, code, "a lock on '%.*s'", STR_ARG(l->root.s));
	return err_about(err, code, l->root.s.ptr, l->root.s.len);
}

enum err_code
locks_allow(const struct lock *locks, size_t n, const struct lock_tokens *t,
    struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (lock_is_held(&locks[i], t))
			return ERR_OK;
	return n ? stopped_by(&locks[0], ERR_LOCKED, err) : ERR_OK;
}

enum err_code
locks_allow_members(const struct lock *locks, size_t n,
    const struct lock_tokens *t, struct err *err)
{
	const struct lock *deep = NULL;
	size_t i;

	for (i = 0; i < n; i++) {
		if (locks[i].depth != DEPTH_INFINITY)
			continue;
		if (lock_is_held(&locks[i], t))
			return ERR_OK;
		if (!deep)
			deep = &locks[i];
	}
	return deep ? stopped_by(deep, ERR_LOCKED, err) : ERR_OK;
}

enum err_code
locks_compatible(
    const struct lock *locks, size_t n, bool shared, struct err *err)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (!shared || !locks[i].shared)
			return stopped_by(&locks[i], ERR_LOCK_CONFLICT, err);
	return ERR_OK;
}
