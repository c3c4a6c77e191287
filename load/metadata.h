/*
 * --add-column: columns that say where a row comes from, the same in all rows
 * of a run. They are put behind the columns of each row while it is copied.
 */
#ifndef SLUICE_LOAD_METADATA_H
#define SLUICE_LOAD_METADATA_H

#include <jansson.h>
#include <stddef.h>

#include "lib/buf.h"
#include "lib/error.h"
#include "lib/options.h"
#include "lib/schema.h"

/* What the columns say; everything is borrowed. */
struct metadata_source {
	const json_t *begin; /* of the stream; NULL when bare */
	const char *run_id;
	const char *batch_id; /* of the job that loads the rows */
};

struct metadata {
	json_t *fields;     /* TableFieldSchema of them; NULL: there are none */
	struct buf suffix;  /* `"_run_id":"r","_loaded_at":"…"}`, LF */
	struct buf row;     /* the row lent last */
	struct schema *own; /* what the rows have before: the schema without them */
};

/* The words of --add-column, KIND[=NAME], are right. ERR_USAGE. */
int metadata_check(const struct option_values *columns, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The time is taken now, after @begin has come, so that it is never before
 * that of the snapshot. ERR_DATA: @begin does not say what a column wants.
 */
int metadata_init(struct metadata *m, const struct option_values *columns,
		  const struct metadata_source *source, struct error *err)
	__attribute__((warn_unused_result));
void metadata_release(struct metadata *m);

/* Put the columns behind those of *stream, which is replaced. ERR_DATA: it has one of the name. */
int metadata_extend(const struct metadata *m, struct schema **stream, struct error *err)
	__attribute__((warn_unused_result));

/* The schema of rows as they come in, from that of rows as they are loaded; lent. */
int metadata_own_schema(struct metadata *m, const struct schema *loaded, const struct schema **ret,
			struct error *err) __attribute__((warn_unused_result));

/* A row that was checked, with the columns and its LF, lent until the next call. */
int metadata_add(struct metadata *m, const char **row, size_t *length, struct error *err)
	__attribute__((warn_unused_result));

#endif
