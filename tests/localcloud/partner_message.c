/*
 * TransferRun as binary protobuf (developers.google.com/protocol-buffers/docs/encoding), written by hand: what reads it
 * in Sluice is generated, so the two do not share a mistake.
 */
#include "tests/localcloud/dts_time.h"
#include "tests/localcloud/json_util.h"
#include "tests/localcloud/partner.h"

#include <string.h>

enum wire { VARINT = 0, FIXED64 = 1, BYTES = 2 };

static int put_varint(struct buf *out, uint64_t value, struct error *err)
{
	unsigned char bytes[10];
	size_t n = 0;

	do {
		bytes[n] = (unsigned char)(value & 0x7f);
		value >>= 7;
		bytes[n++] |= value ? 0x80 : 0;
	} while (value);
	return buf_append(out, bytes, n, err);
}

static int put_tag(struct buf *out, unsigned field, enum wire wire, struct error *err)
{
	return put_varint(out, (uint64_t)field << 3 | wire, err);
}

static int put_bytes(struct buf *out, unsigned field, const void *p, size_t n, struct error *err)
{
	if (put_tag(out, field, BYTES, err) < 0 || put_varint(out, n, err) < 0)
		return -1;
	return buf_append(out, p, n, err);
}

/* proto3 leaves out what has its default. */
static int put_string(struct buf *out, unsigned field, const char *s, struct error *err)
{
	return *s ? put_bytes(out, field, s, strlen(s), err) : 0;
}

static int put_number(struct buf *out, unsigned field, int64_t value, struct error *err)
{
	if (value == 0)
		return 0;
	return put_tag(out, field, VARINT, err) < 0 ? -1 : put_varint(out, (uint64_t)value, err);
}

static int put_time(struct buf *out, unsigned field, const char *text, struct error *err)
{
	auto_buf inner = BUF_INIT;
	int64_t us;

	if (!*text || dts_time_parse(text, &us))
		return 0;
	if (put_number(&inner, 1, us / 1000000, err) < 0 ||
	    put_number(&inner, 2, us % 1000000 * 1000, err) < 0)
		return -1;
	return put_bytes(out, field, inner.data, inner.length, err);
}

/* --- google.protobuf.Struct ----------------------------------------------------------------------------------- */

static int put_struct(struct buf *out, const json_t *object, struct error *err);

static int put_list(struct buf *out, const json_t *array, struct error *err);

/* The members of a Value. */
static int put_value(struct buf *out, const json_t *value, struct error *err)
{
	auto_buf inner = BUF_INIT;
	double number;

	switch (json_typeof(value)) {
	case JSON_OBJECT:
		return put_struct(&inner, value, err) < 0
			       ? -1
			       : put_bytes(out, 5, inner.data, inner.length, err);
	case JSON_ARRAY:
		return put_list(&inner, value, err) < 0
			       ? -1
			       : put_bytes(out, 6, inner.data, inner.length, err);
	case JSON_STRING: /* a oneof is written even where it is empty */
		return put_bytes(out, 3, json_string_value(value), json_string_length(value), err);
	case JSON_INTEGER:
	case JSON_REAL:
		number = json_number_value(value);
		return put_tag(out, 2, FIXED64, err) < 0
			       ? -1
			       : buf_append(out, &number, sizeof(number), err);
	case JSON_TRUE:
	case JSON_FALSE:
		return put_tag(out, 4, VARINT, err) < 0 ? -1
							: put_varint(out, json_is_true(value), err);
	default:
		return put_tag(out, 1, VARINT, err) < 0 ? -1 : put_varint(out, 0, err);
	}
}

static int put_list(struct buf *out, const json_t *array, struct error *err)
{
	json_t *item;
	size_t i;

	json_array_foreach((json_t *)array, i, item) {
		auto_buf value = BUF_INIT;

		if (put_value(&value, item, err) < 0 ||
		    put_bytes(out, 1, value.data, value.length, err) < 0)
			return -1;
	}
	return 0;
}

static int put_struct(struct buf *out, const json_t *object, struct error *err)
{
	const char *key;
	json_t *member;

	json_object_foreach((json_t *)object, key, member) {
		auto_buf entry = BUF_INIT, value = BUF_INIT;

		if (put_value(&value, member, err) < 0 || put_string(&entry, 1, key, err) < 0 ||
		    put_bytes(&entry, 2, value.data, value.length, err) < 0 ||
		    put_bytes(out, 1, entry.data, entry.length, err) < 0)
			return -1;
	}
	return 0;
}

/* --- the message ---------------------------------------------------------------------------------------------- */

int partner_message(const json_t *run, struct buf *out, struct error *err)
{
	auto_buf params = BUF_INIT;

	if (put_string(out, 1, ju_string(run, "name", ""), err) < 0 ||
	    put_string(out, 2, ju_string(run, "destinationDatasetId", ""), err) < 0 ||
	    put_time(out, 3, ju_string(run, "scheduleTime", ""), err) < 0 ||
	    put_time(out, 6, ju_string(run, "updateTime", ""), err) < 0 ||
	    put_string(out, 7, ju_string(run, "dataSourceId", ""), err) < 0 ||
	    put_number(out, 8, 2, err) < 0)
		return -1;
	if (json_object_get(run, "params") &&
	    (put_struct(&params, json_object_get(run, "params"), err) < 0 ||
	     put_bytes(out, 9, params.data, params.length, err) < 0))
		return -1;
	if (put_time(out, 10, ju_string(run, "runTime", ""), err) < 0 ||
	    put_number(out, 11, ju_int64(run, "userId", 0), err) < 0)
		return -1;
	return put_string(out, 12, ju_string(run, "schedule", ""), err);
}
