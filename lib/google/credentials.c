#include "lib/google/credentials.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "lib/google/crypto.h"
#include "lib/google/url.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/parse.h"

enum {
	FILE_MAX = 256 * 1024,
	/* Off Google's machines nothing answers there, and nobody should wait for that. */
	METADATA_TIMEOUT_MS = 3000,
};

static const char google_token_uri[] = "https://oauth2.googleapis.com/token";

/* --- reading a file ------------------------------------------------------------ */

/* A copy of the string member; NULL member: *ret is NULL. */
static int copy_member(const json_t *object, const char *name, char **ret, struct error *err)
{
	const json_t *member = json_object_get(object, name);
	char *copy;

	*ret = NULL;
	if (!member || json_is_null(member))
		return 0;
	if (!json_is_string(member) || !json_string_length(member))
		return error_set(err, ERR_CONFIG, "\"%s\" is not a string", name);
	copy = strdup(json_string_value(member));
	if (!copy)
		return error_nomem(err);
	*ret = copy;
	return 0;
}

struct member {
	const char *name;
	char **field;
	bool required;
};

static int copy_members(const json_t *object, const struct member *members, size_t count,
			struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		if (copy_member(object, members[i].name, members[i].field, err) < 0)
			return -1;
		if (members[i].required && !*members[i].field)
			return error_set(err, ERR_CONFIG, "\"%s\" is missing", members[i].name);
	}
	return 0;
}

static int read_service_account(const json_t *object, struct credentials *c, struct error *err)
{
	const struct member members[] = {
		{ "client_email", &c->client_email, true },
		{ "private_key", &c->private_key, true },
		{ "private_key_id", &c->private_key_id, false },
		{ "token_uri", &c->token_uri, false },
		{ "project_id", &c->project, false },
		{ "quota_project_id", &c->quota_project, false },
	};
	auto_buf signature = BUF_INIT;

	c->type = CREDENTIALS_SERVICE_ACCOUNT;
	if (copy_members(object, members, sizeof members / sizeof *members, err) < 0)
		return -1;
	/* A key that cannot sign is better found here than in the middle of a run. */
	if (crypto_sign_rs256(c->private_key, strlen(c->private_key), "", 0, &signature, err) < 0)
		return error_prefix(err, "\"private_key\"");
	return 0;
}

static int read_authorized_user(const json_t *object, struct credentials *c, struct error *err)
{
	const struct member members[] = {
		{ "client_id", &c->client_id, true },
		{ "client_secret", &c->client_secret, true },
		{ "refresh_token", &c->refresh_token, true },
		{ "token_uri", &c->token_uri, false },
		{ "quota_project_id", &c->quota_project, false },
	};

	c->type = CREDENTIALS_AUTHORIZED_USER;
	return copy_members(object, members, sizeof members / sizeof *members, err);
}

static int read_object(const json_t *object, struct credentials *c, struct error *err)
{
	const char *type = json_string_value(json_object_get(object, "type"));
	struct url u;
	int result;

	if (!type)
		return error_set(err, ERR_CONFIG, "no Google credentials: \"type\" is missing");
	if (!strcmp(type, "service_account"))
		result = read_service_account(object, c, err);
	else if (!strcmp(type, "authorized_user"))
		result = read_authorized_user(object, c, err);
	else
		return error_set(
			err, ERR_CONFIG,
			"credentials of type \"%.64s\" are not supported yet (service_account "
			"and authorized_user are)",
			type);
	if (result < 0)
		return -1;
	if (!c->token_uri && !(c->token_uri = strdup(google_token_uri)))
		return error_nomem(err);
	if (url_parse(c->token_uri, &u, err) < 0)
		return error_prefix(err, "\"token_uri\"");
	if (!url_keeps_secrets(&u))
		return error_set(err, ERR_CONFIG, "\"token_uri\" is neither https nor loopback");
	return 0;
}

int credentials_read_file(const char *path, struct credentials *ret, struct error *err)
{
	auto_buf text = BUF_INIT;
	struct credentials c = { 0 };
	json_error_t where;
	json_t *object = NULL;
	int result = -1;

	if (io_read_file(path, FILE_MAX, &text, err) < 0) {
		if (err->code != ERR_OS)
			err->code = ERR_CONFIG;
		goto out;
	}
	object = json_loadb(text.data, text.length, 0, &where);
	/* jansson's own text quotes what it met: perhaps a piece of the key. */
	if (!json_is_object(object)) {
		if (object)
			error_set(err, ERR_CONFIG, "%s: not a JSON object", path);
		else
			error_set(err, ERR_CONFIG, "%s: not JSON (line %d, column %d)", path,
				  where.line, where.column);
		goto out;
	}
	if (read_object(object, &c, err) < 0) {
		error_prefix(err, "%s", path);
		goto out;
	}
	c.source = strdup(path);
	if (!c.source) {
		error_nomem(err);
		goto out;
	}
	*ret = c;
	result = 0;
out:
	if (result < 0)
		credentials_release(&c);
	if (text.length)
		crypto_wipe(text.data, text.length);
	json_decref(object);
	return result;
}

static void wipe_string(char **s)
{
	if (*s)
		crypto_wipe(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void credentials_release(struct credentials *c)
{
	char **strings[] = { &c->source,        &c->token_uri,      &c->client_email,
			     &c->private_key,   &c->private_key_id, &c->client_id,
			     &c->client_secret, &c->refresh_token,  &c->project,
			     &c->quota_project };

	for (size_t i = 0; i < sizeof strings / sizeof *strings; i++)
		wipe_string(strings[i]);
	c->type = CREDENTIALS_NONE;
}

/* --- finding them ------------------------------------------------------------------ */

const char *credentials_metadata_host(void)
{
	const char *host = getenv("GCE_METADATA_HOST");

	/* The address rather than metadata.google.internal: elsewhere a resolver may take long. */
	return host && *host ? host : "169.254.169.254";
}

/* The body of a metadata entry; ERR_TEMP when nobody answers, ERR_PROTOCOL when somebody else does. */
static int ask_metadata(struct http_client *client, const char *path,
			struct http_response *response, struct error *err)
{
	const struct http_header flavor = { "Metadata-Flavor", "Google" };
	auto_buf url = BUF_INIT;
	struct http_request request = {
		.method = "GET",
		.headers = &flavor,
		.header_count = 1,
		.direct = true,
		.connect_timeout_ms = METADATA_TIMEOUT_MS,
		.timeout_ms = METADATA_TIMEOUT_MS,
	};

	if (buf_appendf(&url, err, "http://%s/computeMetadata/v1/%s", credentials_metadata_host(),
			path) < 0)
		return -1;
	request.url = buf_cstr(&url, err);
	if (!request.url || http_perform(client, &request, response, err) < 0)
		return -1;
	if (strcasecmp(response->metadata_flavor, "Google"))
		return error_set(err, ERR_PROTOCOL, "%s is not a metadata server",
				 credentials_metadata_host());
	if (response->status != 200)
		return error_set(err, ERR_REMOTE, "metadata server: HTTP %d for %s",
				 response->status, path);
	return 0;
}

static bool metadata_is_off(void)
{
	const char *off = getenv("NO_GCE_CHECK"); /* of Google's own clients */
	struct error ignored;
	bool value = false;

	return off && *off && parse_bool(off, &value, &ignored) == 0 && value;
}

static int find_metadata(struct http_client *client, struct credentials *c, struct error *err)
{
	auto_http_response response = HTTP_RESPONSE_INIT;
	struct error reason = { 0 };

	if (metadata_is_off() || ask_metadata(client, "instance/service-accounts/default/email",
					      &response, &reason) < 0) {
		if (reason.code > ERR_SIGNAL || reason.code == ERR_OS) {
			*err = reason;
			return -1;
		}
		if (reason.code)
			log_debug("metadata server: %s", reason.message);
		return error_set(err, ERR_PERM,
				 "no Google credentials: give --credentials FILE, set "
				 "GOOGLE_APPLICATION_CREDENTIALS, or run `gcloud auth "
				 "application-default login`");
	}
	c->source = strdup("the metadata server");
	if (!c->source)
		return error_nomem(err);
	c->type = CREDENTIALS_METADATA;
	return 0;
}

/* The file that gcloud writes: 1 it is there, 0 it is not. */
static int gcloud_file(struct buf *path, struct error *err)
{
	const char *config = getenv("CLOUDSDK_CONFIG"), *home = getenv("HOME"), *text;

	if (config && *config) {
		if (buf_append_str(path, config, err) < 0)
			return -1;
	} else if (!home || !*home) {
		return 0;
	} else if (buf_appendf(path, err, "%s/.config/gcloud", home) < 0) {
		return -1;
	}
	if (buf_append_str(path, "/application_default_credentials.json", err) < 0)
		return -1;
	text = buf_cstr(path, err);
	if (!text)
		return -1;
	/* One that is there and cannot be read must be an error, not passed over. */
	return access(text, F_OK) == 0;
}

static int apply_quota_project(struct credentials *c, struct error *err)
{
	const char *project = getenv("GOOGLE_CLOUD_QUOTA_PROJECT");
	char *copy;

	if (!project || !*project)
		return 0;
	copy = strdup(project);
	if (!copy)
		return error_nomem(err);
	free(c->quota_project);
	c->quota_project = copy;
	return 0;
}

static int find(const char *file, struct http_client *client, struct credentials *c,
		struct error *err)
{
	auto_buf path = BUF_INIT;
	const char *env = getenv("GOOGLE_APPLICATION_CREDENTIALS");
	int there;

	if (file)
		return credentials_read_file(file, c, err);
	if (env && *env) {
		if (credentials_read_file(env, c, err) < 0)
			return error_prefix(err, "GOOGLE_APPLICATION_CREDENTIALS");
		return 0;
	}
	there = gcloud_file(&path, err);
	if (there < 0)
		return -1;
	if (there)
		return credentials_read_file(path.data, c, err);
	return find_metadata(client, c, err);
}

int credentials_load(const char *file, struct http_client *client, struct credentials *ret,
		     struct error *err)
{
	struct credentials c = { 0 };

	if (find(file, client, &c, err) < 0 || apply_quota_project(&c, err) < 0) {
		credentials_release(&c);
		return -1;
	}
	*ret = c;
	return 0;
}

/* --- the project --------------------------------------------------------------------- */

/* Ids are lower-case letters, digits and dashes; old ones have "domain.com:" in front. */
static int copy_project(const char *s, size_t n, const char *source, char **ret, struct error *err)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.:_";
	char *copy;

	for (size_t i = 0; i < n; i++)
		if (!memchr(allowed, s[i], sizeof allowed - 1))
			n = 0;
	if (n == 0 || n > 255)
		return error_set(err, ERR_USAGE, "%s: not a project id", source);
	copy = strndup(s, n);
	if (!copy)
		return error_nomem(err);
	*ret = copy;
	return 0;
}

int credentials_project(const struct credentials *c, struct http_client *client, const char *option,
			char **ret, struct error *err)
{
	auto_http_response response = HTTP_RESPONSE_INIT;
	const char *env = getenv("GOOGLE_CLOUD_PROJECT");

	if (option)
		return copy_project(option, strlen(option), "--project", ret, err);
	if (env && *env)
		return copy_project(env, strlen(env), "GOOGLE_CLOUD_PROJECT", ret, err);
	if (c->project)
		return copy_project(c->project, strlen(c->project), c->source, ret, err);
	if (c->quota_project)
		return copy_project(c->quota_project, strlen(c->quota_project), "the quota project",
				    ret, err);
	if (c->type == CREDENTIALS_METADATA) {
		if (ask_metadata(client, "project/project-id", &response, err) < 0)
			return -1;
		return copy_project(response.body.data, response.body.length,
				    "the metadata server's project", ret, err);
	}
	return error_set(err, ERR_CONFIG,
			 "no project: give --project, or set GOOGLE_CLOUD_PROJECT");
}
