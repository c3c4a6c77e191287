/*
 * schemainfer's two modes over arbitrary lines: what exact mode takes in the first pass fits its schema in the
 * second, and is JSON that jansson reads; compatible mode takes back what an invalid line did.
 */
#include <jansson.h>
#include <stdbool.h>

#include "infer/compatible.h"
#include "infer/exact.h"
#include "infer/rewrite.h"
#include "infer/schema_json.h"
#include "infer/schema_text.h"
#include "lib/log.h"
#include "lib/rowstream.h"
#include "tests/fuzz/target.h"

typedef void (*each_row)(void *context, const char *row, size_t length, uint64_t line);

/* Each line as rowstream_next lends it. */
static void for_rows(const uint8_t *data, size_t size, each_row f, void *context)
{
	char *row = malloc(size + 1 + ROWSTREAM_PADDING);
	size_t start = 0;
	uint64_t line = 0;

	REQUIRE(row);
	for (size_t i = 0; i <= size; i++)
		if (i == size || data[i] == '\n') {
			memset(row, '\n', size + 1 + ROWSTREAM_PADDING);
			memcpy(row, data + start, i - start);
			f(context, row, i - start, ++line);
			start = i + 1;
		}
	free(row);
}

struct exact_run {
	struct exact m;
	struct rewrite w;
	bool *valid; /* per line */
};

static void learn(void *context, const char *row, size_t length, uint64_t line)
{
	struct exact_run *run = context;
	struct error err;

	run->valid[line] = exact_row(&run->m, row, length, line, &err) == 0;
	REQUIRE(run->valid[line] || err.code == ERR_DATA);
}

static void rewrite(void *context, const char *row, size_t length, uint64_t line)
{
	struct exact_run *run = context;
	json_error_t why;
	struct error err;
	json_t *json;

	if (!run->valid[line])
		return;
	buf_clear(run->w.out);
	REQUIRE(rewrite_row(&run->w, row, length, line, &err) == 0);
	json = json_loadb(run->w.out->data, run->w.out->length, JSON_ALLOW_NUL, &why);
	/* jansson has limits of its own, which say nothing against the row. */
	REQUIRE(json || json_error_code(&why) == json_error_numeric_overflow ||
		json_error_code(&why) == json_error_null_byte_in_key ||
		json_error_code(&why) == json_error_stack_overflow);
	json_decref(json);
}

static void check_exact(const uint8_t *data, size_t size, const struct config *config)
{
	struct exact_run run = { .w = { .config = config, .rule = NAMES_BIGQUERY } };
	auto_buf out = BUF_INIT;
	struct schema *schema;
	struct error err;
	json_t *fields;

	run.valid = calloc(size + 2, sizeof *run.valid);
	REQUIRE(run.valid && exact_init(&run.m, config, &err) == 0);
	for_rows(data, size, learn, &run);
	REQUIRE(exact_flatten(&run.m, &err) == 0);
	run.w.top = run.m.top;
	run.w.out = &out;
	fields = schema_json(run.m.top, &err);
	REQUIRE(fields);
	if (json_array_size(fields)) {
		REQUIRE(schema_parse(fields, &schema, &err) == 0);
		schema_free(schema);
	}
	json_decref(fields);
	record_seal(run.m.top);
	/* An invalid line may have left a name behind that no valid one has; what it said is forgotten nowhere. */
	for_rows(data, size, rewrite, &run);
	exact_release(&run.m);
	free(run.valid);
}

static void deduce(void *context, const char *row, size_t length, uint64_t line)
{
	auto_buf before = BUF_INIT, after = BUF_INIT;
	struct compatible *m = context;
	struct error err;

	REQUIRE(schema_text_map(&before, m->top, &err) == 0);
	if (compatible_row(m, row, length, line, &err) == 0)
		return;
	REQUIRE(err.code == ERR_DATA);
	REQUIRE(schema_text_map(&after, m->top, &err) == 0);
	REQUIRE(before.length == after.length && !memcmp(before.data, after.data, after.length));
}

static void check_compatible(const uint8_t *data, size_t size, const struct config *config)
{
	auto_buf out = BUF_INIT;
	struct compatible m;
	struct error err;

	REQUIRE(compatible_init(&m, config, &err) == 0);
	for_rows(data, size, deduce, &m);
	REQUIRE(compatible_flatten(&m, &err) == 0);
	REQUIRE(schema_text(&out, m.top, &err) == 0);
	compatible_release(&m);
}

/* The first byte is the options. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = { .mode = INFER_EXACT, .ignore_invalid_lines = true };

	log_set_level(LOG_ERROR);
	if (!size || size > 20000)
		return 0;
	config.keep_nulls = data[0] & 1;
	config.quoted_values_are_strings = data[0] & 2;
	config.sanitize_names = data[0] & 4;
	config.infer_mode = data[0] & 8;
	config.preserve_input_sort_order = data[0] & 16;
	check_exact(data + 1, size - 1, &config);
	config.mode = INFER_COMPATIBLE;
	check_compatible(data + 1, size - 1, &config);
	return 0;
}
