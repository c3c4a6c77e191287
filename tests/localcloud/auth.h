/*
 * Access tokens: what /token and the metadata server hand out, and the check of `--require-auth`. Thread-safe.
 */
#ifndef LOCALCLOUD_AUTH_H
#define LOCALCLOUD_AUTH_H

#include "tests/localcloud/http.h"

struct auth;
struct jwt_key;

/* key_file: a service account's key file whose key signs the JWTs, or NULL (any signature passes). */
int auth_new(int64_t lifetime_s, const char *key_file, struct auth **ret, struct api_error *err);
void auth_free(struct auth *a);

/* 401 unless the header bears a token of ours that has not expired. */
int auth_check(struct auth *a, const char *authorization, struct api_error *err);
void auth_expire_all(struct auth *a);

/* Handlers. */
int oauth_token(struct exchange *ex, struct api_error *err);
int metadata_get(struct exchange *ex, struct api_error *err);

/* New reference: {"access_token","expires_in","token_type"}. */
json_t *auth_issue(struct auth *a);
/* The key that signs JWTs, borrowed, or NULL. */
const struct jwt_key *auth_key(const struct auth *a);

#endif
