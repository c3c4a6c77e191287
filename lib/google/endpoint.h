/*
 * Where a Google service is, and whether to authenticate there.
 *
 *   --endpoint SERVICE=URL   authentication stays on, so https, or http to loopback only
 *   SERVICE_EMULATOR_HOST    authentication is off, unless GOOGLE_APPLICATION_CREDENTIALS or
 *                            --credentials was given; a bare host:port means http, a URL is
 *                            taken as it is
 *   otherwise                https://SERVICE.googleapis.com
 *
 * The root may be written with or without the API's own path: both
 * http://127.0.0.1:9050 and http://127.0.0.1:9050/bigquery/v2/ are taken.
 */
#ifndef SLUICE_LIB_GOOGLE_ENDPOINT_H
#define SLUICE_LIB_GOOGLE_ENDPOINT_H

#include <stdbool.h>

#include "lib/error.h"
#include "lib/options.h"

enum endpoint_service {
	SERVICE_BIGQUERY,
	SERVICE_STORAGE,
	SERVICE_PUBSUB,
	SERVICE_FIRESTORE,
	SERVICE_DATASTORE,
	SERVICE_DATATRANSFER,
	SERVICE_COMPOSER,
};

enum { ENDPOINT_ROOT_MAX = 512 };

struct endpoint {
	const char *service;          /* "bigquery"; static */
	char root[ENDPOINT_ROOT_MAX]; /* "https://bigquery.googleapis.com", no slash at the end */
	const char *api_path;         /* "/bigquery/v2"; static */
	const char *upload_path;      /* "/upload/bigquery/v2"; NULL where there are no uploads */
	bool authenticate;
};

/*
 * Another server's, which is no service of Google's: api_path (static) behind
 * the url, which `name` (static) has given. secrets: as in authenticate, or
 * because requests carry others. ERR_CONFIG as below.
 */
int endpoint_at(const char *name, const char *url, const char *api_path, bool secrets,
		struct endpoint *ret, struct error *err) __attribute__((warn_unused_result));

/*
 * overrides: the values of --endpoint, each SERVICE=URL; NULL when there are
 * none; those of other services are checked for their names only.
 * credentials_file: the value of --credentials, or NULL.
 * ERR_USAGE: an override that is not SERVICE=URL. ERR_CONFIG: a bad URL, or
 * credentials that would travel in clear text.
 */
int endpoint_resolve(enum endpoint_service service, const struct option_values *overrides,
		     const char *credentials_file, struct endpoint *ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
