#include "trigger/airflow_composer.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/google/url.h"

enum { PARTS = 6 };

/* Does text have the parts of "a/ * /b/ *" (without the spaces), none empty? */
static bool has_form(const char *text, const char *const *parts, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		size_t length = strcspn(text, "/");

		if (length == 0 || (parts[i] && (length != strlen(parts[i]) ||
						 strncmp(text, parts[i], length) != 0)))
			return false;
		text += length;
		if (i + 1 < count && *text++ != '/')
			return false;
	}
	return *text == '\0';
}

/* "/projects/P/locations/L/environments/E", each part escaped. */
static int make_path(const char *environment, const char *project, struct api *api, struct buf *out,
		     struct error *err)
{
	static const char *const whole[PARTS] = { "projects", NULL,           "locations",
						  NULL,       "environments", NULL };
	static const char *const parts[2] = { NULL, NULL };
	const char *slash = strchr(environment, '/');
	char *found = NULL, *location;
	int rc;

	if (has_form(environment, whole, PARTS)) {
		if (strpbrk(environment, "?#% "))
			return error_set(err, ERR_USAGE, "--composer: '%s' is no name",
					 environment);
		return buf_appendf(out, err, "/%s", environment);
	}
	if (!has_form(environment, parts, 2))
		return error_set(err, ERR_USAGE,
				 "--composer: '%s' is neither LOCATION/ENVIRONMENT nor "
				 "projects/P/locations/L/environments/E",
				 environment);
	if (api_project(api, project, &found, err) < 0)
		return -1;
	location = strndup(environment, (size_t)(slash - environment));
	rc = location ? buf_appendf(out, err, "/projects/%s/locations/", found) : error_nomem(err);
	if (rc == 0)
		rc = url_append_escaped(out, location, err);
	if (rc == 0)
		rc = buf_append_str(out, "/environments/", err);
	if (rc == 0)
		rc = url_append_escaped(out, slash + 1, err);
	free(location);
	free(found);
	return rc;
}

static int take_uri(const char *environment, const json_t *resource, char **ret, struct error *err)
{
	const json_t *config = json_object_get(resource, "config");
	const char *uri = json_string_value(json_object_get(config, "airflowUri"));
	const char *state = json_string_value(json_object_get(resource, "state"));

	if (!uri || !*uri)
		return error_set(err, ERR_TEMP, "Composer environment %s has no Airflow (it is %s)",
				 environment, state ? state : "in no state");
	*ret = strdup(uri);
	return *ret ? 0 : error_nomem(err);
}

int airflow_composer_uri(const char *environment, const char *project,
			 const struct api_options *google, char **ret, struct error *err)
{
	struct api_options options = *google;
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request request = { .what = environment, .method = "GET", .expected = { 404 } };
	auto_buf path = BUF_INIT;
	struct api api;
	int rc;

	options.service = SERVICE_COMPOSER;
	if (api_open(&api, &options, err) < 0)
		return -1;
	rc = make_path(environment, project, &api, &path, err);
	if (rc == 0 && !(request.path = buf_cstr(&path, err)))
		rc = -1;
	if (rc == 0)
		rc = api_call(&api, &request, &response, err);
	if (rc == 0 && response.status == 404)
		rc = error_set(err, ERR_REMOTE, "there is no Composer environment %s: %s",
			       environment, response.error.message);
	if (rc == 0)
		rc = take_uri(environment, response.json, ret, err);
	api_close(&api);
	return rc;
}
