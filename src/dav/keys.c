/* SPDX-License-Identifier: MIT */
#include "dav/keys.h"

#include <pthread.h>
#include <stdlib.h>

#include "http/fingerprint.h"
#include "wire/once.h"

#define BUCKETS ((size_t)1024)

/* A key is known by a hash so long that no two are taken for the same. */
struct taken {
	struct taken *next;
	uint64_t hash[2];
};

struct keys {
	pthread_mutex_t lock;
	struct taken *buckets[BUCKETS]; /* under the lock */
};

enum err_code
keys_new(struct keys **out, struct err *err)
{
	struct keys *k = calloc(1, sizeof(*k));

	if (!k)
		return err_nomem(err);
	(void)pthread_mutex_init(&k->lock, NULL);
	*out = k;
	return ERR_OK;
}

void
keys_free(struct keys *k)
{
	size_t i;

	if (!k)
		return;
	for (i = 0; i < BUCKETS; i++)
		while (k->buckets[i]) {
			struct taken *t = k->buckets[i];

			k->buckets[i] = t->next;
			free(t);
		}
	(void)pthread_mutex_destroy(&k->lock);
	free(k);
}

/* Where the key hangs, or would: a link that holds NULL is the chain's end. */
static struct taken **
find(struct keys *k, const uint64_t hash[2])
{
	struct taken **at = &k->buckets[hash[0] % BUCKETS];

	while (*at && ((*at)->hash[0] != hash[0] || (*at)->hash[1] != hash[1]))
		at = &(*at)->next;
	return at;
}

bool
keys_take(struct keys *k, struct str key, bool *nomem)
{
	/* check-banned: it outlives the call, in a set that grows */
	struct taken *t = calloc(1, sizeof(*t));
	struct taken **at;
	bool is_free;

	*nomem = !t;
	if (!t)
		return false;
	once_hash(key, t->hash);
	(void)pthread_mutex_lock(&k->lock);
	at = find(k, t->hash);
	is_free = !*at;
	if (is_free)
		*at = t;
	(void)pthread_mutex_unlock(&k->lock);
	if (!is_free)
		free(t);
	return is_free;
}

void
keys_give_back(struct keys *k, struct str key)
{
	struct taken **at, *t;
	uint64_t hash[2];

	once_hash(key, hash);
	(void)pthread_mutex_lock(&k->lock);
	at = find(k, hash);
	t = *at;
	if (t)
		*at = t->next;
	(void)pthread_mutex_unlock(&k->lock);
	free(t);
}

/*
 * A name may be of any length and hold any byte; what stands for it has 32
 * digits, so that what follows the slash is the key and nothing else.
 */
void
key_put_user(struct buf *b, struct str user)
{
	struct fingerprint f;
	char print[FINGERPRINT_SIZE];
	size_t i;

	fingerprint_init(&f);
	fingerprint_part(&f, user);
	(void)fingerprint_end(&f, print);
	for (i = 0; i < FINGERPRINT_SIZE / 2; i++) {
		buf_put_hex(b, (unsigned char)print[i] >> 4);
		buf_put_hex(b, (unsigned char)print[i] & 15);
	}
	buf_putc(b, '/');
}

void
key_put(struct buf *b, struct str user, struct str key)
{
	key_put_user(b, user);
	buf_put(b, key);
}

void
key_put_item(struct buf *b, struct str user, struct str key, struct str id)
{
	key_put(b, user, key);
	buf_putc(b, '/');
	buf_put(b, id);
}
