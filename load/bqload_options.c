#include <stdlib.h>
#include <string.h>

#include "lib/google/stage.h"
#include "lib/parse.h"
#include "lib/utf8.h"
#include "load/config.h"
#include "load/metadata.h"
#include "load/plan.h"

#define FIELD(member) .offset = offsetof(struct config, member)
static const struct option_def options[] = {
	{ .name = "write",
	  .kind = OPTION_CHOICE,
	  FIELD(write),
	  .choices = plan_write_names,
	  .argument = "MODE",
	  .help = "append (default), truncate, empty or merge" },
	{ .name = "key",
	  .kind = OPTION_STRING,
	  FIELD(key),
	  .argument = "A,B",
	  .help = "with --write merge: the columns that name a row (default: the stream's key)" },
	{ .name = "cursor",
	  .kind = OPTION_STRING,
	  FIELD(cursor),
	  .argument = "COL",
	  .help = "with --write merge: a row replaces none whose COL is larger" },
	{ .name = "immutable",
	  .kind = OPTION_STRING,
	  FIELD(immutable),
	  .argument = "COL",
	  .help = "with --write merge: COL of a row never changes; only its partitions are read" },
	{ .name = "delete-missing",
	  .kind = OPTION_FLAG,
	  FIELD(delete_missing),
	  .help = "with --write merge: delete the rows that a full stream lacks" },
	{ .name = "soft-delete",
	  .kind = OPTION_STRING,
	  FIELD(soft_delete),
	  .argument = "COL",
	  .help = "with --write merge: mark them in COL instead" },
	{ .name = "undelete",
	  .kind = OPTION_STRING,
	  FIELD(undelete),
	  .argument = "COL",
	  .help = "with --write merge: take that mark from the rows that come" },
	{ .name = "keys-only",
	  .kind = OPTION_FLAG,
	  FIELD(keys_only),
	  .help = "the stream only says which keys there are: delete, write no rows" },
	{ .name = "schema",
	  .kind = OPTION_STRING,
	  FIELD(schema_file),
	  .argument = "FILE",
	  .help = "the rows' schema, as `bq show --schema` prints it" },
	{ .name = "bare",
	  .kind = OPTION_FLAG,
	  FIELD(bare),
	  .help = "stdin is plain NDJSON, whose end proves nothing" },
	{ .name = "no-create",
	  .kind = OPTION_FLAG,
	  FIELD(no_create),
	  .help = "the table must exist" },
	{ .name = "replace-schema",
	  .kind = OPTION_FLAG,
	  FIELD(replace_schema),
	  .help = "with --write truncate: the stream's schema replaces the table's" },
	{ .name = "evolve",
	  .kind = OPTION_STRING,
	  FIELD(evolve),
	  .argument = "LIST",
	  .help = "how the schema may change: none, or a list of add,relax,widen (default add,relax)" },
	{ .name = "add-column",
	  .kind = OPTION_REPEAT,
	  FIELD(add_columns),
	  .argument = "KIND[=NAME]",
	  .help = "add loaded_at, extracted_at, run_id, batch_id or source_table to each row" },
	{ .name = "allow-lossy",
	  .kind = OPTION_FLAG,
	  FIELD(allow_lossy),
	  .help = "NUMERIC may go into FLOAT columns, digits behind the point may be rounded" },
	{ .name = "partition-by",
	  .kind = OPTION_STRING,
	  FIELD(layout.partition_by),
	  .argument = "COL[:UNIT]",
	  .help = "of a new table: by DAY, HOUR, MONTH, YEAR or :START:END:STEP" },
	{ .name = "partition-expiration",
	  .kind = OPTION_DURATION,
	  FIELD(layout.partition_expiration_ms),
	  .argument = "D",
	  .help = "drop partitions this old" },
	{ .name = "require-partition-filter",
	  .kind = OPTION_FLAG,
	  FIELD(layout.require_partition_filter),
	  .help = "queries must name partitions" },
	{ .name = "cluster-by",
	  .kind = OPTION_STRING,
	  FIELD(layout.cluster_by),
	  .argument = "A,B",
	  .help = "cluster a new table by up to four columns" },
	{ .name = "max-bad-records",
	  .kind = OPTION_INT,
	  FIELD(max_bad_records),
	  .argument = "N",
	  .help = "rows whose values BigQuery may refuse (default 0)",
	  .max = INT32_MAX },
	{ .name = "maximum-bytes-billed",
	  .kind = OPTION_INT,
	  FIELD(maximum_bytes_billed),
	  .argument = "N",
	  .help = "fail a query job, as a MERGE, that would cost more bytes" },
	{ .name = "label",
	  .kind = OPTION_REPEAT,
	  FIELD(labels),
	  .argument = "K=V",
	  .help = "label of the job; may be repeated" },
	{ .name = "stage",
	  .kind = OPTION_STRING,
	  FIELD(stage),
	  .argument = "gs://BUCKET/PREFIX",
	  .help = "send the rows as objects there, and load those by one job" },
	{ .name = "parallel",
	  .kind = OPTION_INT,
	  FIELD(parallel),
	  .argument = "N",
	  .help = "with --stage: that many connections (default 4)",
	  .min = 1,
	  .max = STAGE_CONNECTIONS_MAX },
	{ .name = "part-size",
	  .kind = OPTION_STRING,
	  FIELD(part_size),
	  .argument = "SIZE",
	  .help = "with --stage: size of the first objects (default 64MiB)" },
	{ .name = "gzip",
	  .kind = OPTION_FLAG,
	  FIELD(gzip),
	  .help = "with --stage: compress the objects" },
	{ .name = "run-id",
	  .kind = OPTION_STRING,
	  FIELD(run_id),
	  .argument = "ID",
	  .help = "names the load: under one id it happens once" },
	{ .name = "ledger",
	  .kind = OPTION_STRING,
	  FIELD(ledger),
	  .argument = "NAME",
	  .help = "account of loads: DATASET.TABLE or file:PATH; empty: none",
	  .env = "BQ_LOAD_STATE_TABLE" },
	{ .name = "state",
	  .kind = OPTION_FLAG,
	  FIELD(state),
	  .help = "say what the ledger says of the table (without one: of all), load nothing" },
	{ .name = "dry-run",
	  .kind = OPTION_FLAG,
	  FIELD(dry_run),
	  .help = "read and check everything, write nothing" },
	{ .name = "project",
	  .kind = OPTION_STRING,
	  FIELD(project),
	  .argument = "ID",
	  .env = "BQ_PROJECT",
	  .help = "project that runs the job (GOOGLE_CLOUD_PROJECT)" },
	{ .name = "location",
	  .kind = OPTION_STRING,
	  FIELD(location),
	  .argument = "LOC",
	  .help = "of the job (default: the dataset's)" },
	{ .name = "timeout",
	  .kind = OPTION_DURATION,
	  FIELD(timeout_ms),
	  .argument = "D",
	  .help = "give up after this long, exit status 75" },
	{ .name = "lock-wait",
	  .kind = OPTION_DURATION,
	  FIELD(lock_wait_ms),
	  .argument = "D",
	  .help = "wait so long for the lock of a batch (default 30s)" },
	{ .name = "credentials",
	  .kind = OPTION_STRING,
	  FIELD(credentials),
	  .argument = "FILE",
	  .help = "key file (GOOGLE_APPLICATION_CREDENTIALS)" },
	{ .name = "endpoint",
	  .kind = OPTION_REPEAT,
	  FIELD(endpoints),
	  .argument = "SERVICE=URL",
	  .help = "another server for bigquery or storage; authentication stays on" },
	{ .name = "retry-initial",
	  .kind = OPTION_DURATION,
	  FIELD(retry_initial_ms),
	  .argument = "D",
	  .help = "first delay before a request is repeated (default 1s)" },
	{ .name = "retry-for",
	  .kind = OPTION_DURATION,
	  FIELD(retry_for_ms),
	  .argument = "D",
	  .help = "repeat failing requests this long (default 10m)" },
	{ 0 },
};
#undef FIELD

static const char *const usage[] = { "[options] [PROJECT:]DATASET.TABLE < STREAM",
				     "[options] < BATCHES",
				     "--state --ledger NAME [options] [[PROJECT:]DATASET.TABLE]",
				     NULL };

const struct program program = {
	.name = "bqload",
	.summary = "load row streams, or batches of objects, into BigQuery tables, atomically",
	.usage = usage,
	.options = options,
};

static int parse_evolve(const char *list, struct schema_rules *rules, struct error *err)
{
	char **word;
	size_t count;

	if (!list) {
		rules->add = rules->relax = true;
		return 0;
	}
	if (!strcmp(list, "none"))
		return 0;
	if (parse_list(list, &word, &count, err) < 0)
		return error_prefix(err, "--evolve");
	for (size_t i = 0; i < count; i++) {
		if (!strcmp(word[i], "add")) {
			rules->add = true;
		} else if (!strcmp(word[i], "relax")) {
			rules->relax = true;
		} else if (!strcmp(word[i], "widen")) {
			rules->widen = true;
		} else {
			error_set(err, ERR_USAGE, "--evolve: '%s' is not none, add, relax or widen",
				  word[i]);
			free(word);
			return -1;
		}
	}
	free(word);
	return 0;
}

static const char *merge_option(const struct config *c)
{
	return c->key              ? "--key"
	       : c->cursor         ? "--cursor"
	       : c->immutable      ? "--immutable"
	       : c->delete_missing ? "--delete-missing"
	       : c->soft_delete    ? "--soft-delete"
	       : c->undelete       ? "--undelete"
	       : c->keys_only      ? "--keys-only"
				   : NULL;
}

static int check_merge(const struct config *c, struct error *err)
{
	const char *option = merge_option(c);

	if (option && c->write != WRITE_MERGE)
		return error_set(err, ERR_USAGE, "%s needs --write merge", option);
	if (c->keys_only && !c->delete_missing && !c->soft_delete)
		return error_set(err, ERR_USAGE,
				 "--keys-only needs --delete-missing or --soft-delete");
	if (c->keys_only && c->add_columns.count)
		return error_set(err, ERR_USAGE, "--keys-only writes no rows: no --add-column");
	if (c->undelete && (c->delete_missing || c->soft_delete))
		return error_set(err, ERR_USAGE,
				 "--undelete is for streams that tell not what is missing; "
				 "--soft-delete does the same besides");
	return 0;
}

/* The option given that only a stream of rows has a use for: a batch says all of that itself. */
static const char *row_option(const struct config *c)
{
	const struct {
		bool is_given;
		const char *name;
	} given[] = {
		{ c->write != WRITE_APPEND, "--write" },
		{ merge_option(c), merge_option(c) },
		{ c->schema_file, "--schema" },
		{ c->bare, "--bare" },
		{ c->no_create, "--no-create" },
		{ c->replace_schema, "--replace-schema" },
		{ c->evolve, "--evolve" },
		{ c->add_columns.count, "--add-column" },
		{ c->allow_lossy, "--allow-lossy" },
		{ c->layout.partition_by, "--partition-by" },
		{ c->layout.partition_expiration_ms, "--partition-expiration" },
		{ c->layout.require_partition_filter, "--require-partition-filter" },
		{ c->layout.cluster_by, "--cluster-by" },
		{ c->max_bad_records, "--max-bad-records" },
		{ c->stage, "--stage" },
		{ c->run_id, "--run-id" },
	};

	for (size_t i = 0; i < sizeof given / sizeof *given; i++)
		if (given[i].is_given)
			return given[i].name;
	return NULL;
}

static int check_operands(const struct config *c, const struct command_line *line,
			  struct error *err)
{
	const char *option = line->operand_count == 0 && !c->state ? row_option(c) : NULL;

	if (line->operand_count > 1)
		return error_set(err, ERR_USAGE, "one destination is enough: '%s'?",
				 line->operands[1]);
	return option ? error_set(err, ERR_USAGE, "%s needs a destination, [PROJECT:]DATASET.TABLE",
				  option)
		      : 0;
}

int config_check(const struct config *c, const struct command_line *line, struct plan_options *plan,
		 struct error *err)
{
	if (c->state && (!c->ledger || !*c->ledger))
		return error_set(err, ERR_USAGE, "--state needs --ledger");
	if (check_operands(c, line, err) < 0)
		return -1;
	if (c->replace_schema && c->write != WRITE_TRUNCATE)
		return error_set(err, ERR_USAGE, "--replace-schema needs --write truncate");
	if (check_merge(c, err) < 0)
		return -1;
	if (!c->stage && (c->parallel || c->part_size || c->gzip))
		return error_set(err, ERR_USAGE, "%s needs --stage",
				 c->parallel    ? "--parallel"
				 : c->part_size ? "--part-size"
						: "--gzip");
	if (c->run_id && (!*c->run_id || strchr(c->run_id, '\n') ||
			  utf8_valid_prefix(c->run_id, strlen(c->run_id)) != strlen(c->run_id)))
		return error_set(err, ERR_USAGE,
				 "--run-id: empty, not UTF-8, or with a line end in it");
	if (metadata_check(&c->add_columns, err) < 0)
		return -1;
	*plan = (struct plan_options){
		.write = (enum write_mode)c->write,
		.no_create = c->no_create,
		.replace_schema = c->replace_schema,
		.rules = { .allow_lossy = c->allow_lossy, .keys_only = c->keys_only },
		.layout = c->layout,
		.labels = &c->labels,
		.max_bad_records = c->max_bad_records,
	};
	return parse_evolve(c->evolve, &plan->rules, err);
}
