/* SPDX-License-Identifier: MIT */
/*
 * What the readers of a 207 have in common: reader.c picks the form, minds the
 * limit of bytes and the end; a form finds the items.  For wire/ alone.
 */
#ifndef SHEAF_WIRE_READER_IMPL_H
#define SHEAF_WIRE_READER_IMPL_H

#include "wire/reader.h"
#include "wire/reader_sniff.h"

struct reader_form;

struct reader_form_ops {
	const char *name;
	/*
	 * Takes all of bytes, or fails; after a failure only place() and free()
	 * are called.  ERR_BAD_ANSWER and ERR_TOO_LARGE have line and column in
	 * front of err->tell; else ERR_NOMEM, or what reader_put() returned.
	 */
	enum err_code (*feed)(
	    struct reader_form *f, struct str bytes, struct err *err);
	/*
	 * After the last byte, also where more should have come: then what is
	 * not yet put is put, as far as it is whole.  ERR_CUT_SHORT, with the
	 * place: it ends too early, or has no summary where it must.  Else as
	 * feed().  Sets claims, claimed and contradicts in f->reader->reading.
	 */
	enum err_code (*end)(struct reader_form *f, struct err *err);
	/* Where it is, both from 1. */
	void (*place)(
	    const struct reader_form *f, uint64_t *line, uint64_t *column);
	void (*free)(struct reader_form *f);
};

/* The base of every form, placed first in it. */
struct reader_form {
	const struct reader_form_ops *ops;
	struct reader *reader; /* its limits and its reading */
};

struct reader {
	struct ostream stream;
	struct reader_limits limits;
	struct sink *to;
	struct reading reading;
	struct sniffer sniffer;
	struct buf held; /* until the shape is known */
	struct reader_form *form; /* NULL until then */
	bool form_failed;
};

/* Asserts that all functions are there. */
void reader_form_init(
    struct reader_form *f, const struct reader_form_ops *ops, struct reader *r);

/*
 * Counts the outcome, which has a `told`, and puts it into the sink.  Returns
 * the sink's failure, which the form returns in turn.
 */
enum err_code
reader_put(struct reader *r, const struct outcome *o, struct err *err) MUST_USE;

/* ERR_NOMEM. */
enum err_code reader_xml_new(
    struct reader *r, struct reader_form **out, struct err *err) MUST_USE;

/* r->reading.shape says which of the three shapes of JSON.  ERR_NOMEM. */
enum err_code reader_json_new(
    struct reader *r, struct reader_form **out, struct err *err) MUST_USE;

#endif
