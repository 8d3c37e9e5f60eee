/* SPDX-License-Identifier: MIT */
#include "wire/bulk_docs.h"

#include "base/clock.h"
#include "wire/escape.h"
#include "wire/json_object.h"

#define BATCHES "/.sheaf/batches/"

/* ---- what the server can do */

static const char *const request_types[] = { "application/json",
	"application/x-ndjson", "application/jsonl", "application/json-seq",
	"multipart/mixed" };
static const char *const answer_types[] = { "application/json",
	"application/x-ndjson", "application/xml" };
static const char *const modes[] = { "independent", "validate-first",
	"atomic" };
static const char *const operations[] = { "create", "read", "update", "upsert",
	"patch", "delete", "copy", "move", "mkcol", "proppatch", "propfind" };
static const char *const preferences[] = { "return=minimal",
	"return=representation", "respond-async", "wait", "continue-on-error" };

static void
put_names(
    struct json_object *o, const char *name, const char *const *names, size_t n)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		if (i)
			buf_putc(&b, ',');
		json_put_string(&b, str_from_c(names[i]));
	}
	json_put_array(o, name, buf_str(&b));
}

#define PUT_NAMES(o, name, names) put_names(o, name, names, ARRAY_LEN(names))

/* A member whose value is JSON already. */
static void
put_json(struct json_object *o, const char *name, const struct buf *value)
{
	json_put_raw(o, name, buf_str(value));
}

static void
put_limits(struct json_object *o, const struct batch_limits *l)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct json_object limits = json_begin(&b);

#define LIMIT(field, name, value, doc) json_put_number(&limits, name, l->field);
#include "wire/batch_limits.def"
#undef LIMIT
	json_end(&limits);
	put_json(o, "limits", &b);
}

static void
put_path(
    struct json_object *o, const char *name, struct str prefix, struct str path)
{
	struct buf b CLEANUP(buf_done) = { 0 };

	buf_put(&b, prefix);
	buf_put(&b, path);
	json_put_text(o, name, buf_str(&b));
}

static void
put_endpoints(struct json_object *o, const struct capabilities *c)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct json_object e = json_begin(&b);

	put_path(&e, "bulk", c->prefix, STR("/.sheaf/bulk"));
	if (c->has_jobs)
		put_path(&e, "batches", c->prefix, STR(BATCHES "{id}"));
	put_path(&e, "openapi", c->prefix, STR("/.sheaf/openapi.json"));
	put_path(&e, "requestSchema", c->prefix,
	    STR("/.sheaf/schema/request.schema.json"));
	put_path(&e, "answerSchema", c->prefix,
	    STR("/.sheaf/schema/answer.schema.json"));
	json_end(&e);
	put_json(o, "endpoints", &b);
}

static void
put_idempotency(struct json_object *o, int64_t ttl)
{
	struct buf b CLEANUP(buf_done) = { 0 };
	struct json_object i = json_begin(&b);

	json_put_text(&i, "header", STR("Idempotency-Key"));
	json_put_number(&i, "ttl", (uint64_t)(ttl / NSEC_PER_SEC));
	json_end(&i);
	put_json(o, "idempotency", &b);
}

void
capabilities_put(struct buf *b, const struct capabilities *c)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "server", STR("Sheaf"));
	json_put_text(&o, "version", c->version);
	put_endpoints(&o, c);
	PUT_NAMES(&o, "requestTypes", request_types);
	PUT_NAMES(&o, "answerTypes", answer_types);
	PUT_NAMES(&o, "modes", modes);
	PUT_NAMES(&o, "operations", operations);
	PUT_NAMES(&o, "preferences", preferences);
	json_put_text(&o, "bulkStatus",
	    c->always_200 ? STR("always-200") : STR("mixed-207"));
	put_idempotency(&o, c->idempotency_ttl);
	put_limits(&o, c->limits);
	json_end(&o);
	buf_putc(b, '\n');
}

/* ---- how a batch is getting on */

void
batch_path_put(struct buf *b, struct str prefix, struct str id, bool results)
{
	buf_put(b, prefix);
	BUF_LIT(b, BATCHES);
	buf_put(b, id);
	if (results)
		BUF_LIT(b, "/results");
}

/* How many operations have no result yet; 0 where that is not known. */
static uint64_t
pending(const struct batch_state *s)
{
	uint64_t total = s->sum.sum.total;

	return s->total > total && !s->ended ? s->total - total : 0;
}

static void
put_counts(struct json_object *o, const struct batch_state *s)
{
	const struct results_summary *sum = &s->sum;

	json_put_number(o, "total", sum->sum.total + pending(s));
	json_put_number(o, "success", sum->sum.success);
	json_put_number(o, "failed", sum->sum.failed);
	if (!s->ended)
		json_put_number(o, "pending", pending(s));
	json_put_number(o, "retryable", sum->sum.retryable);
	json_put_number(o, "replayed", sum->replayed);
	json_put_number(o, "notAttempted", sum->not_attempted);
	if (sum->retry_after >= 0)
		json_put_number(o, "retryAfter", (uint64_t)sum->retry_after);
	if (sum->dry_run)
		json_put_true(o, "dryRun");
	else
		json_put_false(o, "dryRun");
}

void
batch_summary_put(struct buf *b, const struct batch_state *s)
{
	struct json_object o = json_begin(b);

	put_counts(&o, s);
	json_end(&o);
}

void
batch_state_put(struct buf *b, const struct batch_state *s)
{
	struct buf part CLEANUP(buf_done) = { 0 };
	struct json_object o = json_begin(b);

	json_put_text(&o, "batchId", s->id);
	json_put_text(&o, "state", s->state);
	batch_summary_put(&part, s);
	put_json(&o, "summary", &part);
	json_put_date(&o, "createdAt", clock_seconds(s->created_at));
	if (s->ended_at)
		json_put_date(&o, "endedAt", clock_seconds(s->ended_at));
	if (s->has_results) {
		buf_clear(&part);
		batch_path_put(&part, s->prefix, s->id, true);
		json_put_text(&o, "results", buf_str(&part));
	}
	json_put_optional(&o, "error", s->error);
	json_end(&o);
	buf_putc(b, '\n');
}

/* ---- its results */

void
batch_results_begin(struct buf *b, struct str id, struct str state)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "batchId", id);
	json_put_text(&o, "state", state);
	BUF_LIT(b, ",\"results\":[");
}

void
batch_results_item(struct buf *b, const struct result_line *line, bool first)
{
	if (!first)
		buf_putc(b, ',');
	buf_putc(b, '\n');
	buf_putc(b, '{');
	buf_put(b, line->item);
}

void
batch_results_end(struct buf *b, const struct batch_state *s)
{
	BUF_LIT(b, "\n],\"summary\":");
	batch_summary_put(b, s);
	if (s->error.len) {
		BUF_LIT(b, ",\"error\":");
		json_put_string(b, s->error);
	}
	BUF_LIT(b, "}\n");
}

void
batch_results_line(struct buf *b, const struct batch_state *s)
{
	struct json_object o = json_begin(b);

	json_put_text(&o, "type", s->ended ? STR("summary") : STR("progress"));
	json_put_text(&o, "state", s->state);
	put_counts(&o, s);
	json_put_optional(&o, "error", s->error);
	json_end(&o);
	buf_putc(b, '\n');
}

/* Behind the string that begins at s.ptr[at]; s.len where it does not end. */
static size_t
behind_string(struct str s, size_t at)
{
	for (at++; at < s.len; at++) {
		if (s.ptr[at] == '"')
			return at + 1;
		if (s.ptr[at] == '\\')
			at++;
	}
	return s.len;
}

static bool
number_at(struct str s, size_t at, uint64_t *out)
{
	size_t end = at;

	while (end < s.len && ascii_is_digit(s.ptr[end]))
		end++;
	return str_to_u64(str_of(s.ptr + at, end - at), out);
}

/* The number in a member of the outermost object, whose '{' s is without. */
static bool
find_number(struct str s, struct str name, uint64_t *out)
{
	size_t at = 0, end, depth = 0;

	while (at < s.len) {
		char c = s.ptr[at];

		if (c != '"') {
			depth += c == '{' || c == '[';
			depth -= c == '}' || c == ']';
			at++;
			continue;
		}
		end = behind_string(s, at);
		if (!depth && end < s.len && s.ptr[end] == ':' &&
		    str_eq(str_of(s.ptr + at, end - at), name))
			return number_at(s, end + 1, out);
		at = end;
	}
	return false;
}

bool
result_line_read(struct str line, struct result_line *out)
{
	static const struct str start = STR_INIT("{\"type\":\"result\",");
	uint64_t status = 0;

	if (!str_starts(line, start) || !str_ends(line, STR("}")))
		return false;
	out->item = str_skip(line, start.len);
	if (!find_number(out->item, STR("\"index\""), &out->index) ||
	    !find_number(out->item, STR("\"status\""), &status))
		return false;
	out->status = (unsigned)status;
	return true;
}
