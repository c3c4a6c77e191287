#include "notify/message.h"

#include <stdlib.h>
#include <string.h>

#include "lib/google/crypto.h"
#include "lib/json_scan.h"
#include "lib/rowstream.h"

static const json_t *inner(const json_t *received)
{
	return json_object_get(received, "message");
}

const char *message_id(const json_t *received)
{
	return json_string_value(json_object_get(inner(received), "messageId"));
}

const char *message_ack_id(const json_t *received)
{
	return json_string_value(json_object_get(received, "ackId"));
}

const char *message_ordering_key(const json_t *received)
{
	const char *key = json_string_value(json_object_get(inner(received), "orderingKey"));

	return key ? key : "";
}

/* ,"name":value; nothing where there is no value. */
static int append_member(struct buf *out, const char *name, const json_t *value, struct error *err)
{
	char *text;
	int rc;

	if (!value)
		return 0;
	text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	rc = text ? buf_appendf(out, err, ",\"%s\":%s", name, text) : error_nomem(err);
	free(text);
	return rc;
}

/* Is it one JSON value, in valid UTF-8? The buffer has LF and padding behind its length. */
static bool is_json(const struct buf *b)
{
	struct error ignored;
	struct json_cursor c = { .start = b->data, .end = b->data + b->length, .err = &ignored };
	const char *p = json_value(&c, b->data, 0);

	return p && json_skip_space(p) == c.end && json_check_utf8(&c) == 0;
}

/* Numbers keep all their digits, because nothing reads them here. */
static int append_json(struct buf *out, const char *data, struct error *err)
{
	auto_buf b = BUF_INIT;

	if (crypto_base64_decode(data, strlen(data), &b, err) < 0 ||
	    buf_reserve(&b, ROWSTREAM_PADDING + 1, err) < 0)
		return -1;
	/* Between values they are as good; inside a string neither is JSON. */
	for (size_t i = 0; i < b.length; i++)
		if (b.data[i] == '\n' || b.data[i] == '\r')
			b.data[i] = '\t';
	b.data[b.length] = '\n';
	memset(b.data + b.length + 1, 0, ROWSTREAM_PADDING);
	if (b.length == 0 || !is_json(&b))
		return 0;
	if (buf_append_str(out, ",\"json\":", err) < 0)
		return -1;
	return buf_append(out, b.data, b.length, err);
}

int message_append(const json_t *received, struct buf *out, struct error *err)
{
	const json_t *m = inner(received), *data = json_object_get(m, "data");
	const char *text = json_string_value(data);
	char *id = json_dumps(json_object_get(m, "messageId"), JSON_ENCODE_ANY);
	int rc = id ? buf_appendf(out, err, "{\"@message\":{\"id\":%s", id) : error_nomem(err);

	free(id);
	if (rc < 0 || append_member(out, "data", data, err) < 0)
		return -1;
	if (text && append_json(out, text, err) < 0)
		return error_prefix(err, "message %s", message_id(received));
	if (append_member(out, "attributes", json_object_get(m, "attributes"), err) < 0 ||
	    append_member(out, "publishTime", json_object_get(m, "publishTime"), err) < 0 ||
	    append_member(out, "orderingKey", json_object_get(m, "orderingKey"), err) < 0 ||
	    append_member(out, "deliveryAttempt", json_object_get(received, "deliveryAttempt"),
			  err) < 0)
		return -1;
	return buf_append_str(out, "}}\n", err);
}
