/* Which of a relation's columns are read, under which names, and the key. */
#ifndef SLUICE_EXTRACT_SELECT_H
#define SLUICE_EXTRACT_SELECT_H

#include "extract/driver.h"

struct selection {
	struct column *columns; /* copies of the relation's, with name set */
	size_t count;
	size_t *key; /* indexes into columns */
	size_t key_count;
};

/*
 * columns, exclude and key are what the options hold, or NULL. The key is the
 * relation's own unless one is given. ERR_NOINPUT: no such column. ERR_DATA:
 * a type that is not read, or names that collide. Release in any case.
 */
int select_columns(const struct relation *relation, const char *columns, const char *exclude,
		   const char *key, struct selection *ret, struct error *err)
	__attribute__((warn_unused_result));

void selection_release(struct selection *s);

#endif
