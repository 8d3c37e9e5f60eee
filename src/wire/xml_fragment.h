/* SPDX-License-Identifier: MIT */
/*
 * Whether a string that somebody sent is what PROP_XML is (outcome/prop.h): one
 * element, namespace-well-formed on its own, that may be put into a document.
 */
#ifndef SHEAF_WIRE_XML_FRAGMENT_H
#define SHEAF_WIRE_XML_FRAGMENT_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/err.h"
#include "outcome/prop.h"

/*
 * *is: text is an element of that name, with attributes or elements in it.
 * Fails only with ERR_NOMEM.
 */
enum err_code xml_fragment_check(
    struct str text, struct prop_name name, bool *is, struct err *err) MUST_USE;

#endif
