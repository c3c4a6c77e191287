#include "lib/google/endpoint.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/url.h"

static const struct service {
	const char *name;
	const char *emulator; /* the environment variable, or NULL */
	const char *root;
	const char *api_path, *upload_path;
} services[] = {
	[SERVICE_BIGQUERY] = { "bigquery", "BIGQUERY_EMULATOR_HOST",
			       "https://bigquery.googleapis.com", "/bigquery/v2",
			       "/upload/bigquery/v2" },
	[SERVICE_STORAGE] = { "storage", "STORAGE_EMULATOR_HOST", "https://storage.googleapis.com",
			      "/storage/v1", "/upload/storage/v1" },
	[SERVICE_PUBSUB] = { "pubsub", "PUBSUB_EMULATOR_HOST", "https://pubsub.googleapis.com",
			     "/v1", NULL },
	[SERVICE_FIRESTORE] = { "firestore", "FIRESTORE_EMULATOR_HOST",
				"https://firestore.googleapis.com", "/v1", NULL },
	[SERVICE_DATASTORE] = { "datastore", "DATASTORE_EMULATOR_HOST",
				"https://datastore.googleapis.com", "/v1", NULL },
	[SERVICE_DATATRANSFER] = { "datatransfer", "DATATRANSFER_EMULATOR_HOST",
				   "https://bigquerydatatransfer.googleapis.com", "/v1", NULL },
	[SERVICE_COMPOSER] = { "composer", NULL, "https://composer.googleapis.com", "/v1", NULL },
};

enum { SERVICE_COUNT = sizeof services / sizeof *services };

/* The service that an override "SERVICE=URL" names, or -1. */
static int find_override(const char *value, const char **url)
{
	const char *equals = strchr(value, '=');

	for (int i = 0; equals && i < SERVICE_COUNT; i++) {
		size_t n = strlen(services[i].name);

		if ((size_t)(equals - value) == n && !strncmp(value, services[i].name, n)) {
			*url = equals + 1;
			return i;
		}
	}
	return -1;
}

/* *ret: the URL of the last override of this service, NULL when there is none. */
static int pick_override(int service, const struct option_values *overrides, const char **ret,
			 struct error *err)
{
	const char *url = NULL, *picked = NULL;

	for (size_t i = 0; overrides && i < overrides->count; i++) {
		int found = find_override(overrides->value[i], &url);

		if (found < 0)
			return error_set(
				err, ERR_USAGE,
				"--endpoint wants SERVICE=URL, where SERVICE is bigquery, storage, "
				"pubsub, firestore, datastore, datatransfer or composer");
		if (found == service)
			picked = url;
	}
	*ret = picked;
	return 0;
}

static size_t without_slashes(const char *s, size_t n)
{
	while (n && s[n - 1] == '/')
		n--;
	return n;
}

/* url (or a bare host:port) without slashes and the API's own path at its end. */
static int set_root(struct endpoint *e, const char *url, const char *source, struct error *err)
{
	char root[ENDPOINT_ROOT_MAX];
	size_t n, path = strlen(e->api_path);
	int length = snprintf(root, sizeof root, "%s%s", strstr(url, "://") ? "" : "http://", url);
	struct url parsed;

	if (length >= (int)sizeof root)
		return error_set(err, ERR_CONFIG, "%s: the URL is too long", source);
	if (url_parse(root, &parsed, err) < 0)
		return error_prefix(err, "%s", source);
	if (strchr(root, '?'))
		return error_set(err, ERR_CONFIG, "%s: '%s' has a query", source, root);
	n = without_slashes(root, (size_t)length);
	if (n >= parsed.origin_length + path && !memcmp(root + n - path, e->api_path, path))
		n = without_slashes(root, n - path);
	root[n] = '\0';
	if (e->authenticate && !url_keeps_secrets(&parsed))
		return error_set(err, ERR_CONFIG,
				 "%s: '%s' would carry credentials in clear text; use https, or a "
				 "loopback address",
				 source, root);
	memcpy(e->root, root, n + 1);
	return 0;
}

int endpoint_at(const char *name, const char *url, const char *api_path, bool secrets,
		struct endpoint *ret, struct error *err)
{
	struct endpoint e = { .service = name, .api_path = api_path, .authenticate = secrets };

	if (set_root(&e, url, name, err) < 0)
		return -1;
	*ret = e;
	return 0;
}

int endpoint_resolve(enum endpoint_service service, const struct option_values *overrides,
		     const char *credentials_file, struct endpoint *ret, struct error *err)
{
	const struct service *s = &services[service];
	const char *credentials = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	const char *emulator = s->emulator ? getenv(s->emulator) : NULL, *override = NULL;
	struct endpoint e = { .service = s->name,
			      .api_path = s->api_path,
			      .upload_path = s->upload_path,
			      .authenticate = true };
	int result;

	if (pick_override(service, overrides, &override, err) < 0)
		return -1;
	if (override) {
		result = set_root(&e, override, "--endpoint", err);
	} else if (emulator && *emulator) {
		e.authenticate = credentials_file || (credentials && *credentials);
		result = set_root(&e, emulator, s->emulator, err);
	} else {
		result = set_root(&e, s->root, s->name, err);
	}
	if (result < 0)
		return -1;
	*ret = e;
	return 0;
}
