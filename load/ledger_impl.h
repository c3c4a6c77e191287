/* The two places where a ledger can be: ledger_table.c and ledger_file.c. */
#ifndef SLUICE_LOAD_LEDGER_IMPL_H
#define SLUICE_LOAD_LEDGER_IMPL_H

#include "lib/buf.h"
#include "load/destination.h"
#include "load/ledger.h"

/* read and write as in ledger.h; write gets the entry with its id. */
struct ledger_backend {
	int (*open)(struct ledger *l, struct error *err);
	int (*read)(struct ledger *l, const char *table, const char *run, json_t **ret,
		    struct error *err);
	int (*write)(struct ledger *l, json_t *entry, struct error *err);
	void (*close)(struct ledger *l);
};

extern const struct ledger_backend ledger_in_file;
extern const struct ledger_backend ledger_in_table;

struct ledger {
	const struct ledger_backend *backend;
	struct ledger_options options;
	char *name;       /* "file:PATH", "project.dataset.table" */
	const char *path; /* of a file */
	struct destination table;
	struct api api;
	char *location; /* of the table, once known */
};

#endif
