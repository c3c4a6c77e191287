/* What requests to the Data Transfer Service have in common: names, pages, lists. */
#include "tests/localcloud/dts_api.h"
#include "tests/localcloud/ident.h"
#include "tests/localcloud/json_util.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PAGE_MAX 1000

/* Names that the service gives have the project's number: a digest of the id, the same at every start. */
static void set_project(const char *id, char out[DTS_ID_MAX])
{
	uint64_t hash = 14695981039346656037u; /* FNV-1a */

	if (strspn(id, "0123456789") == strlen(id)) {
		snprintf(out, DTS_ID_MAX, "%s", id);
		return;
	}
	for (const char *p = id; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 1099511628211u;
	snprintf(out, DTS_ID_MAX, "%" PRIu64, 100000000000u + hash % 900000000000u);
}

/* Up to a verb, in small letters where that is asked for. */
static int copy_piece(const char *piece, bool lower, char out[DTS_ID_MAX], struct api_error *err)
{
	size_t n = strcspn(piece, ":");

	if (n == 0 || n >= DTS_ID_MAX)
		return api_fail(err, 400, "INVALID_ARGUMENT",
				"Request contains an invalid argument.");
	for (size_t i = 0; i < n; i++)
		out[i] = lower && piece[i] >= 'A' && piece[i] <= 'Z' ? (char)(piece[i] - 'A' + 'a')
								     : piece[i];
	out[n] = '\0';
	return 0;
}

static bool has_location(const struct exchange *ex)
{
	const char *p = strstr(ex->path, "/projects/");

	p = p ? strchr(p + strlen("/projects/"), '/') : NULL;
	return p && strncmp(p, "/locations/", strlen("/locations/")) == 0;
}

int dts_parse_name(const struct exchange *ex, struct dts_name *name, struct api_error *err)
{
	size_t next = has_location(ex) ? 2 : 1;

	memset(name, 0, sizeof(*name));
	if (strlen(ex->param[0]) >= DTS_ID_MAX)
		return api_fail(err, 400, "INVALID_ARGUMENT", "Invalid project ID '%s'.",
				ex->param[0]);
	set_project(ex->param[0], name->project);
	if (copy_piece(next == 2 ? ex->param[1] : "us", true, name->location, err) ||
	    (next < EXCHANGE_PARAMS && ex->param[next] &&
	     copy_piece(ex->param[next], false, name->config, err)) ||
	    (next + 1 < EXCHANGE_PARAMS && ex->param[next + 1] &&
	     copy_piece(ex->param[next + 1], false, name->run, err)))
		return -1;
	return 0;
}

const char *dts_last_piece(const struct exchange *ex)
{
	return strrchr(ex->path, '/') + 1;
}

int dts_parse_page(const struct exchange *ex, struct dts_page *page, struct api_error *err)
{
	const char *token = ex_query(ex, "pageToken");

	memset(page, 0, sizeof(*page));
	if (ex_query_int64(ex, "pageSize", 0, &page->size, err))
		return -1;
	if (page->size < 0)
		return api_fail(err, 400, "INVALID_ARGUMENT", "page_size is negative.");
	if (page->size == 0 || page->size > PAGE_MAX)
		page->size = PAGE_MAX;
	if (token && token[0] &&
	    (ju_parse_int64(token, strlen(token), &page->after) || page->after < 1))
		return api_fail(err, 400, "INVALID_ARGUMENT", "Invalid page_token.");
	return 0;
}

void dts_answer_list(struct exchange *ex, const char *key, json_t *items,
		     const struct dts_page *page)
{
	json_t *answer = json_object();

	/* Protobuf's JSON leaves out what is empty. */
	if (json_array_size(items) > 0)
		json_object_set(answer, key, items);
	json_decref(items);
	if (page->next > 0)
		json_object_set_new(answer, "nextPageToken", json_sprintf("%" PRId64, page->next));
	ex_answer(ex, 200, answer);
}

struct wanted {
	const char *name;
	json_t *values;
};

static enum MHD_Result collect(void *closure, enum MHD_ValueKind kind, const char *key,
			       const char *value)
{
	struct wanted *wanted = closure;

	(void)kind;
	if (strcmp(key, wanted->name) == 0 && value)
		json_array_append_new(wanted->values, json_string(value));
	return MHD_YES;
}

json_t *dts_query_values(const struct exchange *ex, const char *name)
{
	struct wanted wanted = { name, json_array() };

	MHD_get_connection_values(ex->connection, MHD_GET_ARGUMENT_KIND, collect, &wanted);
	if (json_array_size(wanted.values) > 0)
		return wanted.values;
	json_decref(wanted.values);
	return NULL;
}
