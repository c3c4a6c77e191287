#include "trigger/event_input.h"

#include <stdlib.h>
#include <string.h>

#include "lib/io.h"
#include "lib/log.h"
#include "lib/rowstream.h"

/* "DATASET", or "PROJECT.DATASET" (also with a colon); a project that is not told may be any. */
static bool is_dataset(const char *wanted, const struct change *change)
{
	size_t n = strlen(wanted), m = strlen(change->dataset);

	if (n < m || strcmp(wanted + n - m, change->dataset) != 0)
		return false;
	if (n == m)
		return true;
	n -= m + 1;
	if (wanted[n] != '.' && wanted[n] != ':')
		return false;
	return !change->project ||
	       (strlen(change->project) == n && !strncmp(wanted, change->project, n));
}

bool event_is_wanted(const struct event_filter *filter, const struct change *change)
{
	if (!filter->datasets)
		return true;
	for (char *const *wanted = filter->datasets; *wanted; wanted++)
		if (is_dataset(*wanted, change))
			return true;
	return false;
}

static struct changed *find(struct changes *all, const struct event_filter *filter,
			    const char *dataset)
{
	for (size_t i = 0; i < all->count; i++)
		if (filter->together || !strcmp(all->item[i].last.dataset, dataset))
			return &all->item[i];
	return NULL;
}

static struct changed *append(struct changes *all, struct error *err)
{
	if (!all->item || all->count == all->room) {
		size_t room = all->room ? all->room * 2 : 16;
		struct changed *grown = reallocarray(all->item, room, sizeof *grown);

		if (!grown) {
			error_nomem(err);
			return NULL;
		}
		all->item = grown;
		all->room = room;
	}
	all->item[all->count] = (struct changed){ .count = 0 };
	return &all->item[all->count++];
}

int changes_add(struct changes *all, const struct event_filter *filter, struct change *change,
		struct error *err)
{
	struct changed *of = find(all, filter, change->dataset);

	if (!of && !(of = append(all, err))) {
		change_release(change);
		return -1;
	}
	if (of->count++ == 0 || change->at_ns > of->last.at_ns) {
		change_release(&of->last);
		of->last = *change;
		*change = (struct change){ .project = NULL };
	}
	change_release(change);
	return 0;
}

void changes_release(struct changes *all)
{
	for (size_t i = 0; i < all->count; i++)
		change_release(&all->item[i].last);
	free(all->item);
	*all = (struct changes){ .item = NULL };
}

/* --- reading ----------------------------------------------------------------------------------- */

/* found: what the parser said. */
static int take(struct changes *all, const struct event_filter *filter, int found,
		struct change *change, struct error *err)
{
	if (found <= 0)
		return found;
	if (!event_is_wanted(filter, change)) {
		log_debug("dataset %s is none of those that are wanted", change->dataset);
		change_release(change);
		return 0;
	}
	return changes_add(all, filter, change, err);
}

static int take_line(struct changes *all, const struct event_filter *filter, const char *text,
		     size_t length, struct error *err)
{
	struct change change = { .project = NULL };
	json_error_t why;
	json_t *line = json_loadb(text, length, 0, &why);
	int rc;

	if (!line)
		return error_set(err, ERR_DATA, "not a JSON object: %s", why.text);
	rc = take(all, filter, event_parse(line, &change, err), &change, err);
	json_decref(line);
	return rc;
}

/* The first failure stands; each is logged, with its line. */
static void keep_failure(int *rc, struct error *first, unsigned long long line, struct error *why)
{
	error_prefix(why, "line %llu", line);
	log_error("%s", why->message);
	if (*rc == 0)
		*first = *why;
	*rc = -1;
}

static int break_off(struct changes *all, const struct error *why, struct error *err)
{
	all->broken = true;
	*err = *why;
	return -1;
}

static int read_lines(struct changes *all, struct rowstream_reader *r,
		      const struct event_filter *filter, struct error *err)
{
	struct error why;
	const char *text;
	size_t length;
	int more, rc = 0;

	while ((more = rowstream_next(r, &text, &length, &why)) > 0)
		if (take_line(all, filter, text, length, &why) < 0)
			keep_failure(&rc, err, (unsigned long long)r->line_number, &why);
	if (more < 0)
		return break_off(all, &why, err);
	all->broken = r->rows == 0;
	if (all->broken)
		return error_set(err, ERR_DATA, "stdin: empty input: the producer wrote nothing");
	return rc;
}

/* What was loaded before the producer failed has been loaded. */
static int read_records(struct changes *all, struct rowstream_reader *r,
			const struct event_filter *filter, struct error *err)
{
	struct error why;
	const char *kind;
	json_t *inner, *record;
	int more, rc = 0;

	while ((more = rowstream_next_record(r, &kind, &inner, &record, &why)) > 0) {
		struct change change = { .project = NULL };
		int one;

		if (!strcmp(kind, "@loaded"))
			one = take(all, filter, event_parse_loaded(inner, &change, &why), &change,
				   &why);
		else
			one = error_set(&why, ERR_DATA, "unknown control record %s", kind);
		json_decref(record);
		if (one < 0)
			keep_failure(&rc, err, (unsigned long long)r->line_number, &why);
	}
	return more < 0 ? break_off(all, &why, err) : rc;
}

int changes_read(struct changes *all, int fd, const struct event_filter *filter, struct error *err)
{
	struct rowstream_reader r;
	int rc = rowstream_open_records_either(&r, fd, "stdin", err);

	all->broken = rc < 0;
	if (rc == 0)
		rc = r.bare ? read_lines(all, &r, filter, err) : read_records(all, &r, filter, err);
	rowstream_release(&r);
	return rc;
}
