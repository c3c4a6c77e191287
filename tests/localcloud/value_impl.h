/* Shared by value.c and value_scalar.c only. */
#ifndef LOCALCLOUD_VALUE_IMPL_H
#define LOCALCLOUD_VALUE_IMPL_H

#include "tests/localcloud/value.h"

int value_fail(struct value_error *err, const struct column *c, const char *what, const char *value,
	       size_t n);

int value_scalar(const struct column *c, const struct jtoken *v,
		 const struct value_options *options, struct buf *scratch, struct cell *out,
		 struct value_error *err);

#endif
