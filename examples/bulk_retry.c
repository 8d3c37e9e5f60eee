/* SPDX-License-Identifier: MIT */
/*
 * Sends many operations in one request, reads the 207, and sends again only
 * what may and should be sent again, when the server is ready for it.
 *
 *	bulk_retry URL KEY <OPERATIONS
 *
 * An operation is a line: ID METHOD HREF [ID of one that has to be done first].
 * KEY makes each of them safe to repeat: the server does what has the same key
 * only once.
 *
 * Exit status: 0 if every operation is proven done, 3 if some failed, 6 if what
 * became of some is not known, 1 if it could not go on.
 */
#define _POSIX_C_SOURCE 200809L

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <curl/curl.h>

#include <sheaf/sheaf.h>

#define MOST_OPERATIONS 1000

struct operation {
	char id[128], method[16], href[1024], after[128];
	bool sending; /* in this round */
};

struct batch {
	const char *url, *key;
	struct operation ops[MOST_OPERATIONS];
	size_t n;
	struct sheaf_plan *plan;
};

/* ------------------------------------------------------------ operations */

static bool
add_to_plan(struct batch *b, const struct operation *op)
{
	const char *const after[] = { op->after };
	struct sheaf_operation o = SHEAF_OPERATION_INIT;

	o.id = op->id;
	o.href = op->href;
	o.method = op->method;
	o.keyed = true;
	o.depends_on = after;
	o.n_depends_on = *op->after ? 1 : 0;
	return sheaf_plan_add(b->plan, &o) == SHEAF_OK;
}

/* What would need escaping in JSON is refused: this is an example. */
static bool
read_operations(struct batch *b, FILE *in)
{
	char line[2048];

	while (fgets(line, sizeof(line), in)) {
		struct operation *op = &b->ops[b->n];

		if (b->n == MOST_OPERATIONS || strpbrk(line, "\"\\") ||
		    sscanf(line, "%127s %15s %1023s %127s", op->id, op->method,
			op->href, op->after) < 3 ||
		    !add_to_plan(b, op)) {
			fprintf(stderr, "cannot take the line: %s", line);
			return false;
		}
		op->sending = true;
		b->n++;
	}
	return true;
}

/* --------------------------------------------------------------- request */

static bool
is_sent(const struct batch *b, const char *id)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (!strcmp(b->ops[i].id, id))
			return b->ops[i].sending;
	return false;
}

static void
write_request(const struct batch *b, FILE *out)
{
	const char *comma = "";
	size_t i;

	fprintf(out, "{\"operations\":[");
	for (i = 0; i < b->n; i++) {
		const struct operation *op = &b->ops[i];

		if (!op->sending)
			continue;
		fprintf(out,
		    "%s{\"id\":\"%s\",\"method\":\"%s\",\"url\":\"%s\","
		    "\"idempotencyKey\":\"%s/%s\"",
		    comma, op->id, op->method, op->href, b->key, op->id);
		/* One that is done already need not be waited for. */
		if (is_sent(b, op->after))
			fprintf(out, ",\"dependsOn\":[\"%s\"]", op->after);
		fprintf(out, "}");
		comma = ",";
	}
	fprintf(out, "]}");
}

static size_t
on_bytes(char *bytes, size_t size, size_t n, void *reader)
{
	/* A failure sticks, and is heard of at the end. */
	if (sheaf_reader_feed(reader, bytes, size * n))
		return 0;
	return size * n;
}

static CURL *
prepare(const struct batch *b, const char *body, struct curl_slist *header,
    struct sheaf_reader *reader)
{
	CURL *curl = curl_easy_init();

	if (!curl)
		return NULL;
	curl_easy_setopt(curl, CURLOPT_URL, b->url);
	curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, header);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, reader);
	curl_easy_setopt(curl, CURLOPT_FAILONERROR, 1L);
	return curl;
}

/* Sends it and reads the answer; the plan takes each item as it comes. */
static enum sheaf_result
send_body(struct batch *b, const char *body)
{
	struct curl_slist *header =
	    curl_slist_append(NULL, "Content-Type: application/json");
	struct sheaf_reader *reader;
	enum sheaf_result result;
	CURL *curl;
	CURLcode code = CURLE_OUT_OF_MEMORY;

	result = sheaf_reader_new(NULL, sheaf_plan_item, b->plan, &reader);
	if (result)
		return result;
	curl = prepare(b, body, header, reader);
	if (curl)
		code = curl_easy_perform(curl);
	if (code)
		fprintf(stderr, "%s\n", curl_easy_strerror(code));
	result = sheaf_reader_end(reader, code != CURLE_OK, NULL);
	curl_easy_cleanup(curl);
	curl_slist_free_all(header);
	sheaf_reader_free(reader);
	return result;
}

/*
 * Whatever the result, the plan knows of each operation what was said of it; of
 * what was not mentioned it knows that, too.
 */
static bool
send_round(struct batch *b)
{
	char *body = NULL;
	size_t size;
	FILE *out = open_memstream(&body, &size);
	enum sheaf_result result;

	if (!out)
		return false;
	write_request(b, out);
	if (fclose(out)) {
		free(body);
		return false;
	}
	result = send_body(b, body);
	free(body);
	return result != SHEAF_NOMEM && result != SHEAF_INVALID;
}

/* ------------------------------------------------------------ what is next */

/* Those to be sent again, and behind them those that wait for them. */
static size_t
choose(struct batch *b)
{
	size_t n = 0, i;

	for (i = 0; i < b->n; i++) {
		const struct sheaf_step *s = sheaf_plan_step(b->plan, i);

		b->ops[i].sending = s->kind == SHEAF_STEP_SEND ||
		    (s->kind == SHEAF_STEP_WAIT && s->cause != SHEAF_NO_CAUSE &&
			s->cause < i && b->ops[s->cause].sending);
		n += b->ops[i].sending;
	}
	return n;
}

static void
mark_sent(struct batch *b)
{
	size_t i;

	for (i = 0; i < b->n; i++)
		if (b->ops[i].sending &&
		    sheaf_plan_sent_one(b->plan, i) != SHEAF_OK)
			abort(); /* only what is done cannot be sent */
}

static void
sleep_ms(int64_t ms)
{
	struct timespec t;

	t.tv_sec = (time_t)(ms / 1000);
	t.tv_nsec = (long)(ms % 1000) * 1000000;
	while (nanosleep(&t, &t))
		continue;
}

static int64_t
now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Rounds until nothing is left that may be sent by itself. */
static bool
run(struct batch *b)
{
	int64_t wait;
	size_t n;

	for (;;) {
		if (!send_round(b))
			return false;
		if (sheaf_plan_decide(b->plan, now_ms()) == SHEAF_OK)
			return true;
		n = choose(b);
		if (!n)
			return true;
		(void)sheaf_plan_to_send(b->plan, &wait);
		fprintf(stderr, "sending %lu again in %ld ms\n",
		    (unsigned long)n, (long)wait);
		sleep_ms(wait);
		mark_sent(b);
	}
}

static int
report(const struct batch *b)
{
	int status = 0;
	size_t i;

	for (i = 0; i < b->n; i++) {
		const struct sheaf_step *s = sheaf_plan_step(b->plan, i);

		if (s->kind == SHEAF_STEP_DONE)
			continue;
		printf("%s %s %s: %u %s; %s\n", s->id, s->method, s->href,
		    (unsigned)s->status,
		    s->status ? sheaf_status_reason(s->status) : "unknown",
		    s->why);
		if (s->kind == SHEAF_STEP_LOOK)
			status = 6;
		else if (!status)
			status = 3;
	}
	return status;
}

int
main(int argc, char **argv)
{
	static struct batch b;
	int status = 1;

	if (argc != 3) {
		fprintf(stderr, "usage: bulk_retry URL KEY <OPERATIONS\n");
		return 2;
	}
	b.url = argv[1];
	b.key = argv[2];
	if (curl_global_init(CURL_GLOBAL_DEFAULT))
		return 1;
	if (sheaf_plan_new(NULL, &b.plan) == SHEAF_OK &&
	    read_operations(&b, stdin) && run(&b))
		status = report(&b);
	sheaf_plan_free(b.plan);
	curl_global_cleanup();
	return status;
}
