/* Strict parsing of what users type, options, schemas and destinations. */
#include "lib/parse.h"

#include <stdlib.h>

#include "lib/google/destination.h"
#include "lib/options.h"
#include "lib/schema.h"
#include "load/schema_fit.h"
#include "tests/unit/unit.h"

static int64_t duration(const char *text)
{
	struct error err;
	int64_t ms;

	return parse_duration_ms(text, &ms, &err) < 0 ? -1 : ms;
}

static void test_numbers(void)
{
	struct error err;
	int64_t n = 42;
	bool yes;

	unit_test("whole numbers are parsed strictly, to both ends of the range");
	CHECK(parse_int64("-9223372036854775808", INT64_MIN, INT64_MAX, &n, &err) == 0 &&
	      n == INT64_MIN);
	CHECK(parse_int64("9223372036854775807", INT64_MIN, INT64_MAX, &n, &err) == 0 &&
	      n == INT64_MAX);
	CHECK(parse_int64("9223372036854775808", INT64_MIN, INT64_MAX, &n, &err) < 0);
	CHECK(parse_int64("-9223372036854775809", INT64_MIN, INT64_MAX, &n, &err) < 0);
	CHECK(parse_int64("", 0, 9, &n, &err) < 0 && parse_int64("-", -9, 9, &n, &err) < 0);
	CHECK(parse_int64("1x", 0, 9, &n, &err) < 0 && parse_int64(" 1", 0, 9, &n, &err) < 0);
	CHECK(parse_int64("10", 0, 9, &n, &err) < 0 && n == INT64_MAX);
	unit_test("durations are Go's, and bare numbers are seconds");
	CHECK(duration("1h30m") == 5400000 && duration("90s") == 90000 && duration("250ms") == 250);
	CHECK(duration("10") == 10000 && duration("1.5s") == 1500 && duration("2d") == 172800000);
	CHECK(duration("") == -1 && duration("1x") == -1 && duration("s") == -1 &&
	      duration("1h30") == -1);
	CHECK(duration("-1s") == -1 && duration("999999999999999999h") == -1);
	CHECK(duration("9223372036854775.808300ms") == -1);
	unit_test("booleans are words in any case");
	CHECK(parse_bool("YES", &yes, &err) == 0 && yes && parse_bool("0", &yes, &err) == 0 &&
	      !yes);
	CHECK(parse_bool("2", &yes, &err) < 0 && parse_bool("", &yes, &err) < 0);
}

struct sample {
	bool flag;
	int64_t count;
	const char *text;
	struct option_values many;
};

static const struct option_def sample_options[] = {
	{ .name = "flag",
	  .letter = 'f',
	  .kind = OPTION_FLAG,
	  .offset = offsetof(struct sample, flag) },
	{ .name = "count",
	  .letter = 'n',
	  .kind = OPTION_INT,
	  .offset = offsetof(struct sample, count),
	  .max = 10,
	  .env = "SLUICE_TEST_COUNT" },
	{ .name = "text", .kind = OPTION_STRING, .offset = offsetof(struct sample, text) },
	{ .name = "many", .kind = OPTION_REPEAT, .offset = offsetof(struct sample, many) },
	{ 0 },
};
static const char *const sample_usage[] = { "x", NULL };
static const struct program sample_program = {
	.name = "sample", .summary = "s", .usage = sample_usage, .options = sample_options
};

static int parse(const char *const *words, struct sample *config, struct command_line *line,
		 struct error *err)
{
	static char *argv[16];
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	argv[argc] = NULL;
	return options_parse(&sample_program, argc, argv, config, line, err);
}

#define PARSE(...) parse((const char *const[]){ __VA_ARGS__ }, &config, &line, &err)

static void test_options(void)
{
	struct sample config = { 0 };
	struct command_line line;
	struct error err;

	unit_test("options and operands mix, -- ends the options");
	CHECK(PARSE("sample", "one", "--flag", "--count=3", "two", "--text", "-x", "--", "--flag",
		    NULL) == 0);
	CHECK(config.flag && config.count == 3 && !strcmp(config.text, "-x"));
	CHECK(line.operand_count == 3 && !strcmp(line.operands[2], "--flag"));
	CHECK(line.dashes && line.operands_before_dashes == 2);
	unit_test("letters join, with and without a value");
	config = (struct sample){ 0 };
	CHECK(PARSE("sample", "-fn5", NULL) == 0 && config.flag && config.count == 5);
	unit_test("a repeated option gathers its values");
	CHECK(PARSE("sample", "--many", "a", "--many=b", NULL) == 0 && config.many.count == 2);
	unit_test("unknown and abbreviated options, and missing values, are refused by name");
	CHECK(PARSE("sample", "--fla", NULL) < 0 && err.code == ERR_USAGE);
	CHECK_HAS(err.message, "--fla");
	CHECK(PARSE("sample", "--count", NULL) < 0);
	CHECK_HAS(err.message, "--count");
	CHECK(PARSE("sample", "--count=11", NULL) < 0);
	CHECK_HAS(err.message, "11");
	CHECK(PARSE("sample", "--flag=1", NULL) < 0);
	unit_test("the environment is the default, the flag wins, a bad variable is named");
	setenv("SLUICE_TEST_COUNT", "7", 1);
	CHECK(PARSE("sample", NULL) == 0 && config.count == 7);
	CHECK(PARSE("sample", "-n1", NULL) == 0 && config.count == 1);
	setenv("SLUICE_TEST_COUNT", "x", 1);
	CHECK(PARSE("sample", NULL) < 0 && err.code == ERR_CONFIG);
	CHECK_HAS(err.message, "SLUICE_TEST_COUNT");
	unsetenv("SLUICE_TEST_COUNT");
}

static struct schema *schema_of(const char *text, struct error *err)
{
	json_t *fields = json_loads(text, 0, NULL);
	struct schema *s = NULL;

	if (schema_parse(fields, &s, err) < 0)
		s = NULL;
	json_decref(fields);
	return s;
}

static void test_schema(void)
{
	struct error err = { 0 };
	struct schema *s =
		schema_of("[{\"name\":\"a\",\"type\":\"INT64\"},{\"name\":\"r\",\"type\":"
			  "\"struct\",\"mode\":\"repeated\",\"fields\":[{\"name\":\"x\","
			  "\"type\":\"BOOL\"}]}]",
			  &err);

	unit_test("a schema is read in both vocabularies and canonical words come out");
	CHECK(s && s->count == 2 && s->field[0].type == TYPE_INTEGER &&
	      s->field[1].mode == MODE_REPEATED);
	CHECK(s && s->field[1].fields->field[0].type == TYPE_BOOLEAN);
	CHECK(s && schema_find(s, "A", 1) == &s->field[0] && !schema_find(s, "b", 1));
	CHECK(s && !strcmp(json_string_value(json_object_get(json_array_get(s->json, 0), "type")),
			   "INTEGER"));
	schema_free(s);
	unit_test("a bad schema is refused by column");
	CHECK(!schema_of("[]", &err));
	CHECK(!schema_of("[{\"name\":\"a\",\"type\":\"X\"}]", &err));
	CHECK_HAS(err.message, "column a: type X");
	CHECK(!schema_of(
		"[{\"name\":\"a\",\"type\":\"STRING\"},{\"name\":\"A\",\"type\":\"STRING\"}]",
		&err));
	CHECK_HAS(err.message, "without case");
	CHECK(!schema_of("[{\"name\":\"_partitiontime\",\"type\":\"STRING\"}]", &err));
	CHECK_HAS(err.message, "reserved");
	CHECK(!schema_of("[{\"name\":\"a\",\"type\":\"RECORD\"}]", &err));
}

/* The words of the fit, or NULL with err. */
static void test_schema_names(void)
{
	static const char *const good[] = { "a b", "été", "1st", "a-b", "x%&=+:'<>#|", "日本語" };
	static const char bad[] = "!\"$()*,./;?@[\\]^`{}~\n\x7f";
	char name[1300] = "", text[2000];
	struct schema *s;
	struct error err;

	unit_test("BigQuery's flexible names are taken");
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		snprintf(text, sizeof text, "[{\"name\":\"%s\",\"type\":\"DATE\"}]", good[i]);
		s = schema_of(text, &err);
		CHECK(s && !strcmp(s->field[0].name, good[i]));
		schema_free(s);
	}
	unit_test("characters that BigQuery does not take are named");
	for (const char *c = bad; *c; c++) {
		snprintf(text, sizeof text, "[{\"name\":\"x\\u%04xy\",\"type\":\"DATE\"}]",
			 (unsigned)*c);
		CHECK(!schema_of(text, &err) && err.code == ERR_DATA);
	}
	CHECK(!schema_of("[{\"name\":\"a.b\",\"type\":\"DATE\"}]", &err));
	CHECK_HAS(err.message, "column a.b: BigQuery takes no . in a name");
	unit_test("a name has 300 characters at most, whatever their bytes");
	for (int i = 0; i < 300; i++)
		memcpy(name + 3 * i, "語", 4);
	snprintf(text, sizeof text, "[{\"name\":\"%s\",\"type\":\"DATE\"}]", name);
	s = schema_of(text, &err);
	CHECK(s);
	schema_free(s);
	snprintf(text, sizeof text, "[{\"name\":\"%sx\",\"type\":\"DATE\"}]", name);
	CHECK(!schema_of(text, &err));
	CHECK_HAS(err.message, "over 300 characters");
}

static void test_decimals(void)
{
	static const char *const bad[] = { "\"NUMERIC\",\"precision\":\"40\",\"scale\":\"9\"",
					   "\"NUMERIC\",\"precision\":\"20\",\"scale\":\"10\"",
					   "\"NUMERIC\",\"precision\":\"2\",\"scale\":\"3\"",
					   "\"NUMERIC\",\"precision\":\"30\"",
					   "\"NUMERIC\",\"precision\":\"0\"",
					   "\"NUMERIC\",\"precision\":\"x\"",
					   "\"NUMERIC\",\"scale\":\"2\"",
					   "\"BIGNUMERIC\",\"precision\":\"77\",\"scale\":\"38\"",
					   "\"BIGNUMERIC\",\"precision\":\"39\"" };
	char text[200];
	struct error err;
	struct schema *s = schema_of(
		"[{\"name\":\"a\",\"type\":\"NUMERIC\"},{\"name\":\"b\",\"type\":\"BIGNUMERIC\"},"
		"{\"name\":\"c\",\"type\":\"NUMERIC\",\"precision\":\"10\",\"scale\":\"2\"},"
		"{\"name\":\"d\",\"type\":\"BIGNUMERIC\",\"precision\":76,\"scale\":38},"
		"{\"name\":\"e\",\"type\":\"NUMERIC\",\"precision\":\"29\"}]",
		&err);

	unit_test("precision and scale are read, as text and as numbers");
	CHECK(s && s->field[0].precision == 0 && s->field[0].scale == 9);
	CHECK(s && s->field[1].precision == 0 && s->field[1].scale == 38);
	CHECK(s && s->field[2].precision == 10 && s->field[2].scale == 2);
	CHECK(s && s->field[3].precision == 76 && s->field[3].scale == 38);
	CHECK(s && s->field[4].precision == 29 && s->field[4].scale == 0);
	schema_free(s);
	unit_test("decimals that BigQuery does not have are refused by column");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		snprintf(text, sizeof text, "[{\"name\":\"d\",\"type\":%s}]", bad[i]);
		CHECK(!schema_of(text, &err) && err.code == ERR_DATA);
		CHECK_HAS(err.message, "column d");
	}
}

static json_t *fit(const char *stream, const char *table, struct schema_rules rules,
		   struct schema_fit *ret, struct error *err)
{
	struct schema *s = schema_of(stream, err), *t = schema_of(table, err);
	int rc = schema_fit(s, t, &rules, ret, err);

	schema_free(s);
	schema_free(t);
	return rc < 0 ? NULL : ret->fields;
}

static void test_schema_fit(void)
{
	const struct schema_rules all = { .add = true, .relax = true }, none = { 0 };
	struct schema_fit f;
	struct error err;

	unit_test("the same schema fits without changes");
	CHECK(fit("[{\"name\":\"a\",\"type\":\"STRING\"}]",
		  "[{\"name\":\"A\",\"type\":\"STRING\"}]", none, &f, &err) &&
	      !f.adds && !f.relaxes);
	json_decref(f.fields);
	unit_test("compatible types go in unchanged, under the table's type");
	CHECK(fit("[{\"name\":\"a\",\"type\":\"DATETIME\"}]",
		  "[{\"name\":\"a\",\"type\":\"TIMESTAMP\"}]", none, &f, &err));
	CHECK(!strcmp(json_string_value(json_object_get(json_array_get(f.fields, 0), "type")),
		      "TIMESTAMP"));
	json_decref(f.fields);
	unit_test("a new REQUIRED column is added NULLABLE");
	CHECK(fit("[{\"name\":\"a\",\"type\":\"STRING\"},{\"name\":\"b\",\"type\":\"DATE\",\"mode\":"
		  "\"REQUIRED\"}]",
		  "[{\"name\":\"a\",\"type\":\"STRING\"}]", all, &f, &err) &&
	      f.adds);
	CHECK(!strcmp(json_string_value(json_object_get(json_array_get(f.fields, 1), "mode")),
		      "NULLABLE"));
	json_decref(f.fields);
	unit_test("a REQUIRED column that the stream lacks is relaxed, or refused");
	CHECK(fit("[{\"name\":\"a\",\"type\":\"STRING\"}]",
		  "[{\"name\":\"a\",\"type\":\"STRING\"},{\"name\":\"b\",\"type\":\"DATE\",\"mode\":"
		  "\"REQUIRED\"}]",
		  all, &f, &err) &&
	      f.relaxes);
	json_decref(f.fields);
	CHECK(!fit("[{\"name\":\"a\",\"type\":\"STRING\"}]",
		   "[{\"name\":\"a\",\"type\":\"STRING\",\"mode\":\"REQUIRED\"}]", none, &f, &err));
	CHECK_HAS(err.message, "\n  a       STRING REQUIRED  STRING  --evolve relax");
	unit_test("types that differ are a diff with a line for each column");
	CHECK(!fit("[{\"name\":\"a\",\"type\":\"STRING\"},{\"name\":\"b\",\"type\":\"FLOAT\"}]",
		   "[{\"name\":\"a\",\"type\":\"DATE\"},{\"name\":\"b\",\"type\":\"INTEGER\"}]",
		   all, &f, &err));
	CHECK(err.code == ERR_DATA);
	CHECK_HAS(err.message,
		  "\n  column  table    stream  needed\n  a       DATE     STRING  another type");
	CHECK_HAS(err.message, "\n  b       INTEGER  FLOAT   --evolve widen");
	unit_test("NUMERIC goes into FLOAT only when that is allowed");
	CHECK(!fit("[{\"name\":\"a\",\"type\":\"NUMERIC\"}]",
		   "[{\"name\":\"a\",\"type\":\"FLOAT\"}]", all, &f, &err));
	CHECK(fit("[{\"name\":\"a\",\"type\":\"NUMERIC\"}]",
		  "[{\"name\":\"a\",\"type\":\"FLOAT\"}]",
		  (struct schema_rules){ .allow_lossy = true }, &f, &err));
	json_decref(f.fields);
}

static void test_schema_fit_decimals(void)
{
#define DECIMAL(type, p, s) \
	"[{\"name\":\"a\",\"type\":\"" type "\",\"precision\":\"" p "\",\"scale\":\"" s "\"}]"
	const struct schema_rules all = { .add = true, .relax = true };
	struct schema_fit f;
	struct error err;

	unit_test("digits behind the point are never rounded unless that is allowed");
	CHECK(!fit(DECIMAL("NUMERIC", "12", "4"), DECIMAL("NUMERIC", "12", "2"), all, &f, &err));
	CHECK_HAS(err.message, "a       NUMERIC(12,2)  NUMERIC(12,4)  --evolve widen");
	CHECK(!fit("[{\"name\":\"a\",\"type\":\"NUMERIC\"}]", DECIMAL("BIGNUMERIC", "12", "2"), all,
		   &f, &err));
	CHECK_HAS(err.message, "BIGNUMERIC(12,2)  NUMERIC  --evolve widen");
	CHECK(fit(DECIMAL("NUMERIC", "12", "4"), DECIMAL("NUMERIC", "12", "2"),
		  (struct schema_rules){ .allow_lossy = true }, &f, &err));
	json_decref(f.fields);
	unit_test("the table's precision and scale stay, whatever the stream's");
	CHECK(fit(DECIMAL("NUMERIC", "20", "2"), DECIMAL("BIGNUMERIC", "12", "4"), all, &f, &err) &&
	      !f.adds && !f.relaxes);
	CHECK(!strcmp(json_string_value(json_object_get(json_array_get(f.fields, 0), "precision")),
		      "12"));
	json_decref(f.fields);
	CHECK(fit("[{\"name\":\"a\",\"type\":\"INTEGER\"}]", DECIMAL("NUMERIC", "10", "2"), all, &f,
		  &err));
	json_decref(f.fields);
#undef DECIMAL
}

static void test_schema_fit_repeated(void)
{
#define REPEATED(type) "[{\"name\":\"a\",\"type\":\"" type "\",\"mode\":\"REPEATED\"}]"
	const struct schema_rules all = { .add = true, .relax = true }, none = { 0 };
	struct schema_fit f;
	struct error err;

	unit_test("REPEATED fits REPEATED, its elements as other values do");
	CHECK(fit(REPEATED("STRING"), REPEATED("STRING"), none, &f, &err));
	json_decref(f.fields);
	CHECK(fit(REPEATED("DATETIME"), REPEATED("TIMESTAMP"), none, &f, &err));
	CHECK(!strcmp(json_string_value(json_object_get(json_array_get(f.fields, 0), "mode")),
		      "REPEATED"));
	json_decref(f.fields);
	CHECK(!fit(REPEATED("STRING"), REPEATED("INTEGER"), all, &f, &err));
	CHECK_HAS(err.message, "a       INTEGER REPEATED  STRING REPEATED  another type");
	unit_test("REPEATED and single do not fit each other");
	CHECK(!fit(REPEATED("STRING"), "[{\"name\":\"a\",\"type\":\"STRING\"}]", all, &f, &err));
	CHECK_HAS(err.message, "BigQuery cannot change this mode");
	CHECK(!fit("[{\"name\":\"a\",\"type\":\"STRING\"}]", REPEATED("STRING"), all, &f, &err));
	unit_test("a new REPEATED column stays REPEATED, one that the stream lacks needs nothing");
	CHECK(fit("[{\"name\":\"b\",\"type\":\"DATE\",\"mode\":\"REPEATED\"}]", REPEATED("STRING"),
		  all, &f, &err) &&
	      f.adds && !f.relaxes);
	CHECK(!strcmp(json_string_value(json_object_get(json_array_get(f.fields, 1), "mode")),
		      "REPEATED"));
	json_decref(f.fields);
#undef REPEATED
}

/* What --partition-by makes of a schema with a column "a:b", as JSON; "" when it is refused. */
static char *partition(const char *partition_by, struct error *err)
{
	const struct layout layout = { .partition_by = partition_by };
	struct schema *s = schema_of(
		"[{\"name\":\"a:b\",\"type\":\"DATE\"},{\"name\":\"n\",\"type\":\"INTEGER\"},"
		"{\"name\":\"x:1\",\"type\":\"INTEGER\"}]",
		err);
	json_t *load = json_object();
	char *text = layout_apply(&layout, s, load, err) == 0 ? json_dumps(load, JSON_COMPACT)
							      : strdup("");

	schema_free(s);
	json_decref(load);
	return text;
}

static void is_partition(const char *partition_by, const char *json)
{
	struct error err;
	char *text = partition(partition_by, &err);

	if (strcmp(text, json))
		printf("# %s: %s\n", partition_by, text);
	CHECK(!strcmp(text, json));
	free(text);
}

static void is_no_partition(const char *partition_by, int code, const char *message)
{
	struct error err;
	char *text = partition(partition_by, &err);

	CHECK(!*text && err.code == code);
	CHECK_HAS(err.message, message);
	free(text);
}

static void test_partition_by(void)
{
	unit_test("--partition-by: a column whose name has colons, with and without a unit");
	is_partition("a:b", "{\"timePartitioning\":{\"type\":\"DAY\",\"field\":\"a:b\"}}");
	is_partition("A:B:month", "{\"timePartitioning\":{\"type\":\"MONTH\",\"field\":\"a:b\"}}");
	is_partition("x:1:0:10:5",
		     "{\"rangePartitioning\":{\"field\":\"x:1\",\"range\":{\"start\":\"0\","
		     "\"end\":\"10\",\"interval\":\"5\"}}}");
	is_partition("n:-5:10:5",
		     "{\"rangePartitioning\":{\"field\":\"n\",\"range\":{\"start\":\"-5\","
		     "\"end\":\"10\",\"interval\":\"5\"}}}");
	unit_test("--partition-by: what is wrong is said");
	is_no_partition("nowhere:DAY", ERR_DATA, "column nowhere is not in the schema");
	is_no_partition("nowhere:1:2", ERR_USAGE, "is neither COL[:UNIT] nor");
	is_no_partition("a:b:WEEK", ERR_USAGE, "'WEEK' is not DAY");
	is_no_partition("n", ERR_DATA, "column n is INTEGER");
	is_no_partition("n:1:x:3", ERR_USAGE, "--partition-by");
	is_no_partition("n:5:5:1", ERR_USAGE, "START < END");
}

static void check_destination(const char *text, const char *project, const char *dataset,
			      const char *table, const char *decorator)
{
	struct destination d = { 0 };
	struct error err;

	CHECK(destination_parse(text, &d, &err) == 0);
	CHECK(project ? d.project && !strcmp(d.project, project) : !d.project);
	CHECK(d.dataset && !strcmp(d.dataset, dataset));
	CHECK(d.table && !strcmp(d.table, table));
	CHECK(decorator ? d.decorator && !strcmp(d.decorator, decorator) : !d.decorator);
	destination_release(&d);
}

static void test_destination(void)
{
	static const char *const bad[] = { "",     "t",    "d.",   ".t",    "p:t",
					   ":d.t", "a..t", "d.t$", "d.t$x", "d x.t" };
	struct destination d;
	struct error err;

	unit_test("a destination is read in both notations, with a partition");
	check_destination("d.t", NULL, "d", "t", NULL);
	check_destination("p:d.t", "p", "d", "t", NULL);
	check_destination("p.d.t", "p", "d", "t", NULL);
	check_destination("example.com:p:d.t$20240131", "example.com:p", "d", "t", "20240131");
	check_destination("d.t$__NULL__", NULL, "d", "t", "__NULL__");
	unit_test("what is no destination is refused");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		CHECK(destination_parse(bad[i], &d, &err) < 0 && err.code == ERR_USAGE);
}

static void bytes(void)
{
	static const char *const bad[] = { "",
					   "0",
					   "K",
					   "1k",
					   "1KB",
					   "1Ki",
					   "-1",
					   "1 M",
					   "1M1",
					   "9223372036854775808",
					   "9007199254740992K" };
	struct error err;
	int64_t n;

	unit_test("sizes are bytes, or K, M, G, T of 1,024");
	CHECK(parse_bytes("4096", &n, &err) == 0 && n == 4096);
	CHECK(parse_bytes("256KiB", &n, &err) == 0 && n == 262144);
	CHECK(parse_bytes("64M", &n, &err) == 0 && n == 67108864);
	CHECK(parse_bytes("3GiB", &n, &err) == 0 && n == INT64_C(3221225472));
	CHECK(parse_bytes("2T", &n, &err) == 0 && n == INT64_C(2199023255552));
	unit_test("what is no size is refused and quoted");
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		CHECK(parse_bytes(bad[i], &n, &err) < 0 && err.code == ERR_USAGE);
		CHECK_HAS(err.message, bad[i]);
	}
}

int main(void)
{
	test_numbers();
	test_options();
	test_schema();
	test_schema_names();
	test_decimals();
	test_schema_fit();
	test_schema_fit_decimals();
	test_schema_fit_repeated();
	test_partition_by();
	test_destination();
	bytes();
	return unit_done();
}
