/*
 * A data source definition as people write it, in a file of its own or as
 * data_source_definition of a connector's file, brought into the form that
 * the service takes.
 */
#ifndef SLUICE_TRIGGER_SERVE_DEFINITION_H
#define SLUICE_TRIGGER_SERVE_DEFINITION_H

#include <jansson.h>

#include "lib/error.h"

/*
 * The DataSourceDefinition in `document`, a new document: names in the form
 * fieldName; durations, which may be written {seconds: N}, as "Ns"; numbers
 * that may be written {value: N} as N. ERR_CONFIG, with what is wrong, when
 * it lacks dataSource or dataSource.dataSourceId.
 */
int definition_from(const json_t *document, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* Its dataSource.dataSourceId; lent. */
const char *definition_id(const json_t *definition);

#endif
