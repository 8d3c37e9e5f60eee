/* SPDX-License-Identifier: MIT */
/* An item as a request, and its reply as a result. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/plain.h"
#include "bulk/check.h"
#include "bulk/item_impl.h"
#include "http/mime.h"
#include "http/status.h"

/* Bytes of arena that most requests need. */
#define REQUEST_BLOCK ((size_t)2048)

#define SPARE_MAX ((size_t)32) /* some 4 KiB each */

/* ---- what earlier ones left, now that it is known */

static enum err_code
find_base(const struct ref *ref, struct rpath *out, struct err *err)
{
	*out = ref->task ? ref->task->at : ref->left->at;
	return out->s.len ? ERR_OK
			  : err_tell(err, ERR_PRECONDITION,
				"the operation before it left nothing there");
}

static enum err_code
find_paths(struct task *t, struct err *err)
{
	const struct ref *url = task_ref(t, REF_URL);
	const struct ref *to = task_ref(t, REF_TO);
	struct rpath base;
	enum err_code rc = ERR_OK;

	if (url->task) {
		rc = find_base(url, &base, err);
		if (!rc)
			rc = ref_path(&t->arena, base, url->rest, &t->path,
			    &t->slash, err);
	}
	if (!rc && to->task) {
		rc = find_base(to, &base, err);
		if (!rc)
			rc = ref_path(&t->arena, base, to->rest, &t->to,
			    &t->to_slash, err);
	}
	return rc;
}

/* ---- the exchange */

static void
exchange_free(struct item_exchange *ix)
{
	if (!ix)
		return;
	arena_done(&ix->arena);
	free(ix);
}

static struct item_exchange *
take_spare(struct bulk_run *r)
{
	struct item_exchange *ix;

	(void)pthread_mutex_lock(&r->spare_lock);
	ix = r->spare;
	if (ix) {
		r->spare = ix->next;
		r->n_spare--;
	}
	(void)pthread_mutex_unlock(&r->spare_lock);
	return ix;
}

/* The next item gets the memory, unless there is enough to spare. */
void
item_free(struct bulk_run *r, struct task *t)
{
	struct item_exchange *ix = t->made;
	bool keep;

	t->made = NULL;
	if (!ix)
		return;
	arena_rest(&ix->arena);
	(void)pthread_mutex_lock(&r->spare_lock);
	keep = r->n_spare < SPARE_MAX;
	if (keep) {
		ix->next = r->spare;
		r->spare = ix;
		r->n_spare++;
	}
	(void)pthread_mutex_unlock(&r->spare_lock);
	if (!keep)
		exchange_free(ix);
}

void
items_free_spare(struct bulk_run *r)
{
	struct item_exchange *ix;

	while ((ix = take_spare(r)))
		exchange_free(ix);
}

/* The failure of a member, in the log. */
static void
member_line(void *arg, struct str line)
{
	struct item_exchange *ix = arg;
	const struct log_lines *to = &ix->r->env.failures;
	struct buf b CLEANUP(buf_done) = { 0 };

	buf_put(&b, ix->r->spec.batch_id);
	buf_putc(&b, ' ');
	text_put_plain(&b, ix->t->item->id);
	buf_putc(&b, ' ');
	buf_put(&b, line);
	if (!buf_failed(&b))
		to->line(to->arg, buf_str(&b));
}

static void
init_capture(struct item_exchange *ix)
{
	const struct batch_limits *lim = ix->r->env.limits;
	struct task *t = ix->t;

	ix->capture = (struct capture){
		.arena = &t->arena,
		.body = &t->body,
		.max = lim->answer_body,
		.without_body = ix->req.method == METHOD_HEAD,
		.etag = t->etag,
		.etag_len = &t->etag_len,
		.max_members = lim->members,
	};
	if (t->ways & WAY_FOUND)
		ix->capture.target = t->path;
}

static enum err_code
make_request(struct bulk_run *r, struct task *t, struct item_exchange **out,
    struct err *err)
{
	struct item_exchange *ix;

	item_free(r, t); /* of a try before */
	ix = take_spare(r);
	if (!ix)
		ix = calloc(1, sizeof(*ix));
	t->made = ix;
	if (!ix)
		return err_nomem(err);
	*out = ix;
	ix->r = r;
	ix->t = t;
	ix->arena.block = REQUEST_BLOCK;
	ix->req = (struct request){
		.method = method_from(t->method_name),
		.method_name = t->method_name,
		.path = t->path,
		.slash = t->slash,
		.origin = r->spec.origin,
		.caller = r->spec.caller,
		.has_body = t->item->body.len > 0 || r->taking_big,
		.has_length = !r->taking_big,
		.length = t->item->body.len,
	};
	/* A redirect to the same path with a slash would be of no use here. */
	if (ix->req.method == METHOD_GET || ix->req.method == METHOD_HEAD)
		ix->req.slash = true;
	return item_make_headers(ix, err);
}

static void
make_exchange(
    struct item_exchange *ix, struct store *store, struct store_batch *b)
{
	struct bulk_run *r = ix->r;
	struct task *t = ix->t;

	init_capture(ix);
	ix->x = (struct exchange){
		.req = &ix->req,
		.reply = capture_init(&ix->capture),
		.store = store,
		.set = r->env.set,
		.arena = &ix->arena,
		.batch = b,
		.record = t->recorded ? &t->record : NULL,
		.begun = t->begun,
	};
	if (r->env.failures.line && !r->dry && !r->trying)
		ix->x.failures = (struct log_lines){ member_line, ix };
	ix->ops = dav_method(ix->req.method);
	t->ix = ix;
}

/* ---- its result */

static void
end_exchange(struct bulk_run *r, struct task *t)
{
	struct item_exchange *ix = t->ix;

	if (ix && ix->ops->end)
		ix->ops->end(&ix->x);
	t->ix = NULL;
	item_free(r, t);
}

/*
 * For create, that something exists is told as just that, not as a condition
 * that failed.
 */
static enum err_code
word_create(struct task *t, const struct exchange *x, enum err_code rc)
{
	struct resource res;

	if (!t->creates || (rc != ERR_PRECONDITION && rc != ERR_IS_COLLECTION))
		return rc;
	if (store_stat(x->store, t->path, &res, NULL))
		return rc;
	return err_tell(
	    t->err, ERR_ALREADY_EXISTS, "%s", err_text(ERR_ALREADY_EXISTS));
}

static void
put_outcomes(struct task *t, struct capture *c)
{
	struct outcome o = c->root;

	if (!c->has_root)
		o = (struct outcome){
			.path = t->path,
			.collection = true,
			.status = t->ways & WAY_FOUND ? 200 : c->worst,
		};
	if (!(t->ways & WAY_FOUND)) {
		(void)snprintf(t->err->tell, sizeof(t->err->tell),
		    "%llu of its members failed",
		    (unsigned long long)c->n_failed);
		o.tell = str_from_c(t->err->tell);
	}
	task_result(t, &o);
	t->result.partial = !(t->ways & WAY_FOUND);
	t->result.members_are_found = t->ways & WAY_FOUND;
	t->result.members = c->members.items;
	t->result.n_members = c->members.n;
	t->result.members_omitted = c->omitted;
}

/* Where the resource is that it made, or that it was about. */
static void
find_place(struct bulk_run *r, struct task *t, const struct capture *c)
{
	struct str location = capture_header(c, STR("location"));
	struct origin *origin = &r->spec.origin;

	t->at = t->ways & WAY_TO ? t->to : t->path;
	if (!(t->ways & WAY_NAMES) || !location.len)
		return;
	if (href_decode(&t->arena, origin, (struct href){ location }, &t->at,
		NULL, NULL))
		t->at = t->path;
}

static void
find_etag(struct bulk_run *r, struct task *t, const struct exchange *x)
{
	struct resource res;

	if (t->etag_len ||
	    (!t->etag_wanted && !r->past.keep && !(t->ways & WAY_TO)))
		return;
	if (store_stat(x->store, t->at, &res, NULL) || !res.etag_len)
		return;
	memcpy(t->etag, res.etag, res.etag_len);
	t->etag_len = res.etag_len;
}

/* What it is now, as Prefer: return=representation wants to see it. */
static void
add_representation(struct bulk_run *r, struct task *t, struct capture *c)
{
	const struct exchange *x = &t->ix->x;
	struct content *content = NULL;
	struct segment whole = { 0 };
	const struct resource *res;

	if (!r->spec.representation || c->has_body ||
	    !(t->ways & (WAY_WRITES | WAY_TO)) ||
	    store_open(x->store, t->at, &content, NULL))
		return;
	res = content_resource(content);
	whole.length = res->length;
	if (capture_content(c, content, &whole, 1) == ERR_OK) {
		c->headers[c->n_headers++] = (struct header){
			STR("content-type"),
			mime_type(r->env.set->mime, rpath_name(t->at)),
		};
	} else {
		c->has_body = false;
		buf_done(c->body);
	}
	content_free(content);
}

static void
put_headers(struct task *t, struct capture *c)
{
	struct header *v = arena_array(&t->arena, c->n_headers + 1, sizeof(*v));

	if (!v)
		return;
	t->result.headers.v = v;
	if (t->etag_len)
		v[t->result.headers.n++] = (struct header){ STR("etag"),
			str_of(t->etag, t->etag_len) };
	if (c->n_headers)
		memcpy(v + t->result.headers.n, c->headers,
		    c->n_headers * sizeof(*v));
	t->result.headers.n += c->n_headers;
}

static void
put_body(struct task *t, struct capture *c)
{
	t->result.body_omitted = c->body_omitted;
	t->result.has_body =
	    c->has_body && !c->body_omitted && !c->without_body;
	if (!t->result.has_body)
		return;
	t->result.body = buf_str(&t->body);
	t->result.body_type = capture_header(c, STR("content-type"));
}

static void
succeed(struct bulk_run *r, struct task *t, struct capture *c)
{
	struct outcome o = { 0 };

	find_place(r, t, c);
	find_etag(r, t, &t->ix->x);
	add_representation(r, t, c);
	o.path = t->ways & WAY_NAMES ? t->at : t->path;
	o.collection = task_names_collection(t, o.path);
	o.status = c->base.status;
	task_result(t, &o);
	put_headers(t, c);
	put_body(t, c);
}

static void
finish(struct bulk_run *r, struct task *t, enum err_code rc)
{
	struct capture *c = &t->ix->capture;

	if (!rc && (!c->base.status || !c->ended))
		rc = err_set(t->err, ERR_INTERNAL, "no answer was given");
	if (rc)
		rc = word_create(t, &t->ix->x, rc);
	if (rc) {
		t->err->code = rc;
		task_failed(r, t);
		if (t->result.outcome.status < 400)
			put_headers(t, c);
	} else if (c->base.status == 207) {
		put_outcomes(t, c);
		if (!task_is_failure(t)) {
			find_place(r, t, c);
			find_etag(r, t, &t->ix->x);
		}
	} else {
		succeed(r, t, c);
	}
	if (!task_is_failure(t))
		again_done(r, t, t->ix->x.store, t->ix->x.batch);
	end_exchange(r, t);
}

/* ---- what the run calls */

void
item_fail(struct bulk_run *r, struct task *t, const struct err *err)
{
	if (t->state == TASK_DONE)
		return;
	if (t->err != err)
		*t->err = *err;
	if (t->ix)
		finish(r, t, t->err->code);
	else
		task_failed(r, t);
}

static void
fail_early(struct bulk_run *r, struct task *t, enum err_code rc)
{
	t->err->code = rc;
	task_failed(r, t);
}

void
item_open(struct bulk_run *r, struct task *t, struct store *store,
    struct store_batch *b, struct ostream **to)
{
	struct item_exchange *ix = NULL;
	struct exchange *x;
	enum err_code rc;

	*to = NULL;
	rc = find_paths(t, t->err);
	if (!rc)
		rc = make_request(r, t, &ix, t->err);
	if (rc) {
		fail_early(r, t, rc);
		return;
	}
	if (!again_begin(r, t, store, &ix->req)) {
		if (t->was)
			*to = fingerprint_stream(t->body_print, NULL);
		return;
	}
	rc = item_find_tags(t, ix, t->err);
	if (rc) {
		fail_early(r, t, rc);
		return;
	}
	make_exchange(ix, store, b);
	x = &ix->x;
	rc = t->ix->ops->begin(x, t->err);
	if (!rc && t->ix->req.has_body && !x->body)
		rc = err_tell(t->err, ERR_MEDIA_TYPE, "%.*s takes no body here",
		    STR_ARG(str_head(t->method_name, 40)));
	if (rc) {
		finish(r, t, rc);
		return;
	}
	t->state = TASK_BEGUN;
	*to = x->body && t->body_print
	    ? fingerprint_stream(t->body_print, x->body)
	    : x->body;
}

void
item_begin(struct bulk_run *r, struct task *t, struct store *store,
    struct store_batch *b)
{
	struct str body = t->item->body;
	struct ostream *to;

	item_open(r, t, store, b, &to);
	if (t->state == TASK_BEGUN && to && body.len && ostream_write(to, body))
		item_fail(r, t, &to->err);
}

void
item_run(struct bulk_run *r, struct task *t)
{
	if (t->state != TASK_BEGUN)
		return;
	finish(r, t, t->ix->ops->run(&t->ix->x, t->err));
}

static bool
may_join(const struct bulk_run *r, const struct task *t)
{
	return r->batch && t->state == TASK_BEGUN && t->ix->ops->run_all;
}

void
items_run(struct bulk_run *r, struct task *const *v, size_t n)
{
	struct exchange *x[RUN_MOST];
	struct err *err[RUN_MOST];
	enum err_code rc[RUN_MOST] = { 0 };
	bool ran[RUN_MOST] = { 0 };
	size_t of[RUN_MOST];
	size_t i;
	size_t k = 0;

	assert(n <= RUN_MOST);
	for (i = 0; i < n; i++)
		if (may_join(r, v[i])) {
			x[k] = &v[i]->ix->x;
			err[k] = v[i]->err;
			of[k++] = i;
		}
	if (k > 1)
		v[of[0]]->ix->ops->run_all(x, rc, err, ran, k);
	for (i = 0; i < k; i++)
		if (ran[i])
			finish(r, v[of[i]], rc[i]);
	for (i = 0; i < n; i++)
		item_run(r, v[i]);
}
