/* SPDX-License-Identifier: MIT */
#include "http/path.h"

#include <assert.h>

bool
rpath_is_ancestor(struct rpath above, struct rpath p)
{
	if (rpath_is_root(above))
		return !rpath_is_root(p);
	return p.s.len > above.s.len && p.s.ptr[above.s.len] == '/' &&
	    str_starts(p.s, above.s);
}

bool
rpath_covers(struct rpath above, struct rpath p)
{
	return rpath_eq(above, p) || rpath_is_ancestor(above, p);
}

struct rpath
rpath_parent(struct rpath p)
{
	size_t slash = str_rfind(p.s, '/');

	/* A member of the root keeps its slash. */
	return (struct rpath){ str_head(p.s, slash ? slash : 1) };
}

struct str
rpath_name(struct rpath p)
{
	return str_skip(p.s, str_rfind(p.s, '/') + 1);
}

struct str
rpath_below(struct rpath above, struct rpath p)
{
	assert(rpath_covers(above, p));
	return str_skip(p.s, rpath_is_root(above) ? 1 : above.s.len + 1);
}

bool
rpath_segment_ok(struct str name)
{
	return name.len && !str_eq(name, STR(".")) &&
	    !str_eq(name, STR("..")) && str_find(name, '/') == name.len &&
	    str_find(name, '\0') == name.len;
}

static bool
segments_ok(struct str rest)
{
	struct str name;

	while (str_cut(&rest, '/', &name))
		if (!rpath_segment_ok(name))
			return false;
	return true;
}

enum err_code
rpath_join(struct arena *a, struct rpath dir, struct str rest,
    struct rpath *out, struct err *err)
{
	size_t base = rpath_is_root(dir) ? 0 : dir.s.len;
	char *joined;

	if (!rest.len)
		return arena_str(a, dir.s, &out->s) ? ERR_OK : err_nomem(err);
	if (!segments_ok(rest))
		return err_tell(err, ERR_BAD_PATH,
		    "a name may not be empty, '.' or '..', nor hold a slash "
		    "or NUL");
	joined = arena_alloc(a, base + 1 + rest.len + 1);
	if (!joined)
		return err_nomem(err);
	memcpy(joined, dir.s.ptr, base);
	joined[base] = '/';
	memcpy(joined + base + 1, rest.ptr, rest.len);
	out->s = str_of(joined, base + 1 + rest.len);
	return ERR_OK;
}

size_t
rpath_push(struct buf *b, struct str name)
{
	size_t len = b->len;
	bool slash = len && b->ptr[len - 1] == '/';
	char *at;

	/* rpath_segment_ok() in full would cost as much as all of it. */
	assert(name.len && !memchr(name.ptr, '/', name.len));
	at = buf_room(b, name.len + 1);
	if (!at)
		return len;
	if (!slash)
		*at++ = '/';
	memcpy(at, name.ptr, name.len);
	b->len += name.len + !slash;
	return len;
}

void
rpath_pop(struct buf *b, size_t len)
{
	assert(len <= b->len);
	b->len = len;
}

struct rpath
rpath_of_buf(const struct buf *b)
{
	return b->len ? ((struct rpath){ buf_str(b) }) : RPATH_ROOT;
}
