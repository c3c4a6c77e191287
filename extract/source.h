/* SOURCE: which database, and with which driver. */
#ifndef SLUICE_EXTRACT_SOURCE_H
#define SLUICE_EXTRACT_SOURCE_H

#include "extract/driver.h"
#include "lib/error.h"

/*
 * A URI, or env:NAME for the URI in that variable. *uri is borrowed from argv
 * or the environment. ERR_USAGE: no such scheme, or the URI holds a password;
 * the message never quotes the URI.
 */
int source_resolve(const char *operand, const char **uri, const struct driver **driver,
		   struct error *err) __attribute__((warn_unused_result));

#endif
