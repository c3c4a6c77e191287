/*
 * Which transfer config is meant: by its name as the API writes it, by its id,
 * or by its display name, which must be that of exactly one.
 */
#ifndef SLUICE_TRIGGER_DTSTRIGGER_CONFIGS_H
#define SLUICE_TRIGGER_DTSTRIGGER_CONFIGS_H

#include <jansson.h>
#include <stdbool.h>

#include "lib/error.h"
#include "lib/google/api.h"

/* Lists them once, when the first one is asked for. */
struct configs {
	struct api *dts;      /* borrowed */
	const char *location; /* "projects/P/locations/L"; borrowed */
	json_t *all;
};

void configs_release(struct configs *c);

/*
 * wanted: as above; only a display name where `display_name` is true. New
 * reference. ERR_CONFIG: there is none of that name, there are several, or it
 * is disabled; label (a dataset, or the option) is in the message.
 */
int configs_find(struct configs *c, const char *wanted, bool display_name, const char *label,
		 json_t **ret, struct error *err) __attribute__((warn_unused_result));

#endif
