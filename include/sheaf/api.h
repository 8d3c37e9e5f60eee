/* SPDX-License-Identifier: MIT */
/* What every public header needs.  Nothing here is for callers to use. */
#ifndef SHEAF_API_H
#define SHEAF_API_H

#if defined(__GNUC__)
#define SHEAF_API __attribute__((visibility("default")))
#else
#define SHEAF_API
#endif

#ifdef __cplusplus
#define SHEAF_BEGIN extern "C" {
#define SHEAF_END }
#else
#define SHEAF_BEGIN
#define SHEAF_END
#endif

#endif
