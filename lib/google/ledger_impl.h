/* The two places where a ledger can be: ledger_table.c and ledger_file.c. */
#ifndef SLUICE_LIB_GOOGLE_LEDGER_IMPL_H
#define SLUICE_LIB_GOOGLE_LEDGER_IMPL_H

#include "lib/buf.h"
#include "lib/google/destination.h"
#include "lib/google/ledger.h"

/* As in ledger.h; read_done fills the object, write and write_both get entries with their ids. */
struct ledger_backend {
	int (*open)(struct ledger *l, struct error *err);
	int (*read)(struct ledger *l, const char *table, const char *run, json_t **ret,
		    struct error *err);
	int (*read_done)(struct ledger *l, const char *table, json_t *runs, struct error *err);
	int (*read_outcomes)(struct ledger *l, const json_t *tables, const json_t *runs,
			     json_t **ret, struct error *err);
	int (*write)(struct ledger *l, json_t *entry, struct error *err);
	int (*write_both)(struct ledger *l, json_t *entry, json_t *next, struct error *err);
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
