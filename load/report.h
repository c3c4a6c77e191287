/*
 * What is said of a load that is done: the proof of its count, and the
 * @loaded record of rowstream(5).
 */
#ifndef SLUICE_LOAD_REPORT_H
#define SLUICE_LOAD_REPORT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/error.h"

/* Labels in which a MERGE says what the load of its rows counted. */
#define REPORT_ROWS_LABEL "sluice_rows"
#define REPORT_BAD_LABEL "sluice_bad"
/* In which a job says that it is a statement of somebody else's: its rows are those that it changed. */
#define REPORT_SQL_LABEL "sluice_sql"

/* Rows that the job brought (or changed, where it is a statement of a batch), and those that it refused under --max-bad-records; 0 for no job. */
int64_t report_rows(const json_t *job);
int64_t report_bad(const json_t *job);

/* Everything is borrowed. */
struct load_report {
	const char *table; /* destination_name */
	const char *run_id;
	const char *write; /* "append" … */
	const json_t *job; /* NULL: there was nothing to load */
	bool adopted;
	int64_t bytes_billed; /* of all query jobs of the run */
	const json_t *cursor; /* of the rows that the job holds, or NULL */
	const json_t *entry;  /* done, of the ledger: it stands for job and cursor; or NULL */
};

/* The inner object of @loaded; NULL when memory is out. */
json_t *report_record(const struct load_report *r);

/*
 * Rows sent must be rows arrived: ERR_PROTOCOL with both counts when they
 * are not. It cannot be undone, so it is said loudly.
 */
int report_prove_count(const json_t *job, const char *job_id, uint64_t sent, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The statement that brings a batch's rows over from a temporary table says in
 * its label how many they are, and inserts as many; of other jobs nothing is
 * asked. ERR_PROTOCOL as above.
 */
int report_prove_brought(const json_t *job, const char *job_id, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The same for whatever job commits: a load, a MERGE, whose labels say what
 * was loaded for it, or a TRUNCATE TABLE, which counts nothing.
 */
int report_prove(const json_t *job, const char *job_id, int64_t sent, struct error *err)
	__attribute__((warn_unused_result));

#endif
