/*
 * bqload: load a row stream, or batches of objects in Cloud Storage, into
 * BigQuery tables, each atomically.
 *
 * One load job per run is the commit point. Its last chunk, which starts it,
 * is sent only after the stream has proven that it is whole.
 */
#include <unistd.h>

#include "lib/error.h"
#include "lib/io.h"
#include "lib/log.h"
#include "lib/options.h"
#include "load/batch_load.h"
#include "load/config.h"
#include "load/load.h"
#include "load/plan.h"
#include "load/state_report.h"

/* As long as the few directories take that another process usually has at hand. */
enum { LOCK_WAIT_MS = 30 * 1000 };

int main(int argc, char **argv)
{
	struct config config = { .lock_wait_ms = LOCK_WAIT_MS };
	struct command_line line;
	struct load load = { .config = &config };
	struct error err = { 0 };
	int rc;

	if (signals_init(&err) < 0 || options_parse(&program, argc, argv, &config, &line, &err) < 0)
		return log_failure(&err);
	if (line.done)
		return 0;
	if (config_check(&config, &line, &load.plan_options, &err) < 0)
		return log_failure(&err);
	rowstream_writer_init(&load.out, STDOUT_FILENO, "stdout");
	rc = config.timeout_ms ? signals_set_timeout(config.timeout_ms, &err) : 0;
	if (rc == 0)
		rc = config.state         ? state_report(&config, line.operands[0], &load.out, &err)
		     : line.operand_count ? load_run(&load, line.operands[0], &err)
					  : batch_load_all(&config, &load.out, &err);
	/* Under a new id, appended rows would be doubled. */
	if (rc < 0 && (err.code == ERR_TEMP || err.code == ERR_IO) && load.run_id &&
	    load.run_id == load.generated)
		error_append(&err, "; repeat it with --run-id %s", load.run_id);
	if (rc < 0)
		rowstream_write_abort(&load.out, &err);
	load_release(&load);
	return rc < 0 ? log_failure(&err) : 0;
}
