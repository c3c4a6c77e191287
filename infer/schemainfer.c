/*
 * schemainfer: infer a BigQuery schema from rows, and hand them on as a row
 * stream with that schema, made to fit it.
 */
#include <stdlib.h>
#include <unistd.h>

#include "infer/compatible.h"
#include "infer/input.h"
#include "infer/schema_text.h"
#include "infer/schemainfer_options.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/progress.h"

struct inference {
	const struct config *config;
	struct input in;
	struct compatible compatible;
	struct progress progress;
	uint64_t rows, invalid;
};

/* An invalid line: the end, or a warning with --ignore-invalid-lines. */
static int refuse(struct inference *i, struct error *err)
{
	if (!i->config->ignore_invalid_lines || err->code != ERR_DATA)
		return -1;
	i->invalid++;
	log_warn("%s; the line is left out", err->message);
	return 0;
}

static void tick(struct inference *i, uint64_t bytes)
{
	int64_t interval = i->config->debugging_interval;

	i->rows++;
	if (interval && i->rows % (uint64_t)interval == 0)
		log_info("%llu rows", (unsigned long long)i->rows);
	progress_tick(&i->progress, i->rows, bytes);
}

static int learn_rows(struct inference *i, struct error *err)
{
	const char *row;
	size_t length;
	uint64_t line;
	int rc;

	while ((rc = input_next(&i->in, &row, &length, &line, err)) > 0) {
		if (compatible_row(&i->compatible, row, length, line, err) < 0) {
			if (refuse(i, err) < 0)
				return -1;
			continue;
		}
		if (input_keep(&i->in, row, length, err) < 0)
			return -1;
		tick(i, i->in.rows.bytes);
		if ((i->rows & 1023) == 0 && signals_check(err) < 0)
			return -1;
	}
	return rc;
}

static int learn_csv(struct inference *i, struct error *err)
{
	struct csv *csv = &i->in.lines;
	int rc = csv_next(csv, err);

	if (rc <= 0)
		return rc;
	if (compatible_csv_header(&i->compatible, csv, err) < 0)
		return -1;
	while ((rc = csv_next(csv, err)) > 0) {
		if (compatible_csv_row(&i->compatible, csv, err) < 0) {
			if (refuse(i, err) < 0)
				return -1;
			continue;
		}
		tick(i, csv->bytes);
		if ((i->rows & 1023) == 0 && signals_check(err) < 0)
			return -1;
	}
	return rc;
}

static int print_schema(struct inference *i, struct error *err)
{
	auto_buf out = BUF_INIT;
	int rc;

	if (i->config->debugging_map)
		rc = schema_text_map(&out, i->compatible.top, err);
	else
		rc = compatible_flatten(&i->compatible, err) < 0
			     ? -1
			     : schema_text(&out, i->compatible.top, err);
	if (rc < 0 || buf_append(&out, "\n", 1, err) < 0 ||
	    io_write_all(STDOUT_FILENO, out.data, out.length, "stdout", err) < 0)
		return -1;
	return io_close(STDOUT_FILENO, "stdout", err);
}

static int infer(struct inference *i, struct error *err)
{
	if (input_open(&i->in, i->config, !i->config->schema_only, err) < 0)
		return -1;
	progress_start(&i->progress, i->in.name, i->in.size);
	if ((i->in.csv ? learn_csv(i, err) : learn_rows(i, err)) < 0)
		return -1;
	progress_finish(&i->progress, "read");
	return print_schema(i, err);
}

static int run(const struct config *config, struct error *err)
{
	struct inference i = { .config = config, .in = { .fd = -1, .spool = -1 } };
	struct schema *existing = NULL;
	int rc = compatible_init(&i.compatible, config, err);

	if (rc == 0 && config->existing) {
		rc = schema_read_file(config->existing, &existing, err);
		if (rc == 0)
			rc = compatible_seed(&i.compatible, existing, err);
	}
	if (rc == 0)
		rc = infer(&i, err);
	input_release(&i.in);
	compatible_release(&i.compatible);
	schema_free(existing);
	return rc;
}

int main(int argc, char **argv)
{
	struct config config = { 0 };
	struct command_line line;
	struct error err = { 0 };

	if (signals_init(&err) < 0 ||
	    schemainfer_options_parse(argc, argv, &config, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (run(&config, &err) < 0)
		return log_failure(&err);
	return 0;
}
