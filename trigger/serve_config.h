/*
 * A connector's file: the definition of its data source, and which tables it
 * fills, by which command. Read once; immutable afterwards, so that runs may
 * share it.
 */
#ifndef SLUICE_TRIGGER_SERVE_CONFIG_H
#define SLUICE_TRIGGER_SERVE_CONFIG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"
#include "lib/schema.h"

/* One member of imported_data_info. */
struct serve_table {
	const char *name;     /* its key */
	const char *template; /* of the destination table's id */
	json_t *info; /* an ImportedDataInfo of the API, without destinationTableId and sourceUris; owned */
	struct schema *schema; /* of its table definition; NULL: the stream's. Owned */
	char **argv;           /* of the command, NULL-terminated; one allocation, which is owned */
	bool check_rows;       /* a row that does not fit fails the run */
	bool append;
};

struct serve_config {
	json_t *document;
	json_t *definition;
	struct serve_table *table;
	size_t count;
};

/* ERR_CONFIG names the place of what is wrong. Says a warning for each table that is appended to. */
int serve_config_read(const char *path, struct serve_config *ret, struct error *err)
	__attribute__((warn_unused_result));

/* Harmless on a zeroed struct. */
void serve_config_release(struct serve_config *c);

/*
 * The fields of a BigQuery schema as the partner API's FieldSchemas, and back.
 * ERR_CONFIG: a type that the API does not have, or no schema.
 */
int serve_fields_of(const json_t *bigquery_fields, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));
int serve_bigquery_fields(const json_t *fields, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
