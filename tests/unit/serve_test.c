/* What dtsserve makes of requests, times, parameters and connectors' files. */
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "tests/unit/unit.h"
#include "trigger/serve_params.h"
#include "trigger/serve_request.h"

#define NAME "projects/p/locations/us/transferConfigs/c/runs/r"

/* --- requests -------------------------------------------------------------------------------- */

/* The message of the failure, or "" with *r. */
static const char *from_json(const char *text, struct request *r)
{
	static struct error err;
	json_t *json = json_loads(text, 0, NULL);
	int rc = request_from_json(json, r, &err);

	json_decref(json);
	return rc < 0 ? err.message : "";
}

static void requests_of_json(void)
{
	struct request r;

	unit_test("a transfer run of JSON, with names of both forms");
	CHECK(!*from_json("{\"name\":\"" NAME
			  "\",\"data_source_id\":\"s\",\"destinationDatasetId\":\"d\","
			  "\"run_time\":\"2018-04-30\",\"userId\":\"9007199254740993\","
			  "\"params\":{\"snake_case\":1}}",
			  &r));
	CHECK(!strcmp(r.config, "projects/p/locations/us/transferConfigs/c"));
	CHECK(!strcmp(r.config_id, "c") && !strcmp(r.run_id, "r") && !strcmp(r.source, "s"));
	CHECK(!strcmp(r.run_time, "2018-04-30T00:00:00Z") && !*r.schedule_time);
	CHECK(r.user_id == INT64_C(9007199254740993));
	CHECK(json_object_get(r.params, "snake_case"));
	request_release(&r);

	unit_test("what a transfer run lacks is named, and nothing becomes a path but plain names");
	CHECK(!strcmp(from_json("{}", &r), "name is missing"));
	CHECK_HAS(from_json("{\"name\":\"projects/p/runs/r\"}", &r), "is not projects/P/locations");
	CHECK_HAS(from_json("{\"name\":\"" NAME "/x\"}", &r), "is not projects/P/locations");
	CHECK_HAS(from_json("{\"name\":\"projects/p/locations/us/transferConfigs//runs/r\"}", &r),
		  "is not projects/P/locations");
	CHECK_HAS(from_json("{\"name\":\"projects/p/locations/us/transferConfigs/../runs/r\"}", &r),
		  "is not projects/P/locations");
	CHECK_HAS(from_json("{\"name\":\"projects/p/transferConfigs/c/runs/.\"}", &r),
		  "is not projects/P/locations");
	CHECK_HAS(from_json("{\"name\":\"" NAME "\",\"dataSourceId\":\"../x\"}", &r),
		  "dataSourceId is missing, or is no plain name");
	CHECK_HAS(from_json("{\"name\":\"" NAME
			    "\",\"dataSourceId\":\"s\",\"destinationDatasetId\":\"d\"}",
			    &r),
		  "runTime is missing");
	CHECK_HAS(from_json("{\"name\":\"" NAME
			    "\",\"dataSourceId\":\"s\",\"destinationDatasetId\":\"d\","
			    "\"runTime\":\"soon\"}",
			    &r),
		  "runTime is no time");
}

/* One more field of bytes around or behind what there is. */
static void put_field(struct buf *out, unsigned field, const void *p, size_t n)
{
	struct error err;
	unsigned char head[2] = { (unsigned char)(field << 3 | 2), (unsigned char)n };

	CHECK(n < 128 && buf_append(out, head, 2, &err) == 0 && buf_append(out, p, n, &err) == 0);
}

/* The least that a run has; params: of field 9, or NULL. */
static int from_protobuf(const struct buf *params, struct request *r, struct error *err)
{
	static const unsigned char run_time[] = { 0x08, 0x80, 0xf5, 0x99, 0xd7, 0x05 };
	static const unsigned char user[] = { 0x58, 0xff, 0xff, 0xff, 0xff,
					      0xff, 0xff, 0xff, 0xff, 0x7f };
	auto_buf message = BUF_INIT;

	put_field(&message, 1, NAME, strlen(NAME));
	put_field(&message, 2, "d", 1);
	put_field(&message, 7, "s", 1);
	if (params)
		put_field(&message, 9, params->data, params->length);
	put_field(&message, 10, run_time, sizeof run_time);
	CHECK(buf_append(&message, user, sizeof user, err) == 0);
	/* A field that is not known here. */
	put_field(&message, 15, "x", 1);
	return request_from_protobuf(message.data, message.length, r, err);
}

static void requests_of_protobuf(void)
{
	/* {"k": [1.5, -3, "", true, null, {}]} */
	static const unsigned char list[] = {
		0x0a, 0x01, 'k',  0x12, 0x28, 0x32, 0x26, 0x0a, 0x09, 0x11, 0,    0,
		0,    0,    0,    0,    0xf8, 0x3f, 0x0a, 0x09, 0x11, 0,    0,    0,
		0,    0,    0,    0x08, 0xc0, 0x0a, 0x02, 0x1a, 0x00, 0x0a, 0x02, 0x20,
		0x01, 0x0a, 0x02, 0x08, 0x00, 0x0a, 0x02, 0x2a, 0x00
	};
	auto_buf params = BUF_INIT;
	struct request r;
	struct error err;
	char *text;

	unit_test("a transfer run of binary protobuf");
	put_field(&params, 1, list, sizeof list);
	CHECK(from_protobuf(&params, &r, &err) == 0);
	CHECK(!strcmp(r.name, NAME) && !strcmp(r.dataset, "d") && !strcmp(r.source, "s"));
	CHECK(!strcmp(r.run_time, "2018-04-30T02:08:00Z") && r.user_id == INT64_MAX);
	text = json_dumps(r.params, JSON_COMPACT);
	CHECK(text && !strcmp(text, "{\"k\":[1.5,-3,\"\",true,null,{}]}"));
	free(text);
	request_release(&r);

	unit_test("what is no protobuf, no UTF-8");
	CHECK(request_from_protobuf("\x0a\xff", 2, &r, &err) < 0 && err.code == ERR_DATA);
	CHECK(request_from_protobuf("", 0, &r, &err) < 0 && err.code == ERR_DATA);
	CHECK(request_from_protobuf("\x0a\x01\xff", 3, &r, &err) < 0 && err.code == ERR_DATA);
}

static void deep_requests(void)
{
	enum { LEVELS = 20000 };
	struct request r;
	struct error err;
	auto_buf in = BUF_INIT, out = BUF_INIT;

	unit_test("lists in lists, 20,000 deep, do not end the program");
	/* value { list_value { values: … } }, from the inside; lengths as varints of three bytes. */
	for (int i = 0; i < LEVELS; i++) {
		static const unsigned char tags[] = { 0x0a, 0x32 };

		for (size_t j = 0; j < 2; j++) {
			unsigned char head[4] = { tags[j], (unsigned char)(in.length | 0x80),
						  (unsigned char)(in.length >> 7 | 0x80),
						  (unsigned char)(in.length >> 14) };

			buf_clear(&out);
			if (in.length + 8 < (1 << 14) &&
			    (buf_append(&out, head, 4, &err) < 0 ||
			     buf_append(&out, in.data, in.length, &err) < 0))
				return;
			if (out.length) {
				struct buf swap = in;

				in = out;
				out = swap;
			}
		}
	}
	/* Around it: member 2 of a struct's field 1 of the run's field 9. */
	for (size_t i = 0; i < 3; i++) {
		static const unsigned char tags[] = { 0x12, 0x0a, 0x4a };
		unsigned char head[4] = { tags[i], (unsigned char)(in.length | 0x80),
					  (unsigned char)(in.length >> 7 | 0x80),
					  (unsigned char)(in.length >> 14) };
		struct buf swap = in;

		buf_clear(&out);
		CHECK(buf_append(&out, head, 4, &err) == 0 &&
		      buf_append(&out, in.data, in.length, &err) == 0);
		in = out;
		out = swap;
	}
	CHECK(request_from_protobuf(in.data, in.length, &r, &err) < 0);
	CHECK_HAS(err.message, "nested more than 64 deep");
}

/* --- parameters ------------------------------------------------------------------------------ */

/* What the check says, or the parameters it has made. The caller frees. */
static char *checked(const char *parameters, const char *params)
{
	json_t *list = json_loads(parameters, 0, NULL);
	json_t *definition = json_pack("{s:{s:o}}", "dataSource", "parameters", list);
	struct request r = { .params = json_loads(params, 0, NULL) };
	struct error err;
	char *text = params_check(definition, &r, &err) < 0 ? strdup(err.message)
							    : json_dumps(r.params, JSON_COMPACT);

	json_decref(definition);
	json_decref(r.params);
	return text;
}

static bool check_is(const char *parameters, const char *params, const char *want)
{
	char *got = checked(parameters, params);
	bool same = got && !strcmp(got, want);

	if (!same)
		printf("# %s\n", got ? got : "nothing");
	free(got);
	return same;
}

static void parameters(void)
{
	unit_test("parameters become what their type says");
	CHECK(check_is(
		"[{\"paramId\":\"a\",\"type\":\"INTEGER\"},{\"paramId\":\"b\",\"type\":\"BOOLEAN\"},"
		"{\"paramId\":\"c\",\"type\":\"DOUBLE\"},{\"paramId\":\"d\",\"repeated\":true,\"type\":\"INTEGER\"}]",
		"{\"a\":\"12\",\"b\":\"true\",\"c\":\"1.5\",\"d\":[\"1\",2],\"other\":\"x\"}",
		"{\"a\":12,\"b\":true,\"c\":1.5,\"d\":[1,2],\"other\":\"x\"}"));

	unit_test("all that is wrong with them is said");
	CHECK(check_is(
		"[{\"paramId\":\"a\",\"type\":\"INTEGER\",\"required\":true},{\"paramId\":\"b\",\"type\":\"STRING\"},"
		"{\"paramId\":\"c\",\"type\":\"INTEGER\"},{\"paramId\":\"d\",\"type\":\"STRING\",\"repeated\":true}]",
		"{\"b\":1,\"c\":\"1.5\",\"d\":\"x\"}",
		"parameter a is missing; parameter b is no STRING; parameter c is no INTEGER; "
		"parameter d is no list"));
	CHECK(check_is("[{\"paramId\":\"a\",\"required\":true}]", "{\"a\":null}",
		       "parameter a is missing"));
	CHECK(check_is("[{\"paramId\":\"a\"}]", "{\"a\":null}", "{\"a\":null}"));
	CHECK(check_is("[{\"paramId\":\"a\",\"type\":\"INTEGER\",\"minValue\":1,\"maxValue\":3}]",
		       "{\"a\":0}", "parameter a is below 1"));
	CHECK(check_is("[{\"paramId\":\"a\",\"type\":\"INTEGER\",\"minValue\":1,\"maxValue\":3}]",
		       "{\"a\":\"4\"}", "parameter a is above 3"));
	CHECK(check_is("[{\"paramId\":\"a\",\"type\":\"INTEGER\",\"minValue\":1,\"maxValue\":3}]",
		       "{\"a\":3}", "{\"a\":3}"));

	unit_test("an expression is held against the whole text");
	CHECK(check_is("[{\"paramId\":\"a\",\"validationRegex\":\"\\\\d+\"}]", "{\"a\":\"12\"}",
		       "{\"a\":\"12\"}"));
	CHECK(check_is("[{\"paramId\":\"a\",\"validationRegex\":\"\\\\d+\"}]", "{\"a\":\"12x\"}",
		       "parameter a does not match \\d+"));
	CHECK(check_is("[{\"paramId\":\"a\",\"validationRegex\":\"(\"}]", "{\"a\":\"12\"}",
		       "parameter a cannot be held against the expression ("));
	CHECK(check_is("[{\"paramId\":\"a\",\"validationRegex\":\"(a+)+[bd]\"}]",
		       "{\"a\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac\"}",
		       "parameter a cannot be held against the expression (a+)+[bd]"));
	CHECK(check_is("[{\"paramId\":\"a\",\"allowedValues\":[\"x\",\"y\"]}]", "{\"a\":\"z\"}",
		       "parameter a is none of the allowed values"));
}

/* The table's id, or the message. */
static bool id_is(const char *template, const char *want)
{
	struct request r = { .params = json_loads(
				     "{\"n\":12,\"s\":\"x_y\",\"bad\":\"a.b\",\"l\":[1]}", 0, NULL),
			     .run_time = "2018-04-30T12:00:00Z",
			     .user_id = 7 };
	struct error err;
	char *id = NULL;
	bool same;

	same = params_table_id(template, &r, &id, &err) < 0 ? !strcmp(err.message, want)
							    : !strcmp(id, want);
	if (!same)
		printf("# %s\n", id ? id : err.message);
	free(id);
	json_decref(r.params);
	return same;
}

static void templates(void)
{
	unit_test("templates of destination tables");
	CHECK(id_is("date_greg${run_yyyymmdd}", "date_greg$20180430"));
	CHECK(id_is("t_{n}_{s}_{user_id}", "t_12_x_y_7"));
	CHECK(id_is("plain", "plain"));

	unit_test("templates that give no table");
	CHECK(id_is("t_{none}",
		    "the template t_{none}: {none}: there is no such parameter of one value"));
	CHECK(id_is("t_{run_time}", "the template t_{run_time}: {run_time}: there is no such "
				    "parameter of one value"));
	CHECK(id_is("t_{l}", "the template t_{l}: {l}: there is no such parameter of one value"));
	CHECK(id_is("t_{n", "the template t_{n: a brace without its other one"));
	CHECK(id_is("t_n}", "the template t_n}: a brace without its other one"));
	CHECK(id_is("t_{bad}", "the template t_{bad} gives t_a.b, which is no table's id"));
	CHECK(id_is("t$x", "the template t$x gives t$x, which is no table's id"));
	CHECK(id_is("{{n}}", "the template {{n}} gives {n}, which is no table's id"));
}

int main(void)
{
	requests_of_json();
	requests_of_protobuf();
	deep_requests();
	parameters();
	templates();
	return unit_done();
}
