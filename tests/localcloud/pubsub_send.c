#include "tests/localcloud/pubsub_send.h"

#include "tests/localcloud/base64.h"
#include "tests/localcloud/pubsub.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#define TIMEOUT_S 10

struct pubsub_sender {
	const struct server *server;
	const char *host; /* PUBSUB_EMULATOR_HOST, or NULL */
	CURL *curl;
};

struct pubsub_sender *pubsub_sender_new(const struct server *server)
{
	struct pubsub_sender *s = calloc(1, sizeof(*s));
	const char *host = getenv("PUBSUB_EMULATOR_HOST");

	if (!s)
		return NULL;
	s->server = server;
	s->host = host && host[0] ? host : NULL;
	s->curl = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? curl_easy_init() : NULL;
	if (s->curl)
		return s;
	free(s);
	return NULL;
}

void pubsub_sender_free(struct pubsub_sender *s)
{
	if (!s)
		return;
	curl_easy_cleanup(s->curl);
	free(s);
}

json_t *pubsub_json_message(json_t *attributes, const json_t *data)
{
	json_t *message = json_pack("{s:o}", "attributes", attributes);
	auto_buf encoded = BUF_INIT;
	char *text = data ? json_dumps(data, JSON_INDENT(2)) : NULL;

	if (text && base64_encode(text, strlen(text), &encoded) == 0)
		json_object_set_new(message, "data", json_stringn(encoded.data, encoded.length));
	free(text);
	return message;
}

bool pubsub_send_again(long status)
{
	return status == 0 || status == 429 || status >= 500;
}

static size_t ignore(char *data, size_t size, size_t n, void *closure)
{
	(void)data;
	(void)closure;
	return size * n;
}

/* The status, 0 when there was no answer. */
static long post(struct pubsub_sender *s, const char *topic, const json_t *messages)
{
	bool whole = strstr(s->host, "://") != NULL;
	json_t *body = json_pack("{s:O}", "messages", messages);
	char *text = json_dumps(body, JSON_COMPACT), *url = NULL;
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	long status = 0;

	json_decref(body);
	if (asprintf(&url, "%s%s/v1/%s:publish", whole ? "" : "http://", s->host, topic) < 0)
		url = NULL;
	curl_easy_reset(s->curl);
	curl_easy_setopt(s->curl, CURLOPT_URL, url);
	curl_easy_setopt(s->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(s->curl, CURLOPT_POSTFIELDS, text);
	curl_easy_setopt(s->curl, CURLOPT_WRITEFUNCTION, ignore);
	curl_easy_setopt(s->curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(s->curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(s->curl, CURLOPT_NOPROXY, "*");
	if (url && text && curl_easy_perform(s->curl) == CURLE_OK)
		curl_easy_getinfo(s->curl, CURLINFO_RESPONSE_CODE, &status);
	curl_slist_free_all(headers);
	free(url);
	free(text);
	return status;
}

long pubsub_send(struct pubsub_sender *s, const char *topic, const json_t *messages)
{
	struct api_error err;
	json_t *ids;

	if (s->host)
		return post(s, topic, messages);
	if (pubsub_publish(s->server->pubsub, topic, messages, &ids, &err))
		return err.status;
	json_decref(ids);
	return 200;
}
