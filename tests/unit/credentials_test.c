/* Finding credentials, the project, the signed assertion, tokens. */
#include "lib/google/credentials.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/google/crypto.h"
#include "lib/google/token.h"
#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

static struct http_client *client;

static void refuses(const char *text, const char *part)
{
	struct credentials c = { 0 };
	struct error err = { 0 };
	const char *path = fixture_file(text);

	CHECK(credentials_read_file(path, &c, &err) < 0);
	CHECK(err.code == ERR_CONFIG);
	CHECK_HAS(err.message, path);
	CHECK_HAS(err.message, part);
	CHECK(!strstr(err.message, "hunter2"));
}

static void files(void)
{
	struct credentials c = { 0 };
	struct error err = { 0 };

	unit_test("a service account key is read whole");
	CHECK(credentials_read_file(fixture_file(fixture_service_account("https://h")), &c, &err) ==
	      0);
	CHECK(c.type == CREDENTIALS_SERVICE_ACCOUNT && !strcmp(c.project, "key-project"));
	CHECK(!strcmp(c.token_uri, "https://h/token"));
	credentials_release(&c);
	unit_test("a user's credentials have Google's token endpoint unless they say otherwise");
	CHECK(credentials_read_file(
		      fixture_file(
			      "{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":"
			      "\"s\",\"refresh_token\":\"r\",\"quota_project_id\":\"quota-1\"}"),
		      &c, &err) == 0);
	CHECK(c.type == CREDENTIALS_AUTHORIZED_USER && !strcmp(c.quota_project, "quota-1"));
	CHECK(!strcmp(c.token_uri, "https://oauth2.googleapis.com/token"));
	credentials_release(&c);
	unit_test("what is wrong with a file is said, never what it holds");
	refuses("{\"private_key\": \"hunter2", "not JSON (line 1");
	refuses("[\"hunter2\"]", "not a JSON object");
	refuses("{}", "\"type\" is missing");
	refuses("{\"type\":\"external_account\",\"x\":\"hunter2\"}",
		"\"external_account\" are not supported yet");
	refuses("{\"type\":\"impersonated_service_account\"}", "\"impersonated_service_account\"");
	refuses("{\"type\":\"service_account\",\"client_email\":\"e\"}",
		"\"private_key\" is missing");
	refuses("{\"type\":\"service_account\",\"client_email\":\"e\",\"private_key\":\"hunter2\"}",
		"\"private_key\"");
	refuses("{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"hunter2\"}",
		"\"refresh_token\" is missing");
	refuses("{\"type\":\"authorized_user\",\"client_id\":7}", "\"client_id\" is not a string");
	refuses("{\"type\":\"authorized_user\",\"client_id\":\"i\",\"client_secret\":\"hunter2\",\"refresh_token\":"
		"\"r\",\"token_uri\":\"http://example.com/token\"}",
		"neither https nor loopback");
	CHECK(credentials_read_file("/nonexistent/key.json", &c, &err) < 0 &&
	      err.code == ERR_CONFIG);
}

static void search(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200, .headers = "Metadata-Flavor: Google\r\n", .body = "sa@p" },
		{ .status = 200, .headers = "Metadata-Flavor: Google\r\n", .body = "meta-project" },
		{ .status = 200,
		  .headers = "Metadata-Flavor: Google\r\n",
		  .body = "{\"access_token\":\"ya29.m\",\"expires_in\":3599}" },
		{ .status = 200, .body = "a router's page" },
	};
	struct script *s = script_start(replies, 4);
	struct credentials c = { 0 };
	struct error err = { 0 };
	char directory[] = "/tmp/sluice-unit-dir-XXXXXX", path[128], *project = NULL;
	struct token t;
	const char *value = NULL;
	FILE *f;

	unit_test("without any credentials the message says how to give some");
	CHECK(credentials_load(NULL, client, &c, &err) < 0 && err.code == ERR_PERM);
	CHECK_HAS(err.message, "--credentials");

	unit_test("gcloud's file is found, the variable comes before it, the option before both");
	CHECK(mkdtemp(directory) != NULL);
	snprintf(path, sizeof path, "%s/application_default_credentials.json", directory);
	f = fopen(path, "w");
	CHECK(f && fputs("{\"type\":\"in-gcloud\"}", f) >= 0 && fclose(f) == 0);
	setenv("CLOUDSDK_CONFIG", directory, 1);
	CHECK(credentials_load(NULL, client, &c, &err) < 0);
	CHECK_HAS(err.message, "in-gcloud");
	setenv("GOOGLE_APPLICATION_CREDENTIALS", fixture_file("{\"type\":\"in-variable\"}"), 1);
	CHECK(credentials_load(NULL, client, &c, &err) < 0);
	CHECK_HAS(err.message, "in-variable");
	CHECK(credentials_load(fixture_file("{\"type\":\"in-option\"}"), client, &c, &err) < 0);
	CHECK_HAS(err.message, "in-option");
	unlink(path);
	rmdir(directory);
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	unsetenv("CLOUDSDK_CONFIG");

	unit_test("the metadata server gives credentials, project and token");
	unsetenv("NO_GCE_CHECK");
	setenv("GCE_METADATA_HOST", script_url(s) + 7, 1);
	CHECK(credentials_load(NULL, client, &c, &err) == 0 && c.type == CREDENTIALS_METADATA);
	CHECK(script_has_header(script_request(s, 0), "Metadata-Flavor: Google"));
	CHECK(credentials_project(&c, client, NULL, &project, &err) == 0 &&
	      !strcmp(project, "meta-project"));
	token_init(&t, &c, client);
	CHECK(token_get(&t, &value, &err) == 0 && value && !strcmp(value, "ya29.m"));
	CHECK_HAS(script_request(s, 2)->line,
		  "GET /computeMetadata/v1/instance/service-accounts/default/token ");
	token_release(&t);
	free(project);
	credentials_release(&c);
	unit_test("a server that does not say Metadata-Flavor is none");
	CHECK(credentials_load(NULL, client, &c, &err) < 0 && err.code == ERR_PERM);
	unsetenv("GCE_METADATA_HOST");
	setenv("NO_GCE_CHECK", "true", 1);
	script_stop(s);
}

static void project_is(const struct credentials *c, const char *option, const char *want)
{
	struct error err;
	char *got = NULL;

	CHECK(credentials_project(c, NULL, option, &got, &err) == 0 && !strcmp(got, want));
	free(got);
}

static void projects(void)
{
	struct credentials none = { 0 };
	struct credentials c = { .project = (char *)"file-p", .quota_project = (char *)"quota-p" };
	struct error err;
	char *got = NULL;

	unit_test("the project is the option's, the variable's, the file's, the quota project");
	setenv("GOOGLE_CLOUD_PROJECT", "env-p", 1);
	project_is(&c, "option-p", "option-p");
	project_is(&c, NULL, "env-p");
	unsetenv("GOOGLE_CLOUD_PROJECT");
	project_is(&c, NULL, "file-p");
	c.project = NULL;
	project_is(&c, NULL, "quota-p");
	project_is(&c, "example.com:old-p", "example.com:old-p");
	CHECK(credentials_project(&none, NULL, NULL, &got, &err) < 0 && err.code == ERR_CONFIG);
	CHECK(credentials_project(&none, NULL, "a/b", &got, &err) < 0 && err.code == ERR_USAGE);
}

/* base64url back to text, by way of base64. */
static void decode(const char *s, size_t n, struct buf *out)
{
	auto_buf text = BUF_INIT;
	struct error err;

	CHECK(buf_append(&text, s, n, &err) == 0);
	for (size_t i = 0; i < text.length; i++)
		text.data[i] = text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : text.data[i];
	while (text.length % 4)
		CHECK(buf_append(&text, "=", 1, &err) == 0);
	CHECK(crypto_base64_decode(text.data, text.length, out, &err) == 0);
}

static void assertion(void)
{
	auto_buf jwt = BUF_INIT, header = BUF_INIT, claims = BUF_INIT, signature = BUF_INIT;
	struct credentials c = { 0 };
	struct error err;
	const char *first, *second;
	json_t *h, *j;

	unit_test("the assertion carries the claims of RFC 7523 and verifies under the public key");
	CHECK(credentials_read_file(fixture_file(fixture_service_account("https://h")), &c, &err) ==
	      0);
	CHECK(token_assertion(&c, 1700000000, &jwt, &err) == 0 && buf_cstr(&jwt, &err));
	first = strchr(jwt.data, '.');
	second = strrchr(jwt.data, '.');
	CHECK(first && second != first);
	if (!first)
		return;
	decode(jwt.data, (size_t)(first - jwt.data), &header);
	decode(first + 1, (size_t)(second - first - 1), &claims);
	decode(second + 1, jwt.length - (size_t)(second + 1 - jwt.data), &signature);
	h = json_loadb(header.data, header.length, 0, NULL);
	j = json_loadb(claims.data, claims.length, 0, NULL);
	CHECK(!strcmp(json_string_value(json_object_get(h, "alg")), "RS256"));
	CHECK(!strcmp(json_string_value(json_object_get(h, "kid")), "kid1"));
	CHECK(!strcmp(json_string_value(json_object_get(j, "iss")),
		      "sa@key-project.iam.gserviceaccount.com"));
	CHECK(!strcmp(json_string_value(json_object_get(j, "aud")), "https://h/token"));
	CHECK(!strcmp(json_string_value(json_object_get(j, "scope")),
		      "https://www.googleapis.com/auth/cloud-platform"));
	CHECK(json_integer_value(json_object_get(j, "iat")) == 1700000000);
	CHECK(json_integer_value(json_object_get(j, "exp")) == 1700003600);
	CHECK(fixture_verifies(signature.data, signature.length, jwt.data,
			       (size_t)(second - jwt.data)));
	json_decref(h);
	json_decref(j);
	credentials_release(&c);
}

static void tokens(void)
{
	static const struct script_reply replies[] = {
		{ .status = 200,
		  .body = "{\"access_token\":\"t1\",\"expires_in\":3599,\"token_type\":\"Bearer\"}" },
		{ .status = 200, .body = "{\"access_token\":\"t2\",\"expires_in\":200}" },
		{ .status = 400,
		  .body = "{\"error\":\"invalid_grant\",\"error_description\":\"Bad signature\"}" },
		{ .status = 503 },
		{ .status = 200, .body = "{\"nothing\":1}" },
		{ .status = 200, .body = "{\"access_token\":\"a\\r\\nX: y\",\"expires_in\":1}" },
	};
	struct script *s = script_start(replies, 6);
	struct credentials c = { 0 };
	struct error err;
	struct token t;
	const char *value = NULL;

	CHECK(credentials_read_file(fixture_file(fixture_service_account(script_url(s))), &c,
				    &err) == 0);
	token_init(&t, &c, client);
	unit_test("a token is fetched once and kept until 3 min 45 s before its end");
	CHECK(token_get(&t, &value, &err) == 0 && !strcmp(value, "t1"));
	CHECK(token_get(&t, &value, &err) == 0 && !strcmp(value, "t1") && script_count(s) == 1);
	CHECK_HAS(script_request(s, 0)->body,
		  "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=ey");
	CHECK(script_has_header(script_request(s, 0),
				"Content-Type: application/x-www-form-urlencoded"));
	CHECK(t.refresh_ms > monotonic_ms() + (3599 - 226) * 1000 &&
	      t.refresh_ms <= monotonic_ms() + (3599 - 225) * 1000);
	unit_test("a token that was not accepted is fetched again");
	token_invalidate(&t);
	CHECK(token_get(&t, &value, &err) == 0 && !strcmp(value, "t2") && script_count(s) == 2);
	unit_test("refused credentials are a matter of permission, and say why");
	token_invalidate(&t);
	CHECK(token_get(&t, &value, &err) < 0 && err.code == ERR_PERM);
	CHECK_HAS(err.message, "invalid_grant: Bad signature");
	unit_test(
		"a token endpoint that is busy is temporary, one that talks nonsense breaks protocol");
	CHECK(token_get(&t, &value, &err) < 0 && err.code == ERR_TEMP);
	CHECK(token_get(&t, &value, &err) < 0 && err.code == ERR_PROTOCOL);
	CHECK(token_get(&t, &value, &err) < 0 && err.code == ERR_PROTOCOL);
	token_release(&t);
	credentials_release(&c);
	script_stop(s);
}

int main(void)
{
	struct error err;

	fixture_clean_environment();
	if (http_client_new(&client, &err) < 0)
		return 1;
	files();
	search();
	projects();
	assertion();
	tokens();
	http_client_free(client);
	return unit_done();
}
