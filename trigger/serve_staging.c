#include "trigger/serve_staging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trigger/serve_connector.h"
#include "trigger/serve_params.h"

/* A part becomes as large as that before another is begun. */
#define PART_BYTES (UINT64_C(64) << 20)

int staging_name(const struct serving *s, const struct request *r, const char *last, bool prefix,
		 char **ret, struct error *err)
{
	int n = prefix ? (int)strlen(s->at.name) : 0;

	while (n > 0 && s->at.name[n - 1] == '/')
		n--;
	if (asprintf(ret, "%.*s%s%s/%s/%s/%s", n, s->at.name, n ? "/" : "", r->source, r->config_id,
		     r->run_id, last) >= 0)
		return 0;
	*ret = NULL;
	return error_nomem(err);
}

int staging_prepare(struct staging *t, const struct serving *s, const struct request *r,
		    struct error *err)
{
	size_t count = s->config->count;

	*t = (struct staging){ 0 };
	t->stage = calloc(count, sizeof *t->stage);
	t->directory = calloc(count, sizeof *t->directory);
	t->destination = calloc(count, sizeof *t->destination);
	t->request = json_pack("{s:[]}", "importedData");
	if (!t->stage || !t->directory || !t->destination || !t->request)
		return error_nomem(err);
	t->count = count;
	for (size_t i = 0; i < count; i++) {
		const struct serve_table *table = &s->config->table[i];

		if (params_table_id(table->template, r, &t->destination[i], err) < 0)
			return error_prefix(err, "table %s", table->name);
		if (staging_name(s, r, table->name, false, &t->directory[i], err) < 0)
			return -1;
		for (size_t j = 0; j < i; j++)
			if (!strcmp(t->destination[i], t->destination[j]))
				return error_set(err, ERR_DATA, "tables %s and %s both go to %s",
						 s->config->table[j].name, table->name,
						 t->destination[i]);
	}
	return 0;
}

/* Of the table's info, with its destination, files and schema. fields, uris: new references, taken. */
static int add_to_request(struct staging *t, const struct serve_table *table,
			  const char *destination, json_t *fields, json_t *uris, struct error *err)
{
	json_t *info = json_deep_copy(table->info);
	json_t *definition = json_array_get(json_object_get(info, "tableDefs"), 0);
	int rc = json_object_set_new(info, "destinationTableId", json_string(destination));

	rc |= json_object_set_new(definition, "sourceUris", uris);
	rc |= json_object_set_new(definition, "schema", json_pack("{s:o}", "fields", fields));
	rc |= json_array_append_new(json_object_get(t->request, "importedData"), info);
	return rc ? error_nomem(err) : 0;
}

static void log_rows(struct run_log *log, const struct connector *c)
{
	char text[256];
	int n = snprintf(text, sizeof text, "table %s: %llu rows are staged", c->destination,
			 (unsigned long long)c->rows);

	run_log_add(log, LOG_INFO, text, n < (int)sizeof text ? (size_t)n : sizeof text - 1);
}

static int fill_table(struct staging *t, size_t i, const struct serving *s, const struct request *r,
		      struct run_log *log, int64_t deadline_ms, struct error *err)
{
	const struct serve_table *table = &s->config->table[i];
	const struct stage_options options = {
		.at = &s->at,
		.run = t->directory[i],
		.api = serve_api_options(s->options, SERVICE_STORAGE),
		.connections = (unsigned)s->options->connections,
		.part_bytes = PART_BYTES,
		.gzip = s->options->gzip,
	};
	struct connector c = { .table = table,
			       .request = r,
			       .destination = t->destination[i],
			       .log = log,
			       .deadline_ms = deadline_ms };
	int rc;

	t->own_failure = true;
	if (stage_new(&options, &t->stage[i], err) < 0)
		return -1;
	c.stage = t->stage[i];
	rc = connector_run(&c, err);
	t->own_failure = rc == 0 || c.own_failure;
	if (rc == 0)
		rc = stage_finish(t->stage[i], err);
	if (rc < 0) {
		json_decref(c.fields);
		return -1;
	}
	log_rows(log, &c);
	return add_to_request(t, table, t->destination[i], c.fields, stage_uris(t->stage[i]), err);
}

int staging_fill(struct staging *t, const struct serving *s, const struct request *r,
		 struct run_log *log, int64_t deadline_ms, struct error *err)
{
	for (size_t i = 0; i < t->count; i++)
		if (fill_table(t, i, s, r, log, deadline_ms, err) < 0)
			return -1;
	return 0;
}

void staging_remove(struct staging *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->stage[i])
			stage_remove(t->stage[i]);
}

void staging_release(struct staging *t)
{
	for (size_t i = 0; i < t->count; i++) {
		stage_free(t->stage[i]);
		free(t->directory[i]);
		free(t->destination[i]);
	}
	free(t->stage);
	free(t->directory);
	free(t->destination);
	json_decref(t->request);
	*t = (struct staging){ 0 };
}
