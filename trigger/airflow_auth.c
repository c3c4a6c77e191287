#include "trigger/airflow_auth.h"

#include <stdlib.h>
#include <string.h>

#include "lib/google/crypto.h"
#include "lib/io.h"

enum { SECRET_MAX = 64 * 1024 };

static void wipe(struct buf *b)
{
	if (b->length)
		crypto_wipe(b->data, b->length);
	buf_release(b);
}

void airflow_identity_release(struct airflow_identity *i)
{
	wipe(&i->password);
	wipe(&i->header);
}

bool airflow_identity_is_secret(const struct airflow_identity *i)
{
	return i->auth != AIRFLOW_AUTH_NONE;
}

/* --- secrets -------------------------------------------------------------------------------- */

/* The file's text, or the variable's, without the line end behind it. ERR_CONFIG: there is none. */
static int read_secret(const char *file, const char *variable, const char *option, struct buf *out,
		       struct error *err)
{
	const char *value = getenv(variable);

	if (file) {
		if (io_read_file(file, SECRET_MAX, out, err) < 0) {
			if (err->code != ERR_OS)
				err->code = ERR_CONFIG;
			return error_prefix(err, "%s", option);
		}
	} else if (!value || !*value) {
		return error_set(err, ERR_CONFIG, "Airflow: give %s FILE, or set %s", option,
				 variable);
	} else if (buf_append_str(out, value, err) < 0) {
		return -1;
	}
	while (out->length &&
	       (out->data[out->length - 1] == '\n' || out->data[out->length - 1] == '\r'))
		out->length--;
	if (!out->length)
		return error_set(err, ERR_CONFIG, "%s is empty", file ? file : variable);
	for (size_t k = 0; k < out->length; k++)
		if ((unsigned char)out->data[k] < ' ')
			return error_set(err, ERR_CONFIG, "%s holds more than a line",
					 file ? file : variable);
	return 0;
}

static enum airflow_auth choose(const struct airflow_options *o)
{
	const char *token = getenv("AIRFLOW_TOKEN");

	if (o->auth != AIRFLOW_AUTH_DEFAULT)
		return o->auth;
	if (o->token_file)
		return AIRFLOW_AUTH_TOKEN;
	if (o->user)
		return AIRFLOW_AUTH_BASIC;
	if (token && *token)
		return AIRFLOW_AUTH_TOKEN;
	return o->composer ? AIRFLOW_AUTH_GOOGLE : AIRFLOW_AUTH_NONE;
}

int airflow_identity_init(struct airflow_identity *i, const struct airflow_options *options,
			  struct error *err)
{
	*i = (struct airflow_identity){ .auth = choose(options), .options = options };
	if (i->auth != AIRFLOW_AUTH_BASIC)
		return 0;
	if (!options->user || strchr(options->user, ':'))
		return error_set(err, ERR_CONFIG, "Airflow: %s",
				 options->user ? "no name of a user has a colon"
					       : "a password needs --user, or AIRFLOW_USER");
	return read_secret(options->password_file, "AIRFLOW_PASSWORD", "--password-file",
			   &i->password, err);
}

/* --- the header ----------------------------------------------------------------------------- */

static int set_token(struct airflow_identity *i, const char *token, size_t length,
		     struct error *err)
{
	wipe(&i->header);
	if (buf_append_str(&i->header, "Bearer ", err) < 0 ||
	    buf_append(&i->header, token, length, err) < 0)
		return -1;
	return buf_cstr(&i->header, err) ? 1 : -1;
}

static int read_token(struct airflow_identity *i, struct error *err)
{
	const struct airflow_options *o = i->options;
	struct buf token = BUF_INIT;
	int rc = read_secret(o->token_file, "AIRFLOW_TOKEN", "--token-file", &token, err);

	if (rc == 0)
		rc = set_token(i, token.data, token.length, err);
	wipe(&token);
	/* Only a file may say something else later. */
	return rc < 0 ? -1 : o->token_file != NULL;
}

static int make_basic(struct airflow_identity *i, struct error *err)
{
	struct buf pair = BUF_INIT;
	int rc = 0;

	if (i->header.length)
		return 0;
	if (buf_appendf(&pair, err, "%s:", i->options->user) < 0 ||
	    buf_append(&pair, i->password.data, i->password.length, err) < 0 ||
	    buf_append_str(&i->header, "Basic ", err) < 0 ||
	    crypto_base64(pair.data, pair.length, &i->header, err) < 0 ||
	    !buf_cstr(&i->header, err))
		rc = -1;
	wipe(&pair);
	return rc < 0 ? -1 : 1;
}

/* Airflow 3 takes no password with a request: a token of a day is what it gives for one. */
static int log_in(struct airflow_identity *i, struct api *api, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	auto_buf url = BUF_INIT;
	const char *password = buf_cstr(&i->password, err), *token;
	json_t *body = json_pack("{s:s,s:s}", "username", i->options->user, "password",
				 password ? password : "");
	struct api_request request = { .what = "Airflow: /auth/token",
				       .method = "POST",
				       .body = body,
				       .expected = { 401, 403 } };
	int rc = -1;

	if (!password || !body)
		error_set(err, ERR_CONFIG, "Airflow: user and password must be UTF-8");
	else if (buf_appendf(&url, err, "%s/auth/token", api->endpoint.root) == 0 &&
		 (request.path = buf_cstr(&url, err)))
		rc = api_call(api, &request, &response, err);
	if (body)
		json_decref(body);
	if (rc < 0)
		return -1;
	if (response.status >= 400)
		return error_set(err, ERR_PERM, "Airflow refuses user %s: %s", i->options->user,
				 response.error.message);
	token = json_string_value(json_object_get(response.json, "access_token"));
	if (!token || !*token || strpbrk(token, "\r\n"))
		return error_set(err, ERR_PROTOCOL,
				 "Airflow: /auth/token answered without an access token");
	return set_token(i, token, strlen(token), err);
}

int airflow_identity_renew(struct airflow_identity *i, struct api *api,
			   enum airflow_version version, struct error *err)
{
	switch (i->auth) {
	case AIRFLOW_AUTH_TOKEN:
		return read_token(i, err);
	case AIRFLOW_AUTH_BASIC:
		return version == AIRFLOW_V2 ? log_in(i, api, err) : make_basic(i, err);
	default:
		return 0;
	}
}
