/* SPDX-License-Identifier: MIT */
#include "lib/plan_try.h"

#include <stdint.h>

#define AT_ONCE ((size_t)4)

static void
read_touch(struct plan_try *t, struct plan_item *item, struct str word)
{
	struct plan_touch *touches = t->touches[t->n];
	struct str path = str_skip(word, 1);

	if (item->n_touches == 4 || !str_starts(path, STR("/")) ||
	    (path.len > 1 && str_ends(path, STR("/"))) ||
	    (path.len > 1 && path.ptr[1] == '/'))
		return;
	touches[item->n_touches++] = (struct plan_touch){
		.path = { path },
		.write = word.ptr[0] == 'w',
	};
}

static void
read_word(struct plan_try *t, struct plan_item *item, struct str word)
{
	uint64_t n;

	if (str_starts(word, STR("r")) || str_starts(word, STR("w")))
		read_touch(t, item, word);
	if (str_eq(word, STR("&")))
		item->joined = true;
	if (str_starts(word, STR("+")) && item->n_after < 4 &&
	    str_to_u64(str_skip(word, 1), &n) && n < t->n)
		t->after[t->n][item->n_after++] = (size_t)n;
}

void
plan_try_read(struct plan_try *t, struct str text)
{
	struct str line, word;

	t->n = 0;
	while (t->n < PLAN_TRY_MAX && str_cut(&text, '\n', &line)) {
		struct plan_item *item = &t->items[t->n];

		*item = (struct plan_item){
			.touches = t->touches[t->n],
			.after = t->after[t->n],
		};
		while (str_cut(&line, ' ', &word))
			read_word(t, item, word);
		t->n++;
	}
}

static size_t
first_of(const struct plan_try *t, size_t i)
{
	while (i && t->items[i].joined)
		i--;
	return i;
}

static bool
items_wait(const struct plan_try *t, size_t a, size_t b)
{
	const struct plan_item *x = &t->items[a], *y = &t->items[b];
	size_t i, k;

	for (i = 0; i < y->n_after; i++)
		if (y->after[i] == a)
			return true;
	for (i = 0; i < x->n_touches; i++)
		for (k = 0; k < y->n_touches; k++) {
			struct plan_touch p = x->touches[i], q = y->touches[k];

			if ((p.write || q.write) &&
			    (rpath_covers(p.path, q.path) ||
				rpath_covers(q.path, p.path)))
				return true;
		}
	return false;
}

bool
plan_try_waits(const struct plan_try *t, size_t a, size_t b)
{
	size_t first = first_of(t, a), other = first_of(t, b), i, k;

	for (i = first; i < t->n && first_of(t, i) == first; i++)
		for (k = other; k < t->n && first_of(t, k) == other; k++)
			if (items_wait(t, i, k))
				return true;
	return false;
}

struct trying {
	const struct plan_try *t;
	bool begun[PLAN_TRY_MAX], done[PLAN_TRY_MAX];
	struct plan_unit open[AT_ONCE];
	size_t n_open;
	uint64_t random;
};

/* Whether nothing keeps it from being begun. */
static bool
is_free(const struct trying *y, size_t first)
{
	size_t i;

	for (i = 0; i < first; i++)
		if (!y->done[i] && plan_try_waits(y->t, i, first))
			return false;
	return true;
}

static const char *
begin(struct trying *y, const struct plan_unit *u)
{
	size_t i;

	for (i = 0; i < u->first; i++)
		if (!y->begun[i] && is_free(y, first_of(y->t, i)))
			return "one that was free was passed over";
	if (!is_free(y, u->first))
		return "one was begun before it might be";
	for (i = u->first; i < u->first + u->n; i++) {
		if (i >= y->t->n || y->begun[i])
			return "one was begun twice";
		if (first_of(y->t, i) != u->first)
			return "a unit is not what was joined";
		y->begun[i] = true;
	}
	y->open[y->n_open++] = *u;
	return NULL;
}

static void
end_one(struct trying *y, struct plan *p)
{
	struct plan_unit u;
	size_t i, k;

	y->random = y->random * UINT64_C(6364136223846793005) + 1442695041;
	i = (size_t)(y->random >> 33) % y->n_open;
	u = y->open[i];
	y->open[i] = y->open[--y->n_open];
	for (k = u.first; k < u.first + u.n; k++)
		y->done[k] = true;
	plan_done(p, &u);
}

static const char *
run(struct trying *y, struct plan *p)
{
	struct plan_unit u;
	const char *wrong;
	size_t i;

	while (!plan_is_empty(p) || y->n_open) {
		if (y->n_open < AT_ONCE && plan_peek(p, &u)) {
			wrong = begin(y, &u);
			if (wrong)
				return wrong;
			plan_take(p);
		} else if (y->n_open) {
			end_one(y, p);
		} else {
			return "nobody is left, and not all were begun";
		}
	}
	for (i = 0; i < y->t->n; i++)
		if (!y->done[i])
			return "one was left out";
	return NULL;
}

const char *
plan_try_run(const struct plan_try *t, uint64_t seed)
{
	struct trying y = { .t = t, .random = seed };
	const char *wrong;
	struct plan *p;

	if (plan_new(t->items, t->n, &p, NULL))
		return "memory ran out";
	wrong = run(&y, p);
	plan_free(p);
	return wrong;
}
