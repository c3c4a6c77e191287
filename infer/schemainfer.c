/*
 * schemainfer: infer a BigQuery schema from rows, and hand them on as a row
 * stream with that schema, made to fit it.
 */
#include <string.h>
#include <unistd.h>

#include "infer/infer.h"
#include "infer/schemainfer_options.h"
#include "lib/io.h"
#include "lib/log.h"

static int run(const struct config *config, struct error *err)
{
	struct rowstream_writer out;
	int rc;

	rowstream_writer_init(&out, STDOUT_FILENO, "stdout");
	rc = infer_run(config, &out, err);
	if (rc < 0 && !config->schema_only)
		rowstream_write_abort(&out, err);
	if (rc == 0)
		rc = io_close(STDOUT_FILENO, "stdout", err);
	rowstream_writer_release(&out);
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
