/* SPDX-License-Identifier: MIT */
/*
 * The file that ftp(1) knows as .netrc: user names and passwords by host.  It
 * is made of words between white space, or in quotes with backslash escapes.
 * A '#' at the start of a word begins a comment; macros are passed over.
 */
#ifndef SHEAF_CLIENT_NETRC_H
#define SHEAF_CLIENT_NETRC_H

#include <stdbool.h>

#include "base/attr.h"
#include "base/buf.h"
#include "base/str.h"

/*
 * The first entry for the host (ASCII case does not matter), or the default
 * one, that has a password and, where user is not empty, that login.  False:
 * there is none; login and password are then to be ignored.
 */
bool netrc_find(struct str text, struct str host, struct str user,
    struct buf *login, struct buf *password) MUST_USE;

#endif
