#include "trigger/serve_environment.h"

#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/io.h"

/* text becomes e's, or is freed. */
static int add(struct environment *e, char *text, struct error *err)
{
	char **more = text ? realloc(e->variables, (e->count + 2) * sizeof *more) : NULL;

	if (!more) {
		free(text);
		return error_nomem(err);
	}
	e->variables = more;
	more[e->count++] = text;
	more[e->count] = NULL;
	return 0;
}

static int set(struct environment *e, const char *name, const char *value, struct error *err)
{
	char *text;

	if (asprintf(&text, "DTS_%s=%s", name, value) < 0)
		text = NULL;
	return add(e, text, err);
}

static int set_parameter(struct environment *e, const char *name, const json_t *value,
			 struct error *err)
{
	char *json =
		json_is_string(value) ? NULL : json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
	char *text, *p;

	if (asprintf(&text, "DTS_PARAM_%s=%s", name, json ? json : json_string_value(value)) < 0)
		text = NULL;
	free(json);
	p = text ? text + strlen("DTS_PARAM_") : NULL;
	for (size_t i = 0; p && i < strlen(name); i++)
		p[i] = (char)(isalnum((unsigned char)p[i]) ? toupper((unsigned char)p[i]) : '_');
	return add(e, text, err);
}

static int set_parameters(struct environment *e, const json_t *params, struct error *err)
{
	const char *name;
	json_t *value;

	json_object_foreach((json_t *)params, name, value) {
		if (json_is_string(value) &&
		    strlen(json_string_value(value)) != json_string_length(value))
			return error_set(err, ERR_DATA, "parameter %s has a NUL character", name);
		if (set_parameter(e, name, value, err) < 0)
			return -1;
	}
	return 0;
}

/* Ours, but what an outer dtsserve or a user has set of these names. */
static int inherit(struct environment *e, struct error *err)
{
	for (char **v = environ; *v; v++)
		if (strncmp(*v, "DTS_", 4) != 0 && add(e, strdup(*v), err) < 0)
			return -1;
	return 0;
}

static int write_file(struct environment *e, const struct request *r, const char *table,
		      const char *destination, struct error *err)
{
	const char *directory = getenv("TMPDIR");
	json_t *json =
		json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:I,s:O}", "name", r->name, "dataSourceId",
			  r->source, "destinationDatasetId", r->dataset, "table", table,
			  "destinationTableId", destination, "runTime", r->run_time, "scheduleTime",
			  r->schedule_time, "userId", (json_int_t)r->user_id, "params", r->params);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	struct error closing;
	int fd, rc;

	json_decref(json);
	if (!text)
		return error_nomem(err);
	snprintf(e->file, sizeof e->file, "%s/dtsserve-XXXXXX", directory ? directory : "/tmp");
	fd = mkostemp(e->file, O_CLOEXEC);
	rc = fd < 0 ? error_set_errno(err, ERR_IO, "%s", e->file)
		    : io_write_all(fd, text, strlen(text), e->file, err);
	free(text);
	if (fd < 0) {
		e->file[0] = '\0';
	} else if (io_close(fd, e->file, &closing) < 0 && rc == 0) {
		*err = closing;
		rc = -1;
	}
	return rc < 0 ? -1 : set(e, "RUN_FILE", e->file, err);
}

int environment_make(struct environment *e, const struct request *r, const char *table,
		     const char *destination, struct error *err)
{
	char date[16], user[32];

	*e = (struct environment){ 0 };
	snprintf(date, sizeof date, "%.10s", r->run_time);
	snprintf(user, sizeof user, "%lld", (long long)r->user_id);
	if (inherit(e, err) < 0 || set(e, "TABLE", table, err) < 0 ||
	    set(e, "DESTINATION", destination, err) < 0 || set(e, "DATASET", r->dataset, err) < 0 ||
	    set(e, "SOURCE", r->source, err) < 0 || set(e, "CONFIG", r->config, err) < 0 ||
	    set(e, "RUN", r->name, err) < 0 || set(e, "RUN_TIME", r->run_time, err) < 0 ||
	    set(e, "RUN_DATE", date, err) < 0 ||
	    set(e, "SCHEDULE_TIME", r->schedule_time, err) < 0 ||
	    set(e, "USER_ID", user, err) < 0 || set_parameters(e, r->params, err) < 0 ||
	    write_file(e, r, table, destination, err) < 0) {
		environment_release(e);
		return -1;
	}
	return 0;
}

void environment_release(struct environment *e)
{
	if (e->file[0])
		unlink(e->file);
	for (size_t i = 0; i < e->count; i++)
		free(e->variables[i]);
	free(e->variables);
	*e = (struct environment){ 0 };
}
