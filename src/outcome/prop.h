/* SPDX-License-Identifier: MIT */
/*
 * Properties (RFC 4918 s4): a name, and a value in one of a few forms that a
 * writer turns into XML or JSON.  Everything is borrowed.
 */
#ifndef SHEAF_OUTCOME_PROP_H
#define SHEAF_OUTCOME_PROP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/str.h"
#include "http/path.h"

#define DAV_NS STR("DAV:")

/* An expanded name (XML Namespaces s2.1).  ns may be empty: no namespace. */
struct prop_name {
	struct str ns;
	struct str local;
};

static inline bool
prop_name_eq(struct prop_name a, struct prop_name b)
{
	return str_eq(a.local, b.local) && str_eq(a.ns, b.ns);
}

enum prop_form {
	PROP_EMPTY = 0, /* no value: propname, or a refused property */
	PROP_TEXT, /* value: UTF-8 text, not escaped */
	PROP_NUMBER, /* number */
	PROP_NAMES, /* names: empty child elements (resourcetype) */
	PROP_HREF, /* value: an encoded href, in a DAV:href child */
	PROP_XML, /* value: the whole property element, serialised */
	PROP_LOCKS, /* locks (lockdiscovery) */
	PROP_LOCK_KINDS, /* the kinds of lock there are (supportedlock) */
};

/* A write lock, as clients are shown it (RFC 4918 s14.1). */
struct prop_lock {
	bool shared; /* else exclusive */
	bool deep; /* Depth: infinity */
	struct str owner; /* DAV:owner as PROP_XML has it; empty: not given */
	uint64_t seconds; /* until it ends */
	struct str token; /* a URI */
	struct rpath root;
	bool collection; /* the root is one */
};

/*
 * PROP_XML holds the property's own element, not only what is in it, so that
 * its attributes (xml:lang) are kept: namespace-well-formed on its own, every
 * prefix it uses declared inside it, UTF-8.  A property whose element has no
 * attributes and only text is PROP_TEXT, never PROP_XML.
 */
struct prop {
	struct prop_name name;
	enum prop_form form;
	struct str value;
	uint64_t number;
	const struct prop_name *names;
	size_t n_names;
	const struct prop_lock *locks;
	size_t n_locks;
};

/*
 * Properties that share a status (RFC 4918 s14.22).  why is what made it fail
 * (ERR_OK: nothing did); its precondition element and its text come from
 * there.
 */
struct propstat {
	unsigned status;
	enum err_code why;
	const struct prop *props;
	size_t n_props;
	/*
	 * Of outcomes with `told` only: DAV:error, and a sentence for people.
	 */
	struct str error;
	struct str tell;
};

/*
 * A change of one property, as PROPPATCH bodies hold it and stores take it.
 * prop.form is PROP_EMPTY in a removal; else PROP_TEXT or PROP_XML as above.
 * To remove what is not there succeeds.
 */
struct prop_change {
	bool remove;
	struct prop prop;
};

#endif
