/*
 * What users say about directories: the files of _config/ at any level from
 * the bucket's root down to the directory itself. What is closer to the
 * directory wins.
 *
 *   load.json      a JobConfigurationLoad; merged over all levels, member by
 *                  member; destinationRegex in it says how names are read
 *   schema.json    the schema's fields, as `bq show --schema` prints them
 *   *.sql          in place of a load, statements over the table temp_ext;
 *                  those of the closest level that has any, in lexical order
 *   external.json  an ExternalDataConfiguration, of temp_ext; merged like
 *                  load.json; without any, the files are Parquet
 *   ORDERME        the table's directories are loaded in order
 *
 * A reader asks the bucket once for each level that it has not seen.
 */
#ifndef SLUICE_NOTIFY_SETTINGS_H
#define SLUICE_NOTIFY_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/google/api.h"

/* How large a file of _config/ may be. */
enum { SETTINGS_FILE_MAX = 4 << 20 };

struct settings {
	json_t *load;     /* an object, perhaps empty; with the schema */
	json_t *external; /* an object, with the schema; NULL where there is no *.sql */
	json_t *sql;      /* an array of texts; empty without external */
	bool ordered;
};

struct settings_reader {
	struct api *storage; /* borrowed */
	json_t *levels;      /* by "BUCKET/LEVEL": what stands there */
};

int settings_reader_init(struct settings_reader *r, struct api *storage, struct error *err)
	__attribute__((warn_unused_result));
void settings_reader_release(struct settings_reader *r);

/*
 * directory: with its slash at the end, or "" for the bucket itself. ERR_DATA:
 * a file that is not what it should be, which is named.
 */
int settings_read(struct settings_reader *r, const char *bucket, const char *directory,
		  struct settings *ret, struct error *err) __attribute__((warn_unused_result));
void settings_release(struct settings *s);

#endif
