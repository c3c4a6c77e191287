/*
 * Statements of GoogleSQL as ledgers need them: one that writes, run once
 * under an id of its own however often it is asked for, and one that reads,
 * all pages of it.
 */
#ifndef SLUICE_LIB_GOOGLE_STATEMENT_H
#define SLUICE_LIB_GOOGLE_STATEMENT_H

#include <jansson.h>

#include "lib/error.h"
#include "lib/google/api.h"

/* Who runs statements, and where. Borrowed. */
struct statement_runner {
	struct api *api;
	const char *project;
	const char *location; /* or NULL */
};

/*
 * Run configuration.query, once under that id (of which 40 bytes count): the
 * job's id is id_1; what another process has begun under it is waited for,
 * and only if it has failed does id_2 follow. 0: it is done, whoever did it.
 */
int statement_run(const struct statement_runner *r, const char *id, const json_t *query,
		  struct error *err) __attribute__((warn_unused_result));

/*
 * The same for a job that has labels (or NULL), which tell whose job ran: *ret
 * is it, the caller's.
 */
int statement_run_job(const struct statement_runner *r, const char *id, const json_t *query,
		      const json_t *labels, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* What becomes of a row, which is {"f":[{"v":…}…]}. */
typedef int statement_take(const json_t *row, void *into, struct error *err);

/*
 * Run the body of jobs.query and hand over every row. 1; 0: there is no such
 * table or dataset; -1.
 */
int statement_read(const struct statement_runner *r, const json_t *body, statement_take *take,
		   void *into, struct error *err) __attribute__((warn_unused_result));

/* Append a named parameter. Takes the value, a string in the form of the type (NULL: memory is out). */
int statement_parameter(json_t *parameters, const char *name, const char *type, json_t *value,
			struct error *err) __attribute__((warn_unused_result));

#endif
