/* What Pub/Sub hands out, and what gcswatch reads of it: one line each, which says what was sent. */
#include <stdbool.h>

#include "lib/google/crypto.h"
#include "notify/event.h"
#include "notify/message.h"

#include "tests/fuzz/target.h"

static void check_event(const json_t *line)
{
	struct event e;
	struct error err;

	if (event_parse(line, &e, &err) < 0) {
		REQUIRE(err.code == ERR_DATA);
		return;
	}
	if (e.made) {
		REQUIRE(*e.bucket && *e.object);
		REQUIRE(!e.generation ||
			(*e.generation && !e.generation[strspn(e.generation, "0123456789")]));
	}
	event_release(&e);
}

/* What jansson takes, and we do not: more than 500 levels, and a NUL for the end. */
static bool is_special(const char *raw, size_t length)
{
	size_t levels = 0;

	for (size_t i = 0; i < length; i++) {
		levels += raw[i] == '[' || raw[i] == '{';
		if (!raw[i])
			return true;
	}
	return levels > 500;
}

/* The data as JSON: where both can be read, they are the same. */
static void check_json(const json_t *message, const char *data)
{
	auto_buf raw = BUF_INIT;
	struct error err;
	const char *text;
	json_t *value;

	REQUIRE(crypto_base64_decode(data, strlen(data), &raw, &err) == 0);
	text = raw.data ? raw.data : "";
	value = json_loadb(text, raw.length, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
	REQUIRE(!value || is_special(text, raw.length) ||
		json_equal(value, json_object_get(message, "json")));
	json_decref(value);
}

/* received: a ReceivedMessage, perhaps. */
static void check_message(const json_t *received)
{
	static const char begin[] = "{\"@message\":{\"id\":";
	const json_t *data = json_object_get(json_object_get(received, "message"), "data"), *inner;
	auto_buf out = BUF_INIT;
	struct error err;
	json_t *line;

	/* Without an id it is refused before it comes so far. */
	if (!message_id(received) || message_append(received, &out, &err) < 0)
		return;
	REQUIRE(out.length > sizeof begin && !memcmp(out.data, begin, sizeof begin - 1));
	REQUIRE(memchr(out.data, '\n', out.length) == out.data + out.length - 1);
	/* jansson reads no number beyond its own types, and no NUL unless asked. */
	line = json_loadb(out.data, out.length, JSON_ALLOW_NUL, NULL);
	if (!line)
		return;
	inner = json_object_get(line, "@message");
	REQUIRE(!data || json_equal(json_object_get(inner, "data"), data));
	if (json_is_string(data))
		check_json(inner, json_string_value(data));
	check_event(line);
	json_decref(line);
}

/* A message with these bytes as its data. New reference. */
static json_t *wrap(const uint8_t *bytes, size_t size)
{
	auto_buf text = BUF_INIT;
	struct error err;
	json_t *message;

	REQUIRE(crypto_base64(bytes, size, &text, &err) == 0);
	message = json_pack("{s:{s:s,s:s}}", "message", "messageId", "1", "data",
			    buf_cstr(&text, &err));
	REQUIRE(message);
	return message;
}

/* 'd' and the data of a message; else, from the second byte, a line of JSON. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *json;

	if (size == 0)
		return 0;
	json = data[0] == 'd' ? wrap(data + 1, size - 1)
			      : json_loadb((const char *)data + 1, size - 1, 0, NULL);
	if (!json)
		return 0;
	check_message(json);
	check_event(json);
	json_decref(json);
	return 0;
}
