/*
 * What a load will do to its destination, worked out before the first row is
 * sent: which schema the rows must have, and the job's configuration.
 */
#ifndef SLUICE_LOAD_PLAN_H
#define SLUICE_LOAD_PLAN_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/google/api.h"
#include "lib/google/destination.h"
#include "lib/options.h"
#include "lib/schema.h"
#include "load/schema_fit.h"

enum write_mode { WRITE_APPEND, WRITE_TRUNCATE, WRITE_EMPTY, WRITE_MERGE };

/* The words of --write, NULL-terminated, by enum write_mode. */
extern const char *const plan_write_names[];

struct plan_options {
	enum write_mode write;
	bool no_create, replace_schema;
	struct schema_rules rules;
	struct layout layout;
	const struct option_values *labels; /* K=V, on the job */
	int64_t max_bad_records;
	const json_t
		*added; /* columns that rows without a schema of their own have besides; or NULL */
};

struct plan {
	struct schema *schema; /* the rows are checked against it */
	json_t *load;          /* configuration.load */
	json_t *labels;        /* configuration.labels, without the nonce */
	json_t *widens;        /* as in struct schema_fit: before the job; or NULL */
	bool table_exists;
};

/*
 * Where the destination's jobs run: the dataset's location. ret is the
 * caller's to free, NULL when BigQuery says none. ERR_REMOTE: no such dataset.
 */
int plan_find_location(struct api *api, const struct destination *d, char **ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * stream: the schema of the rows, or NULL to take the table's.
 * ERR_REMOTE: no such table with no_create, or a table
 * that has rows with WRITE_EMPTY. ERR_DATA: no schema anywhere, or one that
 * does not fit.
 */
int plan_make(struct api *api, const struct destination *d, const struct plan_options *options,
	      const struct schema *stream, struct plan *ret, struct error *err)
	__attribute__((warn_unused_result));
void plan_release(struct plan *p);

/* The values of --label as configuration.labels; a new reference. ERR_USAGE. */
int plan_labels(const struct option_values *values, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* Create the table with no rows, as the load job would have; one that is there is left alone. */
int plan_create_table(struct api *api, const struct destination *d, const struct plan *p,
		      struct error *err) __attribute__((warn_unused_result));

#endif
