/*
 * The JSON Web Token of the jwt-bearer grant: shape, claims and, when a key file was given, its RS256 signature.
 * The only file that uses OpenSSL is jwt.c.
 */
#ifndef LOCALCLOUD_JWT_H
#define LOCALCLOUD_JWT_H

#include "tests/localcloud/api_error.h"

struct jwt_key;

/* A service account's JSON key file: its client_email and the public half of its private_key. */
int jwt_key_read(const char *path, struct jwt_key **ret, struct api_error *err);
void jwt_key_free(struct jwt_key *key);

/* NULL when the assertion is good, else what is wrong with it. key may be NULL. */
const char *jwt_check(const char *assertion, const struct jwt_key *key);

#endif
