/* The OAuth token endpoint and the metadata server. */
#include "tests/localcloud/auth.h"
#include "tests/localcloud/jwt.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

/* A member of an urlencoded form, decoded; the caller frees it. NULL when absent. */
static char *form_value(const struct buf *body, const char *name)
{
	const char *p = body->data, *end = p + body->length;
	size_t n = strlen(name);

	while (p && p < end) {
		const char *stop = memchr(p, '&', (size_t)(end - p));
		char *value, *out;

		if (!stop)
			stop = end;
		if ((size_t)(stop - p) <= n || strncmp(p, name, n) != 0 || p[n] != '=') {
			p = stop + 1;
			continue;
		}
		value = out = malloc((size_t)(stop - p));
		for (p += n + 1; out && p < stop; p++) {
			if (*p == '%' && stop - p > 2 && hex(p[1]) >= 0 && hex(p[2]) >= 0) {
				*out++ = (char)(hex(p[1]) << 4 | hex(p[2]));
				p += 2;
			} else {
				*out++ = *p == '+' ? ' ' : *p;
			}
		}
		if (out)
			*out = '\0';
		return value;
	}
	return NULL;
}

static int refuse(struct exchange *ex, int status, const char *error, const char *description)
{
	ex_answer(ex, status,
		  json_pack("{s:s, s:s}", "error", error, "error_description", description));
	return 0;
}

static int grant_jwt(struct exchange *ex)
{
	char *assertion = form_value(&ex->body, "assertion");
	const char *wrong = assertion ? jwt_check(assertion, auth_key(ex->server->auth))
				      : "Missing parameter: assertion";

	free(assertion);
	if (wrong)
		return refuse(ex, 400, "invalid_grant", wrong);
	ex_answer(ex, 200, auth_issue(ex->server->auth));
	return 0;
}

static int grant_refresh(struct exchange *ex)
{
	static const char *const needed[] = { "client_id", "client_secret", "refresh_token" };

	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		char *value = form_value(&ex->body, needed[i]);
		bool given = value && *value;

		free(value);
		if (!given)
			return refuse(ex, 400, i == 2 ? "invalid_request" : "invalid_client",
				      "A parameter is missing.");
	}
	ex_answer(ex, 200, auth_issue(ex->server->auth));
	return 0;
}

int oauth_token(struct exchange *ex, struct api_error *err)
{
	const char *type = ex_header(ex, "Content-Type");
	char *grant;
	int rc;

	(void)err;
	if (!type || strncasecmp(type, "application/x-www-form-urlencoded", 33) != 0)
		return refuse(ex, 400, "invalid_request",
			      "The body must be application/x-www-form-urlencoded.");
	if (ex->fault.revoke_grant)
		return refuse(ex, 400, "invalid_grant", "Token has been expired or revoked.");
	grant = form_value(&ex->body, "grant_type");
	if (grant && strcmp(grant, "urn:ietf:params:oauth:grant-type:jwt-bearer") == 0)
		rc = grant_jwt(ex);
	else if (grant && strcmp(grant, "refresh_token") == 0)
		rc = grant_refresh(ex);
	else
		rc = refuse(ex, 400, "unsupported_grant_type",
			    grant ? grant : "Missing parameter: grant_type");
	free(grant);
	return rc;
}

static int answer_text(struct exchange *ex, const char *text)
{
	struct error error;

	ex->content_type = "application/text";
	return buf_append_str(&ex->text, text, &error);
}

int metadata_get(struct exchange *ex, struct api_error *err)
{
	static const char account[] = "/computeMetadata/v1/instance/service-accounts/default/";
	const char *flavor = ex_header(ex, "Metadata-Flavor");

	if (!flavor || strcasecmp(flavor, "Google") != 0)
		return api_fail(err, 403, "forbidden", "Missing Metadata-Flavor:Google header.");
	ex_set_header(ex, "Metadata-Flavor", "Google");
	ex_set_header(ex, "Server", "Metadata Server for VM");
	if (strncmp(ex->path, account, sizeof(account) - 1) == 0 &&
	    strcmp(ex->path + sizeof(account) - 1, "token") == 0) {
		ex_answer(ex, 200, auth_issue(ex->server->auth));
		return 0;
	}
	if (strncmp(ex->path, account, sizeof(account) - 1) == 0 &&
	    strcmp(ex->path + sizeof(account) - 1, "email") == 0)
		return answer_text(ex, "localcloud@localcloud.iam.gserviceaccount.com");
	if (strcmp(ex->path, "/computeMetadata/v1/project/project-id") == 0)
		return answer_text(ex, ex->server->project);
	if (strcmp(ex->path, "/computeMetadata/v1/project/numeric-project-id") == 0)
		return answer_text(ex, "1");
	if (strcmp(ex->path, "/computeMetadata/v1/universe/universe-domain") == 0)
		return answer_text(ex, "googleapis.com");
	return api_fail(err, 404, "notFound", "Not Found: %s", ex->path);
}
