/* SPDX-License-Identifier: MIT */
#include "store/wave.h"

#include <stdio.h>

#include "base/clock.h"
#include "store/commits.h"

const char *const wave_paths[WAVE] = { "/old", "/a", "/b", "/d/c", "/d/0",
	"/d/1", "/d/2", "/d/3", "/d/4", "/d/5", "/d/6", "/d/7", "/d/8", "/d/9",
	"/d/10", "/d/11", "/d/12", "/d/13" };

static enum err_code
stage(struct wave *w, size_t i)
{
	const struct upload_spec spec = { .keyed = true };
	enum err_code rc =
	    store_upload(w->s, at(wave_paths[i]), &spec, &w->u[i], NULL);

	(void)snprintf(w->keys[i], sizeof(w->keys[i]), "key %zu", i);
	w->r[i] = (struct record){
		.key = str_from_c(w->keys[i]),
		.print = STR("print"),
		.expires = clock_now() + 3600 * NSEC_PER_SEC,
		.unused = true,
	};
	if (!rc)
		rc = ostream_write(upload_stream(w->u[i]), STR("ours"));
	if (!rc)
		upload_expect(w->u[i], &w->r[i], w->b);
	return rc;
}

enum err_code
wave_begin(struct wave *w, struct store *s, size_t n)
{
	enum err_code rc;
	size_t i;

	*w = (struct wave){ .s = s, .n = n };
	rc = store_batch_begin(s, at("/"), &w->b, NULL);
	if (rc)
		return rc;
	store_batch_many(w->b);
	for (i = 0; i < n && !rc; i++)
		rc = stage(w, i);
	return rc ? rc : store_batch_flush(s, w->b, NULL);
}

enum err_code
wave_make(struct wave *w, size_t i)
{
	const struct guard g = { .record = &w->r[i] };

	return upload_commit(w->u[i], &g, w->b, NULL, NULL, NULL);
}

enum err_code
wave_make_together(struct wave *w, bool done[WAVE])
{
	struct guard g[WAVE];
	struct commit v[WAVE];
	enum err_code rc = ERR_OK;
	size_t i;

	for (i = 0; i < w->n; i++) {
		g[i] = (struct guard){ .record = &w->r[i] };
		v[i] = (struct commit){
			.upload = w->u[i],
			.guard = &g[i],
			.batch = w->b,
		};
	}
	upload_commit_all(v, w->n);
	for (i = 0; i < w->n && !rc; i++) {
		done[i] = v[i].done;
		rc = done[i] ? v[i].rc : wave_make(w, i);
	}
	return rc;
}

enum err_code
wave_end(struct wave *w)
{
	size_t i;

	for (i = 0; i < w->n; i++)
		upload_free(w->u[i]);
	return store_batch_end(w->s, w->b, NULL);
}
