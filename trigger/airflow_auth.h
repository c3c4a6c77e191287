/*
 * Who we are to an Airflow: the value of the Authorization header, from a
 * token, or a name and its password. Secrets come from files and the
 * environment, never from the command line, and are wiped.
 */
#ifndef SLUICE_TRIGGER_AIRFLOW_AUTH_H
#define SLUICE_TRIGGER_AIRFLOW_AUTH_H

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/google/api.h"
#include "trigger/airflow.h"

struct airflow_identity {
	enum airflow_auth auth; /* no longer the default */
	const struct airflow_options *options;
	struct buf password;
	struct buf header; /* "Bearer …", "Basic …"; empty: none, or the api's own */
};

/* What is used, by what is given; reads password or token. ERR_CONFIG. */
int airflow_identity_init(struct airflow_identity *i, const struct airflow_options *options,
			  struct error *err) __attribute__((warn_unused_result));
void airflow_identity_release(struct airflow_identity *i);

/* It carries secrets, which may not travel in clear text. */
bool airflow_identity_is_secret(const struct airflow_identity *i);

/*
 * Make the header anew, once the version is known and after a 401: a token's
 * file is read again, a password exchanged for a new token (v2, at
 * {root}/auth/token). 1: it may be another now. 0: it is not. ERR_PERM: they
 * are refused.
 */
int airflow_identity_renew(struct airflow_identity *i, struct api *api,
			   enum airflow_version version, struct error *err)
	__attribute__((warn_unused_result));

#endif
