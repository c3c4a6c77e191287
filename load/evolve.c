#include "load/evolve.h"

#include <string.h>
#include <strings.h>

#include "lib/buf.h"
#include "lib/log.h"

static const char *partition_column(const json_t *table)
{
	static const char *const kinds[] = { "timePartitioning", "rangePartitioning" };
	const char *name = NULL;

	for (size_t i = 0; i < 2 && !name; i++)
		name = json_string_value(
			json_object_get(json_object_get(table, kinds[i]), "field"));
	return name;
}

int evolve_check(const json_t *table, const json_t *widens, struct error *err)
{
	const json_t *clustering = json_object_get(json_object_get(table, "clustering"), "fields");
	const char *partition = partition_column(table), *name;
	const json_t *field;
	json_t *type;
	size_t i;

	json_object_foreach((json_t *)widens, name, type) {
		if (partition && !strcasecmp(partition, name))
			return error_set(
				err, ERR_DATA,
				"column %s would have to become %s, but partitions the table", name,
				json_string_value(type));
		json_array_foreach(clustering, i, field)
			if (!strcasecmp(json_string_value(field), name) &&
			    !strcmp(json_string_value(type), "FLOAT64"))
				return error_set(
					err, ERR_DATA,
					"column %s would have to become FLOAT64, by which no "
					"table can be clustered",
					name);
	}
	return 0;
}

/* One action a statement is all that is documented; several statements are a script, and still one job. */
static int make_script(const struct destination *d, const json_t *widens, struct buf *sql,
		       struct error *err)
{
	const char *name;
	json_t *type;

	json_object_foreach((json_t *)widens, name, type) {
		if (buf_appendf(sql, err,
				"%sALTER TABLE `%s.%s.%s` ALTER COLUMN `%s` SET DATA TYPE %s",
				sql->length ? ";\n" : "", d->project, d->dataset, d->table, name,
				json_string_value(type)) < 0)
			return -1;
		log_info("column %s becomes %s", name, json_string_value(type));
	}
	return 0;
}

int evolve_widen(struct loadjob *job, const struct destination *d, const json_t *widens,
		 const json_t *labels, struct error *err)
{
	auto_buf sql = BUF_INIT;
	json_t *done = NULL;
	const char *text;
	bool adopted;
	int rc;

	if (!json_object_size(widens))
		return 0;
	if (make_script(d, widens, &sql, err) < 0 || !(text = buf_cstr(&sql, err)))
		return -1;
	/* One that is done did not do it, or has been undone: the table was looked at. */
	while ((rc = loadjob_find(job, &done, err)) > 0) {
		json_decref(done);
		done = NULL;
		loadjob_pass(job);
	}
	if (rc == 0)
		rc = loadjob_query(job, text, labels, &done, &adopted, err);
	json_decref(done);
	return rc < 0 ? error_prefix(err, "the table's columns cannot be widened") : 0;
}
