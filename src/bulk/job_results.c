/* SPDX-License-Identifier: MIT */
/* Reads the results of a job, while it runs or after. */
#include <string.h>

#include "base/file.h"
#include "bulk/jobs_impl.h"

struct reading {
	int fd;
	uint64_t at;
	struct buf b; /* lines, the last of which is not whole */
	size_t used; /* of them */
};

/* The next whole line; false at the end. */
static enum err_code
next_line(struct reading *r, struct str *line, bool *found, struct err *err)
{
	const size_t step = (size_t)64 * 1024;

	*found = false;
	for (;;) {
		struct str rest = str_skip(buf_str(&r->b), r->used);
		size_t end = str_find(rest, '\n'), got;
		char *room;
		enum err_code rc;

		if (end < rest.len) {
			*line = str_head(rest, end);
			r->used += end + 1;
			*found = true;
			return ERR_OK;
		}
		if (r->used && rest.len)
			memmove(r->b.ptr, rest.ptr, rest.len);
		r->b.len = rest.len;
		r->used = 0;
		room = buf_room(&r->b, step);
		if (!room)
			return err_nomem(err);
		rc = fd_read_at(r->fd, r->at, room, step, &got, err);
		if (rc || !got)
			return rc;
		r->at += got;
		r->b.len += got;
	}
}

static enum err_code
read_results(struct reading *r, int64_t after, bool failed,
    const struct job_reader *to, struct err *err)
{
	struct result_line result;
	struct str line = { 0 };
	bool found;
	enum err_code rc;

	for (;;) {
		rc = next_line(r, &line, &found, err);
		if (rc || !found)
			return rc;
		if (!result_line_read(line, &result) ||
		    (failed && result.status < 400) ||
		    (after >= 0 && result.index <= (uint64_t)after))
			continue;
		rc = to->put(to->arg, &result, line);
		if (rc)
			return rc;
	}
}

enum err_code
jobs_results(struct jobs *j, struct str user, struct str id, int64_t after,
    bool failed, const struct job_reader *to, struct err *err)
{
	struct reading r = { .fd = -1 };
	const struct job *job;
	enum err_code rc = ERR_OK;

	(void)pthread_mutex_lock(&j->lock);
	job = job_find(j, user, id);
	if (job)
		rc = job_open_results(job, &r.fd, err);
	(void)pthread_mutex_unlock(&j->lock);
	if (!job)
		return job_is_missing(err);
	if (rc)
		return rc;
	if (r.fd >= 0)
		rc = read_results(&r, after, failed, to, err);
	buf_done(&r.b);
	fd_close(&r.fd);
	return rc;
}
