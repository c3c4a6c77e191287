/* Where secrets may go: what we take for loopback or for one origin, curl must read the same way. */
#include "lib/google/url.h"

#include <curl/curl.h>

#include "tests/fuzz/target.h"

static bool is_numeric(const char *host)
{
	return *host == '[' || host[strspn(host, "0123456789.")] == '\0';
}

static void compare_with_curl(const char *text, const struct url *url)
{
	CURLU *handle = curl_url();
	char *host = NULL, *scheme = NULL;

	REQUIRE(handle);
	if (curl_url_set(handle, CURLUPART_URL, text, 0) == CURLUE_OK) {
		REQUIRE(curl_url_get(handle, CURLUPART_HOST, &host, 0) == CURLUE_OK);
		REQUIRE(curl_url_get(handle, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK);
		REQUIRE(!strcmp(scheme, url->https ? "https" : "http"));
		/* curl rewrites numeric hosts: 2130706433, 0x7f.1, [0::1]. */
		if (!is_numeric(host)) {
			REQUIRE(strlen(host) == url->host_length);
			REQUIRE(!strncasecmp(host, url->host, url->host_length));
		} else if (url->loopback) {
			REQUIRE(!strcmp(host, "[::1]") || !strncmp(host, "127.", 4));
		}
	}
	curl_free(host);
	curl_free(scheme);
	curl_url_cleanup(handle);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = target_string(data, size);
	struct url url;
	struct error err;

	if (url_parse(text, &url, &err) == 0) {
		REQUIRE(url.port > 0 && url.port < 65536);
		REQUIRE(url.host >= text && url.host + url.host_length <= text + strlen(text));
		REQUIRE(url_same_origin(&url, &url));
		compare_with_curl(text, &url);
	}
	free(text);
	return 0;
}
