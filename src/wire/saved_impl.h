/* SPDX-License-Identifier: MIT */
/* A reader for each way to save an answer; for saved.c alone. */
#ifndef SHEAF_WIRE_SAVED_IMPL_H
#define SHEAF_WIRE_SAVED_IMPL_H

#include "wire/saved.h"

struct saved_form;

struct saved_form_ops {
	const char *name;
	enum err_code (*feed)(
	    struct saved_form *f, struct str bytes, struct err *err);
	/* After the last byte; not after a failure. */
	enum err_code (*end)(struct saved_form *f, struct err *err);
	void (*free)(struct saved_form *f);
};

/* The base of every form, placed first in it. */
struct saved_form {
	const struct saved_form_ops *ops;
	const struct saved_events *events;
	void *arg;
};

/* Raw responses, one or several behind each other. */
enum err_code saved_http_new(const struct saved_events *events, void *arg,
    struct saved_form **out, struct err *err) MUST_USE;

/* An archive. */
enum err_code saved_har_new(const struct saved_events *events, void *arg,
    struct saved_form **out, struct err *err) MUST_USE;

#endif
