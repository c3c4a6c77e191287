#include "notify/event.h"

#include <stdlib.h>
#include <string.h>

void event_release(struct event *e)
{
	free(e->bucket);
	free(e->object);
	free(e->generation);
	*e = (struct event){ .made = false };
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static int fill(const json_t *of, const char *bucket, const char *object, const char *generation,
		struct event *ret, struct error *err)
{
	const char *b = json_string_value(json_object_get(of, bucket));
	const char *o = json_string_value(json_object_get(of, object));
	const json_t *g = json_object_get(of, generation);

	if (!b || !*b || !o || !*o)
		return error_set(err, ERR_DATA, "%s is missing", !b || !*b ? bucket : object);
	if (g && (!json_is_string(g) || !is_number(json_string_value(g))))
		return error_set(err, ERR_DATA, "%s is no generation", generation);
	*ret = (struct event){ .made = true,
			       .bucket = strdup(b),
			       .object = strdup(o),
			       .generation = g ? strdup(json_string_value(g)) : NULL };
	if (ret->bucket && ret->object && (!g || ret->generation))
		return 0;
	event_release(ret);
	return error_nomem(err);
}

/* What Cloud Storage sends is told by the attributes; the data, if any, repeats the resource. */
static int parse_message(const json_t *message, struct event *ret, struct error *err)
{
	const json_t *attributes = json_object_get(message, "attributes");
	const char *type = json_string_value(json_object_get(attributes, "eventType"));

	if (!type)
		return error_set(err, ERR_DATA,
				 "a message without the attribute eventType: it is no notification "
				 "of Cloud Storage");
	*ret = (struct event){ .made = false };
	if (strcmp(type, "OBJECT_FINALIZE") != 0)
		return 0;
	return fill(attributes, "bucketId", "objectId", "objectGeneration", ret, err);
}

int event_parse(const json_t *line, struct event *ret, struct error *err)
{
	const json_t *pulled = json_object_get(line, "@message");
	const json_t *pushed = json_object_get(line, "message");
	const char *kind = json_string_value(json_object_get(line, "kind"));

	if (json_is_object(pulled))
		return parse_message(pulled, ret, err);
	if (json_is_object(pushed))
		return parse_message(pushed, ret, err);
	if (kind && !strcmp(kind, "storage#object"))
		return fill(line, "bucket", "name", "generation", ret, err);
	return error_set(err, ERR_DATA,
			 "neither a @message, nor the body of a push request, nor an object of "
			 "Cloud Storage");
}
