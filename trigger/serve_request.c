#include "trigger/serve_request.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/google/crypto.h"
#include "trigger/serve_document.h"
#include "trigger/transfer_run.pb-c.h"

enum { DEPTH_MAX = 64 };

/* --- protobuf -------------------------------------------------------------------------------- */

/* Which messages lie in which: protobuf-c goes as deep as the bytes do, on the stack. */
enum kind { KIND_NONE, KIND_RUN, KIND_STRUCT, KIND_MEMBER, KIND_VALUE, KIND_LIST };

static enum kind inner_kind(enum kind kind, uint64_t field)
{
	static const struct {
		enum kind kind;
		unsigned field;
		enum kind inner;
	} nested[] = {
		{ KIND_RUN, 9, KIND_STRUCT },   { KIND_STRUCT, 1, KIND_MEMBER },
		{ KIND_MEMBER, 2, KIND_VALUE }, { KIND_VALUE, 5, KIND_STRUCT },
		{ KIND_VALUE, 6, KIND_LIST },   { KIND_LIST, 1, KIND_VALUE },
	};

	for (size_t i = 0; i < sizeof nested / sizeof *nested; i++)
		if (nested[i].kind == kind && nested[i].field == field)
			return nested[i].inner;
	return KIND_NONE;
}

static bool take_varint(const unsigned char **p, const unsigned char *end, uint64_t *ret)
{
	*ret = 0;
	for (unsigned shift = 0; shift < 64 && *p < end; shift += 7) {
		unsigned char byte = *(*p)++;

		*ret |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return true;
	}
	return false;
}

/* True for whatever protobuf-c will refuse by itself, too. */
static bool is_shallow(const unsigned char *p, const unsigned char *end, enum kind kind,
		       unsigned depth)
{
	uint64_t tag, length;

	if (depth > 3 * DEPTH_MAX)
		return false;
	while (p < end && take_varint(&p, end, &tag)) {
		enum kind inner = inner_kind(kind, tag >> 3);

		switch (tag & 7) {
		case 0:
			if (!take_varint(&p, end, &length))
				return true;
			continue;
		case 1:
		case 5:
			length = (tag & 7) == 1 ? 8 : 4;
			break;
		case 2:
			if (!take_varint(&p, end, &length))
				return true;
			break;
		default:
			return true;
		}
		if (length > (uint64_t)(end - p))
			return true;
		if ((tag & 7) == 2 && inner != KIND_NONE &&
		    !is_shallow(p, p + length, inner, depth + 1))
			return false;
		p += length;
	}
	return true;
}

static json_t *struct_json(const Sluice__Struct *s);

/* Numbers are doubles there; whole ones were integers to whoever wrote them. */
static json_t *number_json(double value)
{
	if (value == floor(value) && fabs(value) <= 9007199254740992.0)
		return json_integer((json_int_t)value);
	return json_real(value);
}

/* NULL: not UTF-8, not a number, or out of memory. */
static json_t *value_json(const Sluice__Value *v)
{
	json_t *array;

	switch (v ? v->kind_case : SLUICE__VALUE__KIND__NOT_SET) {
	case SLUICE__VALUE__KIND_NUMBER_VALUE:
		return number_json(v->number_value);
	case SLUICE__VALUE__KIND_STRING_VALUE:
		return json_string(v->string_value);
	case SLUICE__VALUE__KIND_BOOL_VALUE:
		return json_boolean(v->bool_value);
	case SLUICE__VALUE__KIND_STRUCT_VALUE:
		return struct_json(v->struct_value);
	case SLUICE__VALUE__KIND_LIST_VALUE:
		array = json_array();
		for (size_t i = 0; i < v->list_value->n_values; i++) {
			if (json_array_append_new(array, value_json(v->list_value->values[i])) <
			    0) {
				json_decref(array);
				return NULL;
			}
		}
		return array;
	default:
		return json_null();
	}
}

static json_t *struct_json(const Sluice__Struct *s)
{
	json_t *object = json_object();

	for (size_t i = 0; s && i < s->n_fields; i++) {
		if (json_object_set_new(object, s->fields[i]->key,
					value_json(s->fields[i]->value)) < 0) {
			json_decref(object);
			return NULL;
		}
	}
	return object;
}

static json_t *time_json(const Sluice__Timestamp *t)
{
	char text[DTS_TIME_SIZE];
	int64_t ns;

	if (!t || __builtin_mul_overflow(t->seconds, INT64_C(1000000000), &ns) ||
	    __builtin_add_overflow(ns, t->nanos, &ns))
		return json_null();
	dts_time_format(ns, text);
	return json_string(text);
}

static json_t *run_json(const Sluice__TransferRun *run)
{
	return json_pack("{s:s,s:s,s:s,s:o,s:o,s:o,s:I}", "name", run->name, "dataSourceId",
			 run->data_source_id, "destinationDatasetId", run->destination_dataset_id,
			 "params", struct_json(run->params), "runTime", time_json(run->run_time),
			 "scheduleTime", time_json(run->schedule_time), "userId",
			 (json_int_t)run->user_id);
}

int request_from_protobuf(const void *p, size_t n, struct request *ret, struct error *err)
{
	Sluice__TransferRun *message;
	json_t *run;
	int rc;

	if (!is_shallow(p, (const unsigned char *)p + n, KIND_RUN, 0))
		return error_set(err, ERR_DATA, "the parameters are nested more than %d deep",
				 DEPTH_MAX);
	message = sluice__transfer_run__unpack(NULL, n, p);
	if (!message)
		return error_set(err, ERR_DATA, "the data is no TransferRun");
	run = run_json(message);
	sluice__transfer_run__free_unpacked(message, NULL);
	if (!run)
		return error_set(err, ERR_DATA,
				 "the TransferRun has text that is not UTF-8, or NaN");
	rc = request_from_json(run, ret, err);
	json_decref(run);
	return rc;
}

/* --- JSON ------------------------------------------------------------------------------------ */

/* "projects/P/locations/L/transferConfigs/C/runs/R", or without the location. */
static int take_name(const char *name, struct request *r, struct error *err)
{
	static const char *const forms[] = { "projects/*/locations/*/transferConfigs/*/runs/*",
					     "projects/*/transferConfigs/*/runs/*" };
	const char *run, *config;

	for (size_t i = 0; i < 2; i++) {
		const char *p = name, *form = forms[i];

		for (; *form && *p; form++) {
			size_t n = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					     "0123456789-_.:");

			if (*form != '*' && *form != *p)
				break;
			p += *form == '*' ? n : 1;
			/* Nor "." or "..": it becomes part of a path. */
			if (*form == '*' && (n == 0 || (n <= 2 && strspn(p - n, ".") >= n)))
				break;
		}
		if (*form || *p)
			continue;
		r->name = strdup(name);
		run = strrchr(name, '/');
		r->run_id = strdup(run + 1);
		r->config = strndup(name, (size_t)(run - name) - strlen("/runs"));
		config = r->config ? strrchr(r->config, '/') : NULL;
		r->config_id = config ? strdup(config + 1) : NULL;
		return r->name && r->run_id && r->config_id ? 0 : error_nomem(err);
	}
	return error_set(err, ERR_DATA,
			 "the name '%s' is not projects/P/locations/L/transferConfigs/C/runs/R",
			 name);
}

/* A plain name: it becomes part of a path. */
static int take_word(const json_t *run, const char *key, char **ret, struct error *err)
{
	const char *text = json_string_value(json_object_get(run, key));

	if (!text || !*text || strchr(text, '/') || !strcmp(text, ".") || !strcmp(text, ".."))
		return error_set(err, ERR_DATA, "%s is missing, or is no plain name", key);
	*ret = strdup(text);
	return *ret ? 0 : error_nomem(err);
}

static int take_time(const json_t *run, const char *key, char ret[DTS_TIME_SIZE], struct error *err)
{
	const json_t *value = json_object_get(run, key);
	const char *text = json_string_value(value);
	int64_t ns;

	if (!value || json_is_null(value))
		return 0;
	if (!text || !dts_time_parse_day(text, &ns))
		return error_set(err, ERR_DATA, "%s is no time, as 2018-04-30T00:00:00Z", key);
	dts_time_format(ns, ret);
	return 0;
}

static int take_user(const json_t *run, int64_t *ret, struct error *err)
{
	const json_t *value = json_object_get(run, "userId");
	json_t *number = NULL;

	if (!value || json_is_null(value))
		return 0;
	if (json_is_string(value))
		number = json_loads(json_string_value(value), JSON_DECODE_ANY, NULL);
	if (!json_is_integer(number ? number : value)) {
		json_decref(number);
		return error_set(err, ERR_DATA, "userId is no integer");
	}
	*ret = json_integer_value(number ? number : value);
	json_decref(number);
	return 0;
}

static int take_members(const json_t *run, struct request *r, struct error *err)
{
	const char *name = json_string_value(json_object_get(run, "name"));
	const json_t *params = json_object_get(run, "params");

	if (!name)
		return error_set(err, ERR_DATA, "name is missing");
	if (take_name(name, r, err) < 0 || take_word(run, "dataSourceId", &r->source, err) < 0 ||
	    take_word(run, "destinationDatasetId", &r->dataset, err) < 0 ||
	    take_time(run, "runTime", r->run_time, err) < 0 ||
	    take_time(run, "scheduleTime", r->schedule_time, err) < 0 ||
	    take_user(run, &r->user_id, err) < 0)
		return -1;
	if (!*r->run_time)
		return error_set(err, ERR_DATA, "runTime is missing");
	if (params && !json_is_null(params) && !json_is_object(params))
		return error_set(err, ERR_DATA, "params is no object");
	r->params = json_is_object(params) ? json_deep_copy(params) : json_object();
	return r->params ? 0 : error_nomem(err);
}

int request_from_json(const json_t *run, struct request *ret, struct error *err)
{
	struct request r = { 0 };
	json_t *camel;
	int rc;

	if (!json_is_object(run))
		return error_set(err, ERR_DATA, "a transfer run is an object");
	if (document_camel(run, 1, &camel, err) < 0)
		return -1;
	rc = take_members(camel, &r, err);
	json_decref(camel);
	if (rc < 0)
		request_release(&r);
	else
		*ret = r;
	return rc;
}

/* data: base64. */
static int from_data(const char *data, struct request *ret, struct error *err)
{
	auto_buf bytes = BUF_INIT;

	if (crypto_base64_decode(data, strlen(data), &bytes, err) < 0)
		return -1;
	return request_from_protobuf(bytes.data ? bytes.data : "", bytes.length, ret, err);
}

int request_from_line(const char *line, size_t n, struct request *ret, struct error *err)
{
	json_error_t where;
	json_t *value = json_loadb(line, n, JSON_REJECT_DUPLICATES, &where);
	const json_t *message = json_object_get(value, "@message");
	const json_t *json = json_object_get(message, "json");
	const char *data = json_string_value(json_object_get(message, "data"));
	int rc;

	if (!value)
		return error_set(err, ERR_DATA, "no JSON: %s", where.text);
	if (!message)
		rc = request_from_json(value, ret, err);
	else if (json)
		rc = request_from_json(json, ret, err);
	else if (data)
		rc = from_data(data, ret, err);
	else
		rc = error_set(err, ERR_DATA, "the message has no data");
	json_decref(value);
	return rc;
}

void request_release(struct request *r)
{
	free(r->name);
	free(r->config);
	free(r->config_id);
	free(r->run_id);
	free(r->source);
	free(r->dataset);
	json_decref(r->params);
	*r = (struct request){ 0 };
}
