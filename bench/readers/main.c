/* SPDX-License-Identifier: MIT */
/*
 * readers NAME MIB: reads a document of about so many MiB and prints what it
 * took: "items failed propstats props bytes-of-text bytes seconds kib-at-an-8th
 * kib-at-the-end", the last two the most resident memory so far.
 */
#include "readers.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PIECE ((size_t)4 << 20)
#define MIB ((uint64_t)1 << 20)

static long at_an_8th;

/* Of this program alone: getrusage() counts what started it, too. */
static long
peak_kib(void)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[256];
	long kib = 0;

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "VmHWM:", 6))
			kib = strtol(line + 6, NULL, 10);
	if (f)
		fclose(f);
	return kib;
}

static const char *
part(struct source *s, const char *bytes, size_t len, size_t *n)
{
	*n = len - s->at < SOURCE_STEP ? len - s->at : SOURCE_STEP;
	s->at += *n;
	if (s->at == len) {
		s->at = 0;
		s->done += s->part == 1;
		if (s->part != 1 || s->done == s->repeats)
			s->part++;
	}
	return bytes + (s->at ? s->at : len) - *n;
}

const char *
source_next(struct source *s, size_t *n)
{
	if (!at_an_8th && s->done * 8 >= s->repeats)
		at_an_8th = peak_kib();
	switch (s->part) {
	case 0:
		return part(s, s->head, s->head_len, n);
	case 1:
		return part(s, s->piece, s->piece_len, n);
	case 2:
		return part(s, s->tail, s->tail_len, n);
	default:
		*n = 0;
		return NULL;
	}
}

void
text_add(struct text *t, const char *bytes, size_t n)
{
	if (n > sizeof(t->at) - t->len)
		n = sizeof(t->at) - t->len;
	memcpy(t->at + t->len, bytes, n);
	t->len += n;
}

unsigned
status_number(const struct text *t)
{
	const char *space = memchr(t->at, ' ', t->len);
	unsigned n = 0;

	for (; space && ++space < t->at + t->len && *space >= '0' &&
	     *space <= '9';)
		n = n * 10 + (unsigned)(*space - '0');
	return n;
}

/* ------------------------------------------------------------- documents */

static int
put_xml(char *at, size_t room, unsigned i)
{
	if (i % 50 == 49)
		return snprintf(at, room,
		    "<D:response><D:href>/library/%05u/locked-%u.dat</D:href>"
		    "<D:status>HTTP/1.1 423 Locked</D:status></D:response>\n",
		    i / 100, i);
	return snprintf(at, room,
	    "<D:response><D:href>/library/%05u/photo%%20no-%u.jpeg</D:href>"
	    "<D:propstat><D:prop><D:resourcetype/>"
	    "<D:getcontentlength>%u</D:getcontentlength>"
	    "<D:getlastmodified>Sat, 21 Nov 2026 08:%02u:%02u GMT"
	    "</D:getlastmodified><D:getetag>\"%x-%x\"</D:getetag>"
	    "<x:title xmlns:x=\"urn:example:photos\">Fjord &amp; fell, no. %u"
	    "</x:title></D:prop><D:status>HTTP/1.1 200 OK</D:status>"
	    "</D:propstat>%s</D:response>\n",
	    i / 100, i, i * 7919u, i % 60, i % 59, i * 2654435761u, i, i,
	    i % 10
		? ""
		: "<D:propstat><D:prop><D:displayname/></D:prop>"
		  "<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>");
}

static int
put_json(char *at, size_t room, unsigned i)
{
	if (i % 50 == 49)
		return snprintf(at, room,
		    "{\"id\":\"op%u\",\"index\":%u,\"status\":423,"
		    "\"href\":\"/library/%05u/locked-%u.dat\","
		    "\"error\":\"Locked\",\"retryable\":true},\n",
		    i, i, i / 100, i);
	return snprintf(at, room,
	    "{\"id\":\"op%u\",\"index\":%u,\"status\":201,"
	    "\"href\":\"/library/%05u/photo%%20no-%u.jpeg\","
	    "\"message\":\"Created\"},\n",
	    i, i, i / 100, i);
}

/* The document as a source, and what is in it. */
static void
make(struct source *s, bool json, uint64_t bytes)
{
	static char piece[PIECE];
	static char tail[512];
	size_t len = 0;
	unsigned i = 0;

	while (len + 1024 < PIECE && (len < bytes || i % 50))
		len += (size_t)(json ? put_json : put_xml)(
		    piece + len, PIECE - len, i++);
	s->piece = piece;
	s->piece_len = len;
	s->repeats = bytes / len ? bytes / len : 1;
	s->head = json ? "{\"results\":[\n"
		       : "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			 "<D:multistatus xmlns:D=\"DAV:\">\n";
	(void)snprintf(tail, sizeof(tail), "%s",
	    json ? "{\"id\":\"last\",\"index\":0,\"status\":200,"
		   "\"href\":\"/last\",\"message\":\"OK\"}]}\n"
		 : "</D:multistatus>\n");
	s->tail = tail;
	s->head_len = strlen(s->head);
	s->tail_len = strlen(tail);
}

/* Processor time: what else runs on the machine matters less. */
static double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		reader_fn *read;
		bool json;
	} readers[] = {
		{ "sheaf-xml", read_sheaf, false },
		{ "neon", read_neon, false },
		{ "libxml2-sax2", read_libxml_sax, false },
		{ "libxml2-xmlreader", read_libxml_reader, false },
		{ "sheaf-json", read_sheaf, true },
		{ "yajl", read_yajl, true },
		{ "jansson", read_jansson, true },
	};
	uint64_t mib = argc == 3 ? strtoull(argv[2], NULL, 10) : 0;
	struct counts c = { .items = 0 };
	struct source s = { .part = 0 };
	double begun;
	size_t i;

	for (i = 0; i < sizeof(readers) / sizeof(readers[0]); i++)
		if (argc == 3 && !strcmp(argv[1], readers[i].name))
			break;
	if (i == sizeof(readers) / sizeof(readers[0]) || !mib) {
		fprintf(stderr, "usage: readers NAME MIB\n");
		return 2;
	}
	make(&s, readers[i].json, mib * MIB);
	begun = now();
	if (!readers[i].read(&s, &c)) {
		fprintf(stderr, "%s could not read it\n", argv[1]);
		return 1;
	}
	printf("%llu %llu %llu %llu %llu %llu %.6f %ld %ld\n",
	    (unsigned long long)c.items, (unsigned long long)c.failed,
	    (unsigned long long)c.propstats, (unsigned long long)c.props,
	    (unsigned long long)c.bytes,
	    (unsigned long long)(s.head_len + s.tail_len +
		s.piece_len * s.repeats),
	    now() - begun, at_an_8th, peak_kib());
	return 0;
}
