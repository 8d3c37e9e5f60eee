/* SPDX-License-Identifier: MIT */
/* What went wrong, in words: libcurl's codes are many and say little. */
#include "client/client_impl.h"

/* When a failure happens; call->now.sent says whether a request was sent. */
enum phase {
	PHASE_AS_SENT, /* before a request is sent, or after */
	PHASE_BEFORE, /* before; one may have been sent earlier */
	PHASE_BAD, /* what came is no HTTP */
	PHASE_MEMORY,
};

/* passes: the same request may get further another time. */
static const struct {
	CURLcode code;
	enum phase phase;
	bool passes;
	const char *what, *advice;
} rows[] = {
	{ CURLE_COULDNT_RESOLVE_HOST, PHASE_BEFORE, false,
	    "there is no such host", "" },
	{ CURLE_COULDNT_RESOLVE_PROXY, PHASE_BEFORE, false,
	    "there is no such proxy", "; see --proxy" },
	{ CURLE_COULDNT_CONNECT, PHASE_BEFORE, true, "cannot connect", "" },
	{ CURLE_PROXY, PHASE_BEFORE, true, "the proxy refused", "" },
	{ CURLE_PEER_FAILED_VERIFICATION, PHASE_BEFORE, false,
	    "its certificate is not trusted",
	    "; --cacert FILE trusts the authority that signed it" },
	{ CURLE_SSL_ISSUER_ERROR, PHASE_BEFORE, false,
	    "its certificate is not trusted",
	    "; --cacert FILE trusts the authority that signed it" },
	{ CURLE_SSL_CACERT_BADFILE, PHASE_BEFORE, false,
	    "the file of trusted certificates cannot be used",
	    "; see --cacert" },
	{ CURLE_SSL_CERTPROBLEM, PHASE_BEFORE, false,
	    "the client certificate cannot be used", "; see --cert and --key" },
	{ CURLE_SSL_CONNECT_ERROR, PHASE_BEFORE, true, "TLS failed", "" },
	{ CURLE_SSL_CIPHER, PHASE_BEFORE, false, "TLS failed", "" },
	{ CURLE_UNSUPPORTED_PROTOCOL, PHASE_BAD, false,
	    "the answer is no HTTP/1 or HTTP/2", "" },
	{ CURLE_WEIRD_SERVER_REPLY, PHASE_BAD, false, "the answer is malformed",
	    "" },
	{ CURLE_BAD_CONTENT_ENCODING, PHASE_BAD, false,
	    "the answer's compression is broken", "" },
	{ CURLE_OUT_OF_MEMORY, PHASE_MEMORY, false, "out of memory", "" },
	{ CURLE_PARTIAL_FILE, PHASE_AS_SENT, true, "the answer was cut short",
	    "" },
	{ CURLE_GOT_NOTHING, PHASE_AS_SENT, true,
	    "the server closed the connection and did not answer", "" },
	{ CURLE_OPERATION_TIMEDOUT, PHASE_AS_SENT, true, "it took too long",
	    "" },
};

static const char stalled_text[] =
    "nothing was sent or received for %lld s; see --timeout";

static size_t
find(CURLcode code)
{
	size_t i = 0;

	while (i < ARRAY_LEN(rows) && rows[i].code != code)
		i++;
	return i;
}

bool
failure_may_pass(CURLcode code)
{
	size_t i = find(code);

	return i == ARRAY_LEN(rows) || rows[i].passes;
}

static enum err_code
code_of(const struct call *call, enum phase phase)
{
	enum err_code as_sent =
	    call->now.sent ? ERR_CUT_SHORT : ERR_UNREACHABLE;

	switch (phase) {
	case PHASE_BAD:
		return call->now.sent ? ERR_BAD_ANSWER : ERR_UNREACHABLE;
	case PHASE_MEMORY:
		return ERR_NOMEM;
	case PHASE_BEFORE:
	case PHASE_AS_SENT:
		break;
	}
	return as_sent;
}

/* Words in front of libcurl's own, where those do not say how far it got. */
static const char *
between(const struct call *call)
{
	if (!call->now.sent)
		return "";
	return call->now.head_whole ? "the answer was cut short: "
				    : "no answer came: ";
}

enum err_code
failure_of(const struct call *call, CURLcode code, struct err *err)
{
	const char *host = call->origin->key;
	const char *said = call->now.said;
	size_t i = find(code);
	enum err_code rc =
	    code_of(call, i < ARRAY_LEN(rows) ? rows[i].phase : PHASE_AS_SENT);

	/* libcurl says "out of memory" of a head that is too long for it. */
	if (rc == ERR_NOMEM && call->now.status && !call->now.head_whole)
		return err_set(err, ERR_BAD_ANSWER,
		    "%s: the head of the answer is too long", host);
	if (rc == ERR_NOMEM)
		return err_nomem(err);
	if (!*said)
		said = call->client->curl.easy_strerror(code);
	if (call->now.stalled)
		return err_set(err, rc, stalled_text,
		    (long long)(call->client->o.stall_timeout / 1000000000));
	if (i == ARRAY_LEN(rows))
		return err_set(
		    err, rc, "%s: %s%.110s", host, between(call), said);
	return err_set(err, rc, "%s: %s (%.90s)%s", host, rows[i].what, said,
	    rows[i].advice);
}
