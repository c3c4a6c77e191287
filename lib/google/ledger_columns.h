/* The columns of a ledger that is a table, for ledger_sql.c and ledger_statements.c. */
#ifndef SLUICE_LIB_GOOGLE_LEDGER_COLUMNS_H
#define SLUICE_LIB_GOOGLE_LEDGER_COLUMNS_H

#include <stdbool.h>

struct ledger_column {
	const char *name, *type;
	bool required, json; /* json: the text of the member */
	const char *description;
};

enum { LEDGER_COLUMNS = 17 };

extern const struct ledger_column ledger_columns[LEDGER_COLUMNS];

#endif
