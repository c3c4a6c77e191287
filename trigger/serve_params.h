/* The parameters of a run, held against the definition of its data source, and what is made of them. */
#ifndef SLUICE_TRIGGER_SERVE_PARAMS_H
#define SLUICE_TRIGGER_SERVE_PARAMS_H

#include <jansson.h>

#include "lib/error.h"
#include "trigger/serve_request.h"

/*
 * Does every parameter of the definition fit: required, type, repeated, regex,
 * allowed values, minimum, maximum? Numbers and booleans that came as text
 * are made what they are. ERR_DATA names all that do not fit; the parameters
 * of the request are changed only when all do.
 */
int params_check(const json_t *definition, struct request *r, struct error *err)
	__attribute__((warn_unused_result));

/*
 * The id of the destination table: of the template, {name} is the parameter of
 * that name, {run_yyyymmdd}, {user_id} are the run's, {{ and }}
 * braces. ERR_DATA: an unknown name, or a result that is no table's id, with
 * or without a $partition. The caller's to free.
 */
int params_table_id(const char *template, const struct request *r, char **ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
