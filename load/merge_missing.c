#include "load/merge_missing.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "lib/parse.h"

/* Of a stage job: its stream was full, and when its rows were read, in ms since 1970. */
#define FULL_LABEL "sluice_full"
#define READ_LABEL "sluice_read"

/* --- the stream ------------------------------------------------------------------------------ */

static int64_t digits(const char **p, int count)
{
	int64_t n = 0;

	for (; count > 0; count--, (*p)++) {
		if (**p < '0' || **p > '9')
			return -1;
		n = n * 10 + (**p - '0');
	}
	return n;
}

/* "2026-01-31T10:00:00.000000Z" in ms since 1970, rounded down; -1: it is something else. */
static int64_t parse_at(const char *p)
{
	static const struct {
		char before;
		int count;
	} part[] = { { 0, 4 }, { '-', 2 }, { '-', 2 }, { 'T', 2 }, { ':', 2 }, { ':', 2 } };
	int64_t value[6], ms = 0;
	struct tm tm = { 0 };

	for (size_t i = 0; i < 6; i++) {
		if (part[i].before && *p++ != part[i].before)
			return -1;
		value[i] = digits(&p, part[i].count);
		if (value[i] < 0)
			return -1;
	}
	if (*p == '.') {
		size_t n = strspn(++p, "0123456789");
		const char *fraction = p;

		for (int i = 0; i < 3; i++)
			ms = ms * 10 + ((size_t)i < n ? *fraction++ - '0' : 0);
		p += n;
	}
	if (strcmp(p, "Z") != 0)
		return -1;
	tm = (struct tm){ .tm_year = (int)value[0] - 1900,
			  .tm_mon = (int)value[1] - 1,
			  .tm_mday = (int)value[2],
			  .tm_hour = (int)value[3],
			  .tm_min = (int)value[4],
			  .tm_sec = (int)value[5] };
	return (int64_t)timegm(&tm) * 1000 + ms;
}

static int refuse(const struct config *c, const char *why, struct error *err)
{
	return error_set(err, ERR_DATA, "%s: %s, so that what it lacks may still be there",
			 c->soft_delete ? "--soft-delete" : "--delete-missing", why);
}

int merge_missing_init(struct merge *m, const struct config *c, const json_t *begin,
		       struct error *err)
{
	const char *scope = json_string_value(json_object_get(begin, "scope"));
	const char *at = json_string_value(json_object_get(begin, "at"));
	const json_t *after = json_object_get(json_object_get(begin, "cursor"), "after");

	m->mark = c->soft_delete ? c->soft_delete : c->undelete;
	m->missing = c->soft_delete      ? MISSING_MARK
		     : c->delete_missing ? MISSING_DELETE
					 : MISSING_STAY;
	m->keys_only = c->keys_only;
	m->read_ms = at ? parse_at(at) : -1;
	if (m->missing == MISSING_STAY)
		return 0;
	if (c->bare)
		return refuse(c, "the end of --bare input proves nothing", err);
	if (!scope || strcmp(scope, "full") != 0)
		return refuse(c,
			      scope ? "the stream is a part of its source"
				    : "the stream does not say that it is all of its source",
			      err);
	if (after && !json_is_null(after))
		return refuse(c, "the stream is an increment", err);
	if (c->max_bad_records)
		return refuse(c, "--max-bad-records lets rows be left out of the stream", err);
	return 0;
}

int merge_missing_check_end(const struct merge *m, const json_t *end, struct error *err)
{
	const json_t *rejected = json_object_get(end, "rejected");
	json_int_t n = json_integer_value(rejected);

	if (m->missing == MISSING_STAY || !rejected || (json_is_integer(rejected) && n == 0))
		return 0;
	return error_set(err, ERR_DATA,
			 "%s: %" JSON_INTEGER_FORMAT " rows of the source were rejected, so that "
			 "what the stream lacks may still be there",
			 m->missing == MISSING_MARK ? "--soft-delete" : "--delete-missing", n);
}

/* --- across runs ----------------------------------------------------------------------------- */

json_t *merge_missing_labels(const struct merge *m, const json_t *labels)
{
	json_t *copy = json_deep_copy(labels);
	int failed = !copy;

	if (m->missing != MISSING_STAY)
		failed |= json_object_set_new(copy, FULL_LABEL, json_string("1"));
	if (m->read_ms >= 0)
		failed |=
			json_object_set_new(copy, READ_LABEL, json_sprintf("%" PRId64, m->read_ms));
	if (!failed)
		return copy;
	json_decref(copy);
	return NULL;
}

bool merge_missing_is_told(const struct merge *m, const json_t *job)
{
	return m->missing == MISSING_STAY || loadjob_label(job, FULL_LABEL);
}

static int64_t number(const char *text)
{
	struct error ignored;
	int64_t n;

	return text && parse_int64(text, 0, INT64_MAX, &n, &ignored) == 0 ? n : -1;
}

int merge_missing_check_age(const struct merge *m, const json_t *table, const json_t *staged,
			    struct error *err)
{
	int64_t read = staged ? number(loadjob_label(staged, READ_LABEL)) : m->read_ms;
	int64_t changed = number(json_string_value(json_object_get(table, "lastModifiedTime")));

	if (!m->keys_only || read < 0 || changed <= read)
		return 0;
	return error_set(err, ERR_TEMP,
			 "the table was changed %.3f s after the keys were read: rows that came "
			 "meanwhile would be taken for missing; the keys must be read again",
			 (double)(changed - read) / 1000);
}

/* --- the mark -------------------------------------------------------------------------------- */

/* Of a column that is to be made: deleted_at is a time, is_deleted is true or false. */
static enum schema_type type_of_name(const char *name)
{
	size_t n = strlen(name);

	return n > 3 && !strcasecmp(name + n - 3, "_at") ? TYPE_TIMESTAMP : TYPE_BOOLEAN;
}

int merge_missing_mark(const struct merge *m, const struct schema *table, bool may_add,
		       json_t *fields, enum schema_type *type, struct error *err)
{
	const struct schema_field *f = table ? schema_find(table, m->mark, strlen(m->mark)) : NULL;

	if (f) {
		if ((f->type != TYPE_BOOLEAN && f->type != TYPE_TIMESTAMP) ||
		    f->mode == MODE_REPEATED)
			return error_set(err, ERR_DATA,
					 "column %s is %s%s: deleted rows are marked in a BOOLEAN "
					 "or a TIMESTAMP",
					 f->name, schema_type_name(f->type),
					 f->mode == MODE_REPEATED ? " REPEATED" : "");
		*type = f->type;
		return 1;
	}
	if (!may_add)
		return error_set(err, ERR_DATA,
				 "column %s, which marks deleted rows, is not there; --evolve add "
				 "is off",
				 m->mark);
	if (schema_check_name(m->mark, err) < 0)
		return -1;
	*type = type_of_name(m->mark);
	if (json_array_append_new(fields, json_pack("{s:s,s:s,s:s}", "name", m->mark, "type",
						    schema_type_name(*type), "mode", "NULLABLE")) <
	    0)
		return error_nomem(err);
	return 0;
}
