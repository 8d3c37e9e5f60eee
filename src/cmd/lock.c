/* SPDX-License-Identifier: MIT */
/* `sheaf lock` and `sheaf unlock`. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/files.h"
#include "cmd/text.h"
#include "wire/dav_request.h"
#include "wire/json_object.h"

struct locking {
	struct files *f;
	struct str url;
	struct work_item item;
	size_t of; /* how many URLs there are */
	bool shared; /* a shared lock is wanted */
	struct str other; /* the token of a lock of the other kind */
};

/* ---- what was locked */

static void
put_token(struct buf *b, const struct locking *l, const struct told_lock *lock)
{
	text_put_plain(b, lock->token);
	if (l->of > 1) {
		buf_putc(b, ' ');
		text_put_plain(b, l->url);
	}
	buf_putc(b, '\n');
}

static void
put_json(struct buf *b, const struct locking *l, const struct told_lock *lock)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "type", STR("lock"));
	json_put_text(&o, "url", l->url);
	json_put_text(&o, "token", lock->token);
	json_put_text(
	    &o, "scope", lock->shared ? STR("shared") : STR("exclusive"));
	json_put_text(&o, "depth", lock->deep ? STR("infinity") : STR("0"));
	if (lock->root.len)
		json_put_text(&o, "root", lock->root);
	if (lock->owner.len)
		json_put_text(&o, "owner", lock->owner);
	if (lock->seconds)
		json_put_number(&o, "seconds", lock->seconds);
	json_end(&o);
	buf_putc(b, '\n');
}

static void
say_lock(struct locking *l, const struct told_lock *lock)
{
	char seconds[64] = "";

	if (lock->infinite)
		(void)snprintf(seconds, sizeof(seconds), ", until unlocked");
	else if (lock->seconds)
		(void)snprintf(seconds, sizeof(seconds), ", for %llu s",
		    (unsigned long long)lock->seconds);
	work_say(l->f->work, "locked %.*s (%s, %s%s)", STR_ARG(l->url),
	    lock->shared ? "shared" : "exclusive",
	    lock->deep ? "with all below it" : "it alone", seconds);
}

static void
locked(void *arg, const struct told_lock *lock)
{
	struct locking *l = arg;
	struct buf b CLEANUP(buf_done) = { 0 };

	/* Where there is no root, the answer says nothing but the token. */
	if (lock->root.len && lock->shared != l->shared) {
		if (!arena_str(&l->f->s.a, lock->token, &l->other))
			work_stop(l->f->work, "lock", NULL);
		return;
	}
	if (work_json(l->f->work))
		put_json(&b, l, lock);
	else
		put_token(&b, l, lock);
	work_out(l->f->work, buf_str(&b));
	say_lock(l, lock);
}

/* ---- the request */

struct wish {
	bool deep;
	struct str body;
	struct header timeout;
};

static bool
read_wish(struct files *f, struct wish *w, int *code)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct str depth = str_from_c(f->o.depth);

	w->deep = !str_eq(depth, STR("0"));
	if (str_eq(depth, STR("1"))) {
		*code = files_wrong(f, "a lock takes --depth 0 or inf");
		return false;
	}
	lockinfo_request_put(&b, f->o.shared, str_from_c(getenv("USER")));
	if (buf_failed(&b) || !arena_str(&f->s.a, buf_str(&b), &w->body))
		return false;
	if (!f->o.seconds)
		return true;
	buf_clear(&b);
	buf_printf(&b, "Second-%u", f->o.seconds);
	w->timeout.name = STR("Timeout");
	return !buf_failed(&b) &&
	    arena_str(&f->s.a, buf_str(&b), &w->timeout.value);
}

/* After the UNLOCK of a lock of the other kind: says what became of it. */
static void
given_back(void *arg, const struct verdict *v)
{
	struct locking *l = arg;
	struct verdict said = files_refusal(l->shared
		? STR("the server took an exclusive lock, which was given back")
		: STR("the server took a shared lock, which was given back"));
	struct buf text CLEANUP(buf_done) = { 0 };

	if (v->fate != FATE_DONE) {
		BUF_LIT(&text,
		    "the server took a lock of another kind, and "
		    "it could not be given back: ");
		buf_put(&text, l->other);
		said.fate = FATE_UNKNOWN;
		said.text = buf_str(&text);
	}
	said.blame = BLAME_STATUS;
	work_done(l->f->work, &l->item, &said);
}

static void
lock_ended(void *arg, const struct verdict *v)
{
	struct locking *l = arg;

	if (!l->other.len) {
		work_done(l->f->work, &l->item, v);
		return;
	}
	change_quietly(l->f, &l->item,
	    (struct remote_spec){
		.method = "UNLOCK",
		.url = l->url,
		.lock_token = l->other,
	    },
	    given_back, l);
}

static void
send_lock(struct locking *l, const struct wish *w)
{
	if (l->f->o.dry_run) {
		files_would(l->f, "lock", l->url, (struct str){ 0 });
		return;
	}
	change_members(l->f, &l->item,
	    (struct remote_spec){
		.method = "LOCK",
		.url = l->url,
		.has_depth = true,
		.depth = w->deep ? DEPTH_INFINITY : DEPTH_0,
		.fields = &w->timeout,
		.n_fields = w->timeout.value.len ? 1 : 0,
		.body = w->body,
		.content_type = dav_request_media_type(),
		.lock = locked,
	    },
	    lock_ended, l);
}

int
cmd_lock(const char *const *args)
{
	static const struct files_shape shape = { 1, SIZE_MAX, 0, 0 };
	struct files f = { 0 };
	struct wish wish = { 0 };
	struct locking *all;
	int code = EXIT_CANNOT;
	size_t i;

	if (!files_begin(&f, "lock", args, &shape, &code) ||
	    !read_wish(&f, &wish, &code))
		return files_refuse(&f, code);
	all = files_array(&f, f.s.n_urls, sizeof(*all));
	for (i = 0; all && i < f.s.n_urls; i++) {
		all[i] = (struct locking){ .f = &f,
			.url = f.s.urls[i],
			.item = { .op = "lock",
			    .url = f.s.urls[i],
			    .recursive = wish.deep,
			    .body = wish.body },
			.of = f.s.n_urls,
			.shared = f.o.shared };
		send_lock(&all[i], &wish);
	}
	files_run(&f);
	return all ? files_end(&f) : files_cannot(&f);
}

/* ---- unlocking */

int
cmd_unlock(const char *const *args)
{
	static const struct files_shape shape = { 2, 2, 0, 1 };
	struct files f = { 0 };
	struct work_item item;
	int code = EXIT_OK;

	if (!files_begin(&f, "unlock", args, &shape, &code))
		return files_refuse(&f, code);
	item = (struct work_item){ .op = "unlock", .url = f.s.urls[0] };
	if (!token_read(f.o.operands[1], &item.lock_token)) {
		code = files_wrong(&f,
		    "'%s' is no lock token, such as sheaf lock prints",
		    f.o.operands[1]);
		return files_refuse(&f, code);
	}
	if (f.o.dry_run)
		files_would(&f, "unlock", item.url, (struct str){ 0 });
	else
		change(&f, &item,
		    (struct remote_spec){
			.method = "UNLOCK",
			.url = item.url,
			.lock_token = item.lock_token,
		    },
		    NULL, NULL);
	files_run(&f);
	return files_end(&f);
}
