/* SPDX-License-Identifier: MIT */
#include "store/state_slot.h"

#include <assert.h>
#include <string.h>

size_t
slot_used(const struct slot *l)
{
	return offsetof(struct slot, text) + l->path + l->other;
}

/* FNV-1a. */
static uint64_t
checksum(const struct slot *l)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325) ^ l->number;
	const unsigned char *at = (const unsigned char *)&l->kind;
	const unsigned char *end = (const unsigned char *)l + slot_used(l);

	while (at < end)
		h = (h ^ *at++) * UINT64_C(0x100000001b3);
	return h;
}

void
slot_seal(struct slot *l, uint64_t number)
{
	l->number = number;
	l->check = checksum(l);
}

bool
slot_is_good(const struct slot *l)
{
	return l->number && (size_t)l->path + l->other <= SLOT_TEXT &&
	    l->check == checksum(l);
}

static bool
slot_fill(struct slot *l, uint32_t kind, struct str path, struct str other)
{
	if (path.len > SLOT_TEXT || other.len > SLOT_TEXT - path.len)
		return false;
	l->kind = kind;
	l->path = (uint16_t)path.len;
	l->other = (uint16_t)other.len;
	l->expires = 0;
	memcpy(l->text, path.ptr, path.len);
	if (other.len)
		memcpy(l->text + path.len, other.ptr, other.len);
	return true;
}

bool
slot_fill_change(struct slot *l, const struct change *c)
{
	const struct str none = { 0 };

	return slot_fill(l, (uint32_t)c->kind, c->path.s,
	    c->kind == CHANGE_MOVE ? c->to.s : none);
}

bool
slot_fill_props(struct slot *l, struct rpath path, struct str packed)
{
	return slot_fill(l, SLOT_PROPS, path.s, packed);
}

/* What comes before the token, the user and the owner of a lock. */
enum { AT_FLAGS, AT_TOKEN_LEN, AT_USER_LEN };

#define LOCK_HEAD ((size_t)3)

static_assert(SLOT_TEXT <= UINT8_MAX, "a length fits into a byte");

#define FLAG_SHARED 1U
#define FLAG_DEEP 2U

bool
slot_fill_lock(struct slot *l, enum lock_step step, const struct lock *k)
{
	char other[SLOT_TEXT];
	size_t len = LOCK_HEAD;
	const struct str parts[] = { k->token, k->user, k->owner };
	size_t i;

	for (i = 0; i < ARRAY_LEN(parts); i++) {
		if (parts[i].len > SLOT_TEXT - len)
			return false;
		if (parts[i].len)
			memcpy(other + len, parts[i].ptr, parts[i].len);
		len += parts[i].len;
	}
	other[AT_FLAGS] = (char)((k->shared ? FLAG_SHARED : 0) |
	    (k->depth == DEPTH_INFINITY ? FLAG_DEEP : 0));
	other[AT_TOKEN_LEN] = (char)k->token.len;
	other[AT_USER_LEN] = (char)k->user.len;
	if (!slot_fill(l, (uint32_t)step, k->root.s, str_of(other, len)))
		return false;
	l->expires = k->expires;
	return true;
}

bool
slot_lock(const struct slot *l, struct lock *out)
{
	const char *other = l->text + l->path;
	size_t token, user;
	unsigned flags;

	if (l->other < LOCK_HEAD)
		return false;
	flags = (unsigned char)other[AT_FLAGS];
	token = (unsigned char)other[AT_TOKEN_LEN];
	user = (unsigned char)other[AT_USER_LEN];
	if (l->other < LOCK_HEAD + token + user)
		return false;
	other += LOCK_HEAD;
	*out = (struct lock){
		.root = { str_of(l->text, l->path) },
		.shared = flags & FLAG_SHARED,
		.depth = flags & FLAG_DEEP ? DEPTH_INFINITY : DEPTH_0,
		.token = str_of(other, token),
		.user = str_of(other + token, user),
		.owner = str_of(
		    other + token + user, l->other - LOCK_HEAD - token - user),
		.expires = l->expires,
	};
	return true;
}

bool
slot_is_lock(const struct slot *l)
{
	return l->kind == LOCK_ADD || l->kind == LOCK_REFRESH ||
	    l->kind == LOCK_REMOVE;
}
