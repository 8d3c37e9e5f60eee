/* SPDX-License-Identifier: MIT */
/*
 * The conformance suite of stores: what store.h promises, as tests that run on
 * every implementation.  Each test gets an empty store as its state.
 *
 * The helpers fail the test when something is not as they say.
 */
#ifndef SHEAF_TESTS_STORE_SUITE_H
#define SHEAF_TESTS_STORE_SUITE_H

#include "lib/test.h"

#include "store/store.h"

/* A literal, or a string of the test's own, as a path. */
static inline struct rpath
at(const char *path)
{
	return (struct rpath){ str_from_c(path) };
}

/* In the call, err is where its details go. */
#define assert_ok(call)                                                     \
	do {                                                                \
		struct err details_ = { 0 };                                \
		struct err *err = &details_;                                \
		enum err_code rc_ = (call);                                 \
		check_outcome(#call, rc_, err, ERR_OK, __FILE__, __LINE__); \
	} while (0)

#define assert_fails(call, want)                                          \
	do {                                                              \
		struct err details_ = { 0 };                              \
		struct err *err = &details_;                              \
		enum err_code rc_ = (call);                               \
		check_outcome(#call, rc_, err, want, __FILE__, __LINE__); \
	} while (0)

/* Fails the test unless the call ended with `want`, and err names the same. */
void check_outcome(const char *call, enum err_code rc, const struct err *err,
    enum err_code want, const char *file, int line);

/* Makes an upload, in two writes, and commits it. */
enum err_code put(struct store *s, const char *path, struct str bytes,
    const struct guard *g, bool *created, struct err *err);

void must_put(struct store *s, const char *path, const char *text);
void must_mkcol(struct store *s, const char *path);
struct resource must_stat(struct store *s, const char *path);
void must_have(struct store *s, const char *path, const char *text);
void must_lack(struct store *s, const char *path);

/* Sets one property in the namespace "urn:t", with a value of text. */
void must_set_prop(
    struct store *s, const char *path, const char *name, const char *value);

/*
 * Fails the test unless the properties are these: "name=value;...", in order.
 */
void must_have_props(struct store *s, const char *path, const char *want);

/*
 * A walk as one string, its lines sorted: "/a/\n/a/f\n", failed ones followed
 * by " FORBIDDEN".  The caller's until the next call.
 */
const char *walk_text(
    struct store *s, const char *root, enum depth depth, enum walk_order order);

/* Removes everything but the root, by a WALK_UP. */
void must_clear(struct store *s);

/* A guard that returns `say` and notes what it was asked. */
struct probe {
	enum err_code say;
	unsigned asked;
	bool mapped;
	struct resource now;
	bool comes; /* from elsewhere */
	struct resource from;
};

struct guard probe_guard(struct probe *p);

/* The suite is made of these tables. */
struct tests {
	const struct CMUnitTest *rows;
	size_t n;
};

extern const struct tests apply_tests;
extern const struct tests apply_kept_tests;
extern const struct tests apply_race_tests;
extern const struct tests read_tests;
extern const struct tests write_tests;
extern const struct tests copy_tests;
extern const struct tests prop_tests;
extern const struct tests walk_tests;
extern const struct tests race_tests;
extern const struct tests alloc_tests;
extern const struct tests record_tests;
extern const struct tests lock_tests;
extern const struct tests lock_end_tests;
extern const struct tests locked_tests;
extern const struct tests lock_race_tests;
extern const struct tests lock_alloc_tests;

#endif
