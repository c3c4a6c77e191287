#include <string.h>
#include <strings.h>

#include "lib/google/stage.h"
#include "lib/log.h"

/* "europe-west1", as opposed to the multi-region EU and the dual-region EUR4. */
static bool is_region(const char *location)
{
	return strchr(location, '-') && strpbrk(location, "0123456789");
}

/*
 * https://cloud.google.com/bigquery/docs/batch-loading-data: a dataset in the
 * multi-region US loads from anywhere, others from the same region or from
 * within the same multi-region. Which regions a dual-region joins is not
 * known here.
 */
bool stage_location_fits(const char *dataset, const char *bucket)
{
	if (!strcasecmp(dataset, bucket) || !strcasecmp(dataset, "US"))
		return true;
	if (!strcasecmp(dataset, "EU"))
		return !strncasecmp(bucket, "EU", 2);
	return !is_region(dataset) || !is_region(bucket);
}

int stage_check_bucket(const struct stage_options *options, const char *location, struct error *err)
{
	const char *name = options->at->bucket, *there;
	json_t *bucket = NULL;
	struct api api;
	int rc;

	if (api_open(&api, &options->api, err) < 0)
		return -1;
	rc = storage_bucket_get(&api, name, &bucket, err);
	api_close(&api);
	/* It wants storage.buckets.get, which those who may write objects need not have. */
	if (rc < 0 && err->code == ERR_PERM) {
		log_info("%s; going on: objects may be allowed", err->message);
		return 0;
	}
	if (rc < 0)
		return -1;
	if (rc == 0)
		return error_set(err, ERR_REMOTE, "no such bucket: gs://%s", name);
	there = json_string_value(json_object_get(bucket, "location"));
	if (there && location && !stage_location_fits(location, there))
		rc = error_set(err, ERR_REMOTE,
			       "bucket gs://%s is in %s, the dataset in %s: BigQuery does not load "
			       "from there",
			       name, there, location);
	json_decref(bucket);
	return rc < 0 ? -1 : 0;
}
