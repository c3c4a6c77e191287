#include "notify/pubsub.h"

#include <string.h>

#include "lib/google/url.h"

/* An empty pull is held for about 90 s. */
enum { PULL_TIMEOUT_MS = 120 * 1000, TIMEOUT_MS = 30 * 1000 };

/* "/projects/P/subscriptions/S" with both names escaped, and what follows. */
static int append_path(const char *subscription, const char *method, struct buf *out,
		       struct error *err)
{
	auto_buf name = BUF_INIT;
	const char *rest = subscription, *text;

	while (*rest) {
		size_t n = strcspn(rest, "/");

		buf_clear(&name);
		if (buf_append(&name, rest, n, err) < 0 || !(text = buf_cstr(&name, err)) ||
		    buf_append_str(out, "/", err) < 0 || url_append_escaped(out, text, err) < 0)
			return -1;
		rest += n + (rest[n] == '/');
	}
	return buf_append_str(out, method, err);
}

static int call(struct api *a, const char *subscription, const char *method, json_t *body,
		int64_t timeout_ms, struct api_response *ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct api_request q = { .what = subscription,
				 .method = body ? "POST" : "GET",
				 .body = body,
				 .timeout_ms = timeout_ms };

	/* A pull that found nothing may also be said so. */
	if (!strcmp(method, ":pull"))
		q.expected[0] = 504;
	else if (!body)
		q.expected[0] = 403;
	if (append_path(subscription, method, &path, err) < 0)
		return -1;
	q.path = buf_cstr(&path, err);
	return q.path ? api_call(a, &q, ret, err) : -1;
}

int pubsub_subscription_get(struct api *a, const char *subscription, json_t **ret,
			    struct error *err)
{
	auto_api_response r = API_RESPONSE_INIT;

	if (call(a, subscription, "", NULL, TIMEOUT_MS, &r, err) < 0)
		return -1;
	if (r.status == 403)
		return 0;
	if (!json_is_object(r.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is no object", subscription);
	*ret = json_incref(r.json);
	return 1;
}

int pubsub_pull(struct api *a, const char *subscription, int64_t max, json_t **ret,
		struct error *err)
{
	auto_api_response r = API_RESPONSE_INIT;
	json_t *body = json_pack("{s:I}", "maxMessages", (json_int_t)max), *messages;
	int rc = body ? call(a, subscription, ":pull", body, PULL_TIMEOUT_MS, &r, err)
		      : error_nomem(err);

	json_decref(body);
	if (rc < 0)
		return -1;
	messages = json_object_get(r.json, "receivedMessages");
	if (messages && !json_is_array(messages))
		return error_set(err, ERR_PROTOCOL, "%s: receivedMessages is no array",
				 subscription);
	*ret = messages ? json_incref(messages) : json_array();
	return *ret ? 0 : error_nomem(err);
}

/* Takes the body; NULL: memory was out. */
static int send_ids(struct api *a, const char *subscription, const char *method, json_t *body,
		    struct error *err)
{
	auto_api_response r = API_RESPONSE_INIT;
	int rc = body ? call(a, subscription, method, body, TIMEOUT_MS, &r, err) : error_nomem(err);

	json_decref(body);
	return rc;
}

int pubsub_acknowledge(struct api *a, const char *subscription, json_t *ids, struct error *err)
{
	return send_ids(a, subscription, ":acknowledge", json_pack("{s:O}", "ackIds", ids), err);
}

int pubsub_modify_deadline(struct api *a, const char *subscription, json_t *ids, int64_t seconds,
			   struct error *err)
{
	return send_ids(a, subscription, ":modifyAckDeadline",
			json_pack("{s:O,s:I}", "ackIds", ids, "ackDeadlineSeconds",
				  (json_int_t)seconds),
			err);
}
