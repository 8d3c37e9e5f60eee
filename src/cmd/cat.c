/* SPDX-License-Identifier: MIT */
/* `sheaf cat`: files of a server to stdout, one after the other. */
#include <unistd.h>

#include "base/file.h"
#include "client/download.h"
#include "cmd/files.h"

struct catting {
	struct files f;
	size_t next;
};

static void start_next(struct catting *c);

static void
done(struct catting *c, const struct verdict *v, uint64_t bytes)
{
	const struct work_item item = {
		.op = "cat", .url = c->f.s.urls[c->next], .bytes = bytes
	};

	work_done(c->f.work, &item, v);
	c->next++;
}

static enum err_code
take(void *arg, struct str bytes, struct err *err)
{
	(void)arg;
	if (fd_write_all(STDOUT_FILENO, bytes, NULL))
		return err_set(err, ERR_IO, "cannot write to the output");
	return ERR_OK;
}

static void
on_size(void *arg, uint64_t bytes)
{
	struct catting *c = arg;

	work_expect(c->f.work, 0, bytes);
}

static void
on_progress(void *arg, int64_t bytes)
{
	struct catting *c = arg;

	work_progress(c->f.work, bytes);
}

static void
on_done(void *arg, const struct download_end *e)
{
	struct catting *c = arg;

	done(c, &e->v, e->bytes);
	start_next(c);
}

static void
start_next(struct catting *c)
{
	struct download_spec spec = { .take = take,
		.attempts = c->f.o.attempts,
		.size = on_size,
		.progress = on_progress,
		.done = on_done,
		.arg = c };
	struct verdict v;
	struct err err = { 0 };
	enum err_code rc;

	while (c->next < c->f.s.n_urls) {
		if (work_interrupted(c->f.work)) {
			v = (struct verdict){ .fate = FATE_LEFT,
				.blame = BLAME_INTERRUPT,
				.wait = -1 };
			done(c, &v, 0);
			continue;
		}
		spec.url = c->f.s.urls[c->next];
		rc = download_start(c->f.s.client, &spec, &err);
		if (!rc)
			return;
		v = files_failure(rc, &err);
		done(c, &v, 0);
	}
}

int
cmd_cat(const char *const *args)
{
	static const struct files_shape shape = { .least = 1,
		.most = SIZE_MAX };
	struct catting c = { 0 };
	int code;

	if (!files_begin(&c.f, "cat", args, &shape, &code))
		return files_refuse(&c.f, code);
	work_expect(c.f.work, c.f.s.n_urls, 0);
	start_next(&c);
	files_run(&c.f);
	return files_end(&c.f);
}
