/*
 * Data in directories KEY=VALUE, as Hive writes them: BigQuery makes columns
 * of them where a configuration has hivePartitioningOptions, which must say
 * what the URIs have before those directories.
 * https://cloud.google.com/bigquery/docs/hive-partitioned-loads-gcs
 */
#ifndef SLUICE_NOTIFY_HIVE_H
#define SLUICE_NOTIFY_HIVE_H

#include <jansson.h>

#include "lib/error.h"

/*
 * configuration: of a load, or of an external table. Where it has
 * hivePartitioningOptions, their sourceUriPrefix is filled in if it is not
 * there, and mode AUTO. uris: "gs://BUCKET/NAME" each. ERR_DATA: what is there
 * is no object, or a URI has no such directory, or another prefix.
 */
int hive_fill(json_t *configuration, const json_t *uris, struct error *err)
	__attribute__((warn_unused_result));

#endif
