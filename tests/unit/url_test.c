/* Where secrets may go: url.h and endpoint.h. */
#include "lib/google/endpoint.h"
#include "lib/google/url.h"

#include <stdlib.h>

#include "tests/unit/google_fixture.h"
#include "tests/unit/unit.h"

static void urls(void)
{
	static const char *const good[] = {
		"https://bigquery.googleapis.com",
		"http://h:1/p?q",
		"http://[::1]:80/",
		"HTTPS://H",
	};
	static const char *const bad[] = {
		"",
		"ftp://h",
		"http://",
		"http://:80",
		"h:80",
		"http://h:",
		"http://h:0",
		"http://h:65536",
		"http://h:80x",
		"http://h\\@evil",
		"http://h/a b",
		"http://h/\n",
		"http://u:p@h",
		"http://[::1",
		"http://[]",
		"http://h#x",
		"http://h%2e",
	};
	struct error err;
	struct url u;

	unit_test("url_parse takes http and https with host, port and path");
	for (size_t i = 0; i < sizeof good / sizeof *good; i++)
		CHECK(url_parse(good[i], &u, &err) == 0);
	CHECK(url_parse("http://[::1]:8080/x", &u, &err) == 0 && u.port == 8080 &&
	      u.host_length == 5 && u.origin_length == 17 && !u.https);
	unit_test("url_parse refuses everything that curl might read differently");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		err.code = 0;
		CHECK(url_parse(bad[i], &u, &err) < 0 && err.code == ERR_CONFIG);
	}
	unit_test("a password in a refused URL is not repeated");
	CHECK(url_parse("http://user:hunter2@h", &u, &err) < 0 && !strstr(err.message, "hunter2"));
}

static void loopback(void)
{
	static const struct {
		const char *url;
		bool keeps;
	} cases[] = {
		{ "https://example.com", true },    { "http://127.0.0.1:9050", true },
		{ "http://127.8.9.1", true },       { "http://localhost:1", true },
		{ "http://LOCALHOST", true },       { "http://[::1]:1", true },
		{ "http://example.com", false },    { "http://127.0.0.1.example.com", false },
		{ "http://10.0.0.1", false },       { "http://[::2]", false },
		{ "http://localhost.evil", false }, { "http://0.0.0.0", false },
	};
	struct error err;
	struct url u, v;

	unit_test("secrets go over https or to loopback only");
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		CHECK(url_parse(cases[i].url, &u, &err) == 0 &&
		      url_keeps_secrets(&u) == cases[i].keeps);
	unit_test("the origin is scheme, host and port");
	CHECK(url_parse("https://h/a", &u, &err) == 0 &&
	      url_parse("https://H:443/b", &v, &err) == 0 && url_same_origin(&u, &v));
	CHECK(url_parse("http://h:443", &v, &err) == 0 && !url_same_origin(&u, &v));
	CHECK(url_parse("https://h:444", &v, &err) == 0 && !url_same_origin(&u, &v));
	CHECK(url_parse("https://hh", &v, &err) == 0 && !url_same_origin(&u, &v));
}

static void escaping(void)
{
	auto_buf out = BUF_INIT;
	struct error err;

	unit_test("a path segment is escaped but for unreserved bytes");
	CHECK(url_append_escaped(&out, "a/b c~-._Z9\xc3\xa9%", &err) == 0);
	CHECK(buf_cstr(&out, &err) && !strcmp(out.data, "a%2Fb%20c~-._Z9%C3%A9%25"));
}

static void resolves(const char *emulator, const char *override, const char *file, const char *root,
		     bool authenticate)
{
	struct option_values values = { .value = { "storage=https://other", override },
					.count = override ? 2 : 1 };
	struct endpoint e;
	struct error err = { 0 };

	if (emulator)
		setenv("BIGQUERY_EMULATOR_HOST", emulator, 1);
	else
		unsetenv("BIGQUERY_EMULATOR_HOST");
	if (root) {
		CHECK(endpoint_resolve(SERVICE_BIGQUERY, &values, file, &e, &err) == 0);
		CHECK(!strcmp(e.root, root) && e.authenticate == authenticate);
		CHECK(!strcmp(e.api_path, "/bigquery/v2"));
	} else {
		CHECK(endpoint_resolve(SERVICE_BIGQUERY, &values, file, &e, &err) < 0);
		CHECK(err.code == ERR_CONFIG);
	}
}

static void endpoints(void)
{
	struct option_values values = { .value = { "nothing=https://h" }, .count = 1 };
	struct endpoint e;
	struct error err;

	unit_test("the default endpoint is Google's");
	resolves(NULL, NULL, NULL, "https://bigquery.googleapis.com", true);
	unit_test("an emulator variable takes host:port or a URL, with or without the API's path");
	resolves("127.0.0.1:9050", NULL, NULL, "http://127.0.0.1:9050", false);
	resolves("http://h:1/", NULL, NULL, "http://h:1", false);
	resolves("http://h:1/bigquery/v2/", NULL, NULL, "http://h:1", false);
	resolves("https://h/base/bigquery/v2", NULL, NULL, "https://h/base", false);
	resolves("", NULL, NULL, "https://bigquery.googleapis.com", true);
	unit_test("credentials that are given keep authentication on, but never in clear text");
	resolves("127.0.0.1:9050", NULL, "key.json", "http://127.0.0.1:9050", true);
	resolves("http://h:1", NULL, "key.json", NULL, true);
	setenv("GOOGLE_APPLICATION_CREDENTIALS", "key.json", 1);
	resolves("127.0.0.1:9050", NULL, NULL, "http://127.0.0.1:9050", true);
	resolves("bigquery:9050", NULL, NULL, NULL, true);
	unsetenv("GOOGLE_APPLICATION_CREDENTIALS");
	unit_test("--endpoint comes before the emulator and keeps authentication on");
	resolves("127.0.0.1:1", "bigquery=http://127.0.0.1:2", NULL, "http://127.0.0.1:2", true);
	resolves(NULL, "bigquery=http://h:2", NULL, NULL, true);
	resolves(NULL, "bigquery=https://h:2/", NULL, "https://h:2", true);
	resolves(NULL, "bigquery=", NULL, NULL, true);
	unit_test("a service without an emulator has an endpoint too");
	CHECK(endpoint_resolve(SERVICE_COMPOSER, NULL, NULL, &e, &err) == 0 && e.authenticate &&
	      !strcmp(e.root, "https://composer.googleapis.com"));
	unit_test("another server's address, below a path; secrets never in clear text");
	CHECK(endpoint_at("airflow", "https://h/airflow/", "/api/v2", true, &e, &err) == 0 &&
	      !strcmp(e.root, "https://h/airflow") && !strcmp(e.api_path, "/api/v2"));
	CHECK(endpoint_at("airflow", "http://127.0.0.1:8080", "/api/v1", true, &e, &err) == 0);
	CHECK(endpoint_at("airflow", "http://h:8080", "/api/v1", false, &e, &err) == 0);
	CHECK(endpoint_at("airflow", "http://h:8080", "/api/v1", true, &e, &err) < 0 &&
	      err.code == ERR_CONFIG && strstr(err.message, "clear text"));
	unit_test("--endpoint for an unknown service is a usage error");
	CHECK(endpoint_resolve(SERVICE_BIGQUERY, &values, NULL, &e, &err) < 0 &&
	      err.code == ERR_USAGE);
}

int main(void)
{
	fixture_clean_environment();
	urls();
	loopback();
	escaping();
	endpoints();
	return unit_done();
}
