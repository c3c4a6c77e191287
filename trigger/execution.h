/*
 * What on-premise jobs asked for and what became of it: a table of BigQuery
 * that only grows, one row an event, and the view NAME_latest of the state
 * that each execution has come to.
 *
 *   id         63 bits of SHA-256 of the message's id: its first 8 bytes, big-endian, without the sign
 *   command    the line of the message
 *   timestamp  when the on-premise job published it, in UTC
 *   source     where the event took place: "on-premise" of received, "cloud" of the others
 *   status     received, triggered, success, failed
 *   run_id     the execution's own id, which is that of the DAG run too
 *   dag_id, dag_run_id   from "triggered" on
 *   database, table
 *   updated    when the row was written
 *
 * A row is one INSERT job under an id made of what it says: the same event is
 * written once, whoever writes it and how often.
 */
#ifndef SLUICE_TRIGGER_EXECUTION_H
#define SLUICE_TRIGGER_EXECUTION_H

#include <jansson.h>
#include <stdint.h>

#include "lib/error.h"
#include "lib/google/api.h"

enum { EXECUTION_RUN_ID_SIZE = 64 };

/* Of one message for one DAG. Strings are borrowed. */
struct execution {
	int64_t id;
	char run_id[EXECUTION_RUN_ID_SIZE];
	const char *command, *database, *table;
	const char *timestamp; /* DATETIME; NULL: now */
	const char *source;    /* of received */
	const char *dag_id;
};

/* Fill id, run_id and dag_id: the same for every delivery of the message. */
int execution_identify(struct execution *e, const char *message_id, const char *dag_id,
		       struct error *err) __attribute__((warn_unused_result));

struct executions;

/* Borrowed, and for as long as it is open. */
struct executions_options {
	const char *name;     /* [PROJECT.]DATASET.TABLE */
	const char *project;  /* --project, or NULL: of the environment or the credentials */
	const char *location; /* of a new dataset, or NULL */
	const struct api_options *api;
};

/*
 * create: what is missing of dataset, table and view is made. ERR_USAGE: the
 * name is none. ERR_CONFIG: the table is something else. ERR_NOINPUT: it is
 * not there, and is not to be made.
 */
int executions_open(const struct executions_options *options, bool create, struct executions **ret,
		    struct error *err) __attribute__((warn_unused_result));
/* NULL is harmless. */
void executions_close(struct executions *l);

/* The message has come. Once; on return it is durable. */
int executions_received(struct executions *l, const struct execution *e, struct error *err)
	__attribute__((warn_unused_result));

/* Its DAG run is there. Once. */
int executions_triggered(struct executions *l, const struct execution *e, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The run has come to that end, success or failed. 1: it is written now. 0:
 * that was its state already. ERR_NOINPUT: there is no such run. dag_id, if
 * not NULL, becomes the run's, the caller's to free.
 */
int executions_complete(struct executions *l, const char *run_id, const char *status, char **dag_id,
			struct error *err) __attribute__((warn_unused_result));

#endif
