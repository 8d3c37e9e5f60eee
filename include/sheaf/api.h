/* SPDX-License-Identifier: MIT */
/*
 * What every public header needs.  Nothing here is for callers to use.
 *
 * SHEAF_MUST_USE stands before each function whose result says whether all
 * went well: a compiler warns where it is thrown away, and with
 * -Werror=unused-result refuses.
 */
#ifndef SHEAF_API_H
#define SHEAF_API_H

#if defined(__GNUC__)
#define SHEAF_API __attribute__((visibility("default")))
#else
#define SHEAF_API
#endif

#if defined(__cplusplus) && __cplusplus >= 201703L
#define SHEAF_MUST_USE [[nodiscard]]
#elif defined(__GNUC__)
#define SHEAF_MUST_USE __attribute__((warn_unused_result))
#else
#define SHEAF_MUST_USE
#endif

#ifdef __cplusplus
#define SHEAF_BEGIN extern "C" {
#define SHEAF_END }
#else
#define SHEAF_BEGIN
#define SHEAF_END
#endif

#endif
