/*
 * One @batch record of rowstream(5): objects in Cloud Storage that are to be
 * loaded into one table as one. What is read here comes from outside and is
 * checked before anything is done.
 */
#ifndef SLUICE_LOAD_BATCH_H
#define SLUICE_LOAD_BATCH_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/google/destination.h"

struct batch {
	char *id; /* names the load, as --run-id does */
	struct destination destination;
	char *table;    /* the same as it was written, for messages */
	json_t *uris;   /* strings, gs://BUCKET/NAME each */
	json_t *load;   /* configuration.load, without destinationTable and sourceUris */
	bool wildcards; /* there is an asterisk in some of uris */
	char *lock; /* gs://BUCKET/NAME: held meanwhile, and nothing behind a failure; or NULL */
	json_t *external; /* an ExternalDataConfiguration without sourceUris; NULL: it is a load */
	json_t *sql;      /* with that: statements over the table temp_ext, strings */
};

/*
 * inner: of the record. ERR_DATA: a member that is not known, missing or
 * malformed, a URI that is there twice, a `load` that names another
 * destination, another format or URIs of its own.
 */
int batch_parse(const json_t *inner, struct batch *ret, struct error *err)
	__attribute__((warn_unused_result));
void batch_release(struct batch *b);

/* What --write would say: "append", "truncate" or "empty". */
const char *batch_write(const struct batch *b);

#endif
