/*
 * The OAuth access token of some credentials, kept in memory and fetched
 * again 3 min 45 s before it expires (the metadata server hands out the same
 * one until then).
 */
#ifndef SLUICE_LIB_GOOGLE_TOKEN_H
#define SLUICE_LIB_GOOGLE_TOKEN_H

#include <stdint.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/google/credentials.h"
#include "lib/google/http.h"

struct token {
	const struct credentials *credentials; /* borrowed */
	struct http_client *client;            /* borrowed */
	char *value;                           /* NULL: none yet */
	int64_t refresh_ms;                    /* monotonic: fetch again from then on */
};

void token_init(struct token *t, const struct credentials *credentials, struct http_client *client);
void token_release(struct token *t);

/*
 * *ret is the token, lent until the next call; NULL when authentication is
 * off. ERR_PERM when Google refuses the credentials (invalid_grant …), with
 * its description; ERR_TEMP when it cannot be reached or is busy: one
 * attempt is made, api.h is who tries again.
 */
int token_get(struct token *t, const char **ret, struct error *err)
	__attribute__((warn_unused_result));

/* The server did not accept it (401): fetch a new one at the next token_get. */
void token_invalidate(struct token *t);

/*
 * The signed assertion of a service account, for the JWT-bearer grant
 * (RFC 7523); now_s is Unix time. Appended to out.
 */
int token_assertion(const struct credentials *c, int64_t now_s, struct buf *out, struct error *err)
	__attribute__((warn_unused_result));

#endif
