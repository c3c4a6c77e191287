/*
 * Which of a relation's columns are read, under which names, as which types,
 * and the key.
 */
#ifndef SLUICE_EXTRACT_SELECT_H
#define SLUICE_EXTRACT_SELECT_H

#include "extract/convert.h"
#include "extract/driver.h"
#include "lib/options.h"

/* What the options hold, borrowed; NULL or empty where they are not given. */
struct selection_options {
	const char *columns, *exclude, *key;
	bool flexible_names;
	const struct option_values *type, *hash, *mask;
	struct crypto_hmac *hmac; /* the key of hash */
};

struct selection {
	struct column *columns; /* copies of the relation's, with name set */
	size_t count;
	size_t *key; /* indexes into columns */
	size_t key_count;
	struct conversion *conversions; /* of each column; used where one is asked for */
};

/*
 * The key is the relation's own unless one is given. ERR_NOINPUT: no such
 * column. ERR_DATA: no column at all, or names that collide. ERR_USAGE: a
 * column that is not among those read, or cannot become what is asked for.
 * Release in any case, after the driver has read the last row.
 */
int select_columns(const struct driver *driver, const struct relation *relation,
		   const struct selection_options *options, struct selection *ret,
		   struct error *err) __attribute__((warn_unused_result));

void selection_release(struct selection *s);

#endif
