#include "lib/google/token.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/clock.h"
#include "lib/google/api_error.h"
#include "lib/google/crypto.h"
#include "lib/google/url.h"

static const char scope[] = "https://www.googleapis.com/auth/cloud-platform";

enum {
	ASSERTION_LIFE_S = 3600,
	REFRESH_EARLY_MS = 225 * 1000, /* as google-auth does */
	REQUEST_TIMEOUT_MS = 30 * 1000,
	TOKEN_MAX = 16 * 1024,
};

void token_init(struct token *t, const struct credentials *credentials, struct http_client *client)
{
	*t = (struct token){ .credentials = credentials, .client = client };
}

void token_release(struct token *t)
{
	token_invalidate(t);
}

void token_invalidate(struct token *t)
{
	if (t->value)
		crypto_wipe(t->value, strlen(t->value));
	free(t->value);
	t->value = NULL;
}

/* --- the assertion of a service account ------------------------------------------------ */

/* Append the base64url of the object, which is consumed. */
static int append_json(json_t *object, struct buf *out, struct error *err)
{
	char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;
	int result = text ? crypto_base64url(text, strlen(text), out, err) : error_nomem(err);

	free(text);
	json_decref(object);
	return result;
}

int token_assertion(const struct credentials *c, int64_t now_s, struct buf *out, struct error *err)
{
	auto_buf signature = BUF_INIT;
	size_t before = out->length;
	json_t *header = json_pack("{s:s, s:s, s:s*}", "alg", "RS256", "typ", "JWT", "kid",
				   c->private_key_id);
	json_t *claims = json_pack("{s:s, s:s, s:s, s:I, s:I}", "iss", c->client_email, "scope",
				   scope, "aud", c->token_uri, "iat", (json_int_t)now_s, "exp",
				   (json_int_t)now_s + ASSERTION_LIFE_S);

	if (append_json(header, out, err) < 0) {
		json_decref(claims);
		goto failed;
	}
	if (buf_append_str(out, ".", err) < 0) {
		json_decref(claims);
		goto failed;
	}
	if (append_json(claims, out, err) < 0 ||
	    crypto_sign_rs256(c->private_key, strlen(c->private_key), out->data + before,
			      out->length - before, &signature, err) < 0 ||
	    buf_append_str(out, ".", err) < 0 ||
	    crypto_base64url(signature.data, signature.length, out, err) < 0)
		goto failed;
	return 0;
failed:
	out->length = before;
	return -1;
}

/* --- asking for a token ------------------------------------------------------------------- */

static int append_field(struct buf *form, const char *name, const char *value, struct error *err)
{
	if (buf_appendf(form, err, "%s%s=", form->length ? "&" : "", name) < 0)
		return -1;
	return url_append_escaped(form, value, err);
}

static int make_form(const struct credentials *c, struct buf *form, struct error *err)
{
	auto_buf assertion = BUF_INIT;
	const char *text;

	if (c->type == CREDENTIALS_AUTHORIZED_USER) {
		if (append_field(form, "grant_type", "refresh_token", err) < 0 ||
		    append_field(form, "client_id", c->client_id, err) < 0 ||
		    append_field(form, "client_secret", c->client_secret, err) < 0)
			return -1;
		return append_field(form, "refresh_token", c->refresh_token, err);
	}
	if (token_assertion(c, (int64_t)time(NULL), &assertion, err) < 0)
		return -1;
	text = buf_cstr(&assertion, err);
	if (!text || append_field(form, "grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer",
				  err) < 0)
		return -1;
	return append_field(form, "assertion", text, err);
}

static int ask_token_uri(struct token *t, struct http_response *response, struct error *err)
{
	auto_buf form = BUF_INIT;
	int result;

	if (make_form(t->credentials, &form, err) < 0) {
		result = -1;
	} else {
		const struct http_request request = {
			.method = "POST",
			.url = t->credentials->token_uri,
			.content_type = "application/x-www-form-urlencoded",
			.body = form.data,
			.body_length = form.length,
			.timeout_ms = REQUEST_TIMEOUT_MS,
		};

		result = http_perform(t->client, &request, response, err);
	}
	if (form.length)
		crypto_wipe(form.data, form.length);
	return result;
}

static int ask_metadata_server(struct token *t, struct http_response *response, struct error *err)
{
	const struct http_header flavor = { "Metadata-Flavor", "Google" };
	auto_buf url = BUF_INIT;
	struct http_request request = { .method = "GET",
					.headers = &flavor,
					.header_count = 1,
					.direct = true,
					.timeout_ms = REQUEST_TIMEOUT_MS };

	if (buf_appendf(&url, err,
			"http://%s/computeMetadata/v1/instance/service-accounts/default/token",
			credentials_metadata_host()) < 0)
		return -1;
	request.url = buf_cstr(&url, err);
	if (!request.url || http_perform(t->client, &request, response, err) < 0)
		return -1;
	if (response->status == 200 && strcasecmp(response->metadata_flavor, "Google"))
		return error_set(err, ERR_PROTOCOL, "%s is not a metadata server",
				 credentials_metadata_host());
	return 0;
}

/* RFC 6749, 5.2: a refusal is a 400 or 401 with a word in "error". */
static int refuse(const struct token *t, const struct http_response *response, struct error *err)
{
	struct api_error_info info;
	enum api_error_class class;

	api_error_parse(response, &info);
	class = api_error_classify(&info);
	if (class == API_ERROR_INVALID || class == API_ERROR_AUTH || class == API_ERROR_PERMISSION)
		return error_set(err, ERR_PERM, "no access token for the credentials of %s: %s%s%s",
				 t->credentials->source, info.reason, *info.reason ? ": " : "",
				 info.message);
	return api_error_set(&info, "fetching an access token", err);
}

static int take(struct token *t, const struct http_response *response, int64_t asked_ms,
		struct error *err)
{
	json_t *answer = json_loadb(response->body.data ? response->body.data : "",
				    response->body.length, 0, NULL);
	const char *value = json_string_value(json_object_get(answer, "access_token"));
	int64_t life_ms = json_integer_value(json_object_get(answer, "expires_in")) * 1000;
	char *copy = NULL;

	if (!value || !*value || strlen(value) > TOKEN_MAX || strpbrk(value, "\r\n")) {
		json_decref(answer);
		return error_set(err, ERR_PROTOCOL,
				 "the token endpoint answered without an access token");
	}
	copy = strdup(value);
	json_decref(answer);
	if (!copy)
		return error_nomem(err);
	token_invalidate(t);
	t->value = copy;
	/* One that lives shorter than the margin is good for half its life. */
	t->refresh_ms = asked_ms +
			(life_ms > 2 * REFRESH_EARLY_MS ? life_ms - REFRESH_EARLY_MS : life_ms / 2);
	return 0;
}

int token_get(struct token *t, const char **ret, struct error *err)
{
	auto_http_response response = HTTP_RESPONSE_INIT;
	int64_t now = monotonic_ms();
	int result;

	if (t->credentials->type == CREDENTIALS_NONE) {
		*ret = NULL;
		return 0;
	}
	if (!t->value || now >= t->refresh_ms) {
		if (t->credentials->type == CREDENTIALS_METADATA)
			result = ask_metadata_server(t, &response, err);
		else
			result = ask_token_uri(t, &response, err);
		if (result == 0)
			result = response.status == 200 ? take(t, &response, now, err)
							: refuse(t, &response, err);
		if (response.body.length)
			crypto_wipe(response.body.data, response.body.length);
		if (result < 0)
			return -1;
	}
	*ret = t->value;
	return 0;
}
