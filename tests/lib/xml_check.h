/* SPDX-License-Identifier: MIT */
/* Reads XML that we wrote, with expat alone: not with our own reader. */
#ifndef SHEAF_TESTS_XML_CHECK_H
#define SHEAF_TESTS_XML_CHECK_H

#include "base/buf.h"
#include "base/str.h"

/* NULL, or what keeps it from being namespace-well-formed. */
const char *xml_problem(struct str document);

/*
 * Appends its elements and text as "{ns}name(text{ns}name())", so that two
 * documents that mean the same have the same outline, and a test can look for
 * what should be in it.  Attributes stand as "{ns}name@attr=value(...)".  What
 * xml_problem() says is returned.
 */
const char *xml_outline(struct str document, struct buf *out);

#endif
