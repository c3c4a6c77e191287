/*
 * Which table the objects of a directory belong to, by the directory's name:
 * a regular expression (PCRE2, as Python writes its names) with groups
 *   dataset     DATASET or PROJECT.DATASET
 *   table
 *   partition   $ and digits: the table's partition
 *   yyyy mm dd hh   the same in parts, where partition is not there
 *   batch       whatever else names the directory; of no consequence
 */
#ifndef SLUICE_NOTIFY_TARGET_H
#define SLUICE_NOTIFY_TARGET_H

#include <stdbool.h>
#include <stddef.h>

#include "lib/error.h"

/* Used where nothing else is said. */
extern const char target_default_pattern[];

struct target {
	char *project; /* or NULL */
	char *dataset, *table;
	char *partition; /* the digits behind the $; or NULL */
	size_t prefix;   /* how much of the object's name all directories of the table share */
};

struct target_pattern;

/* ERR_CONFIG: it does not compile (and where), or has no group dataset or table. */
int target_pattern_new(const char *text, struct target_pattern **ret, struct error *err)
	__attribute__((warn_unused_result));
void target_pattern_free(struct target_pattern *p);

/*
 * object: the whole name of the object that says that the directory is
 * complete. ERR_DATA: it does not match, or the parts are no table's.
 */
int target_match(const struct target_pattern *p, const char *object, struct target *ret,
		 struct error *err) __attribute__((warn_unused_result));
void target_release(struct target *t);

/* "HOUR", "DAY", "MONTH" or "YEAR" by the number of digits; NULL: it is no unit of time. */
const char *target_partition_unit(const char *partition);

#endif
