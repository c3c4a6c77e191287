/*
 * A connector's command at work on one table: its rows are checked and handed
 * to a stage, its stderr to the run's log, and it ends in time.
 *
 * Its stdout is bare rows, whose end exit status 0 proves, or a row stream,
 * which proves its own end too (rowstream(5)).
 */
#ifndef SLUICE_TRIGGER_SERVE_CONNECTOR_H
#define SLUICE_TRIGGER_SERVE_CONNECTOR_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/stage.h"
#include "trigger/serve_config.h"
#include "trigger/serve_log.h"
#include "trigger/serve_request.h"

struct connector {
	const struct serve_table *table;
	const struct request *request;
	const char *destination; /* the table's id */
	struct stage *stage;
	struct run_log *log;
	int64_t deadline_ms; /* monotonic; past it the command is ended */
	/* Afterwards: */
	json_t *fields; /* of its rows, in the partner API's form; owned by the caller */
	uint64_t rows;
	bool at_end;      /* all of its output was read */
	bool own_failure; /* not the connector's: Cloud Storage, this system, a signal to us */
};

/*
 * Run it to its end. The codes of failures: ERR_DATA for a row, or a stream
 * that is not whole; ERR_TEMP where the time was over; the command's own exit
 * status, as command_reap has it; those of stages; 128 + n for a signal.
 */
int connector_run(struct connector *c, struct error *err) __attribute__((warn_unused_result));

#endif
