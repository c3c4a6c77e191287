#include "notify/done.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/destination.h"
#include "lib/google/ledger.h"

struct done {
	struct ledger *ledger;
	struct api_options bigquery;
	char *project;  /* that runs queries, and has tables whose project is not told */
	json_t *tables; /* by name: an object of its runs */
};

/* The project of the credentials, where none is told. */
static int find_project(const char *told, const struct api_options *bigquery, char **ret,
			struct error *err)
{
	struct api api;
	int rc;

	if (api_open(&api, bigquery, err) < 0)
		return -1;
	rc = api_project(&api, told, ret, err);
	api_close(&api);
	return rc;
}

int done_new(const char *ledger, const char *project, const struct api_options *bigquery,
	     struct done **ret, struct error *err)
{
	struct done *d = calloc(1, sizeof *d);
	int rc;

	if (!d)
		return error_nomem(err);
	d->bigquery = *bigquery;
	d->tables = json_object();
	rc = d->tables ? find_project(project, bigquery, &d->project, err) : error_nomem(err);
	if (rc == 0) {
		const struct ledger_options options = { .name = ledger,
							.project = d->project,
							.api = &d->bigquery };

		rc = ledger_open(&options, &d->ledger, err);
	}
	if (rc < 0) {
		done_free(d);
		return -1;
	}
	*ret = d;
	return 0;
}

void done_free(struct done *d)
{
	if (!d)
		return;
	ledger_close(d->ledger);
	json_decref(d->tables);
	free(d->project);
	free(d);
}

void done_forget(struct done *d)
{
	json_object_clear(d->tables);
}

/* As the ledger names it. Owned. */
static int full_name(const struct done *d, const char *table, char **ret, struct error *err)
{
	struct destination at = { .project = NULL };
	int rc = destination_parse(table, &at, err);

	if (rc == 0 && !at.project && !(at.project = strdup(d->project)))
		rc = error_nomem(err);
	if (rc == 0 && !(*ret = destination_name(&at)))
		rc = error_nomem(err);
	destination_release(&at);
	return rc;
}

int done_has(struct done *d, const char *table, const char *id, struct error *err)
{
	json_t *runs = json_object_get(d->tables, table);
	char *name = NULL;
	int rc;

	if (!runs) {
		if (full_name(d, table, &name, err) < 0)
			return -1;
		rc = ledger_read_done(d->ledger, name, &runs, err);
		free(name);
		if (rc < 0)
			return -1;
		if (json_object_set_new(d->tables, table, runs) < 0)
			return error_nomem(err);
	}
	return json_object_get(runs, id) ? 1 : 0;
}
