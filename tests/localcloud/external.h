/*
 * Temporary external tables of a query job: configuration.query.tableDefinitions, an object of ExternalDataConfigurations
 * under the names that the query has for them. The files are read once, before the first statement, into tables that
 * nothing else knows.
 */
#ifndef LOCALCLOUD_EXTERNAL_H
#define LOCALCLOUD_EXTERNAL_H

#include "tests/localcloud/gcs.h"
#include "tests/localcloud/gsql.h"
#include "tests/localcloud/store.h"

#include <stdatomic.h>

/* What jobs.insert refuses. Rewrites the schemas in the normal form; definitions may be NULL. */
int external_check(json_t *definitions, struct api_error *err);

/* Zero-initialised is empty. */
struct externals {
	struct gsql_external *list; /* for a gsql_request; the names are the definitions' */
	struct external *tables;
	size_t count;
};

/* Without reading anything: what a dry run sees. */
int external_describe(const json_t *definitions, struct externals *ret, struct api_error *err);
/*
 * Reads all files; not inside a transaction. location: the job's. After a failure *errors is status.errors, a new
 * reference, or NULL. ret is to be closed also after a failure.
 */
int external_read(struct store *s, struct gcs *gcs, const json_t *definitions, const char *location,
		  const atomic_bool *cancel, struct externals *ret, json_t **errors,
		  struct api_error *err);
/* Drops the tables; not inside a transaction. */
void external_close(struct externals *x);

#endif
