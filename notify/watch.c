#include "notify/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/clock.h"
#include "lib/google/destination.h"
#include "lib/google/storage.h"
#include "lib/google/storage_lock.h"
#include "lib/log.h"
#include "notify/hive.h"

/* A complete directory. */
struct directory {
	const char *bucket;
	const char *object;     /* the name of what says so */
	const char *generation; /* of that */
	char *path;             /* with the slash at its end; owned */
	char *id;               /* of its batch; owned */
	struct settings settings;
	struct target target;
	char *table; /* "[PROJECT:]DATASET.TABLE", without the partition; owned */
};

int watch_init(struct watch *w, const struct watch_options *options, struct api *storage,
	       struct done *done, struct rowstream_writer *out, struct error *err)
{
	struct target_pattern *pattern;

	*w = (struct watch){ .options = options,
			     .storage = storage,
			     .done = done,
			     .out = out,
			     .told = json_object(),
			     .ordered = json_object() };
	if (!w->told || !w->ordered)
		return error_nomem(err);
	/* A mistake in it is said before anything is done. */
	if (target_pattern_new(options->pattern, &pattern, err) < 0)
		return -1;
	target_pattern_free(pattern);
	return settings_reader_init(&w->settings, storage, err);
}

void watch_release(struct watch *w)
{
	settings_reader_release(&w->settings);
	json_decref(w->told);
	json_decref(w->ordered);
}

int watch_again(struct watch *w, struct error *err)
{
	settings_reader_release(&w->settings);
	json_object_clear(w->told);
	json_object_clear(w->ordered);
	w->lock_deadline_ms = 0;
	if (w->done)
		done_forget(w->done);
	return settings_reader_init(&w->settings, w->storage, err);
}

/* --- a directory ---------------------------------------------------------------------------- */

static void directory_release(struct directory *d)
{
	free(d->path);
	free(d->id);
	free(d->table);
	settings_release(&d->settings);
	target_release(&d->target);
}

static const char *base_name(const char *object)
{
	const char *slash = strrchr(object, '/');

	return slash ? slash + 1 : object;
}

/* destinationTable of load.json names the table, whatever the regular expression says of it. */
static int apply_destination(const json_t *load, struct target *t, struct error *err)
{
	const json_t *to = json_object_get(load, "destinationTable");
	const char *project = json_string_value(json_object_get(to, "projectId"));
	const char *dataset = json_string_value(json_object_get(to, "datasetId"));
	const char *table = json_string_value(json_object_get(to, "tableId"));

	if (!to)
		return 0;
	if (!dataset || !table)
		return error_set(err, ERR_DATA,
				 "load.json: destinationTable has no datasetId or no tableId");
	t->project = project ? strdup(project) : NULL;
	t->dataset = strdup(dataset);
	t->table = strdup(table);
	return (project && !t->project) || !t->dataset || !t->table ? error_nomem(err) : 0;
}

static int find_target(const struct watch *w, struct directory *d, struct error *err)
{
	const json_t *own = json_object_get(d->settings.load, "destinationRegex");
	const char *text = own ? json_string_value(own) : w->options->pattern;
	struct target_pattern *pattern;
	int rc;

	/* With destinationTable no name needs to be understood. */
	if (json_object_get(d->settings.load, "destinationTable"))
		return apply_destination(d->settings.load, &d->target, err);
	if (!text)
		return error_set(err, ERR_DATA, "load.json: destinationRegex is no string");
	if (target_pattern_new(text, &pattern, err) < 0)
		return error_prefix(err, "load.json");
	rc = target_match(pattern, d->object, &d->target, err);
	target_pattern_free(pattern);
	return rc;
}

static int name_table(const struct watch *w, struct directory *d, struct error *err)
{
	const char *project = d->target.project ? d->target.project : w->options->project;

	char *name;

	if (asprintf(&name, "%s%s%s.%s", project ? project : "", project ? ":" : "",
		     d->target.dataset, d->target.table) < 0)
		return error_nomem(err);
	d->table = name;
	return 0;
}

/* As bqload will read it, which refuses all batches of a run when it cannot. */
static int check_table(const struct directory *d, struct error *err)
{
	struct destination to = { .project = NULL };
	const char *partition = d->target.partition;
	char *name;
	int rc;

	if (asprintf(&name, "%s%s%s", d->table, partition ? "$" : "", partition ? partition : "") <
	    0)
		return error_nomem(err);
	rc = destination_parse(name, &to, err);
	free(name);
	destination_release(&to);
	return rc;
}

/* What is wrong is wrong of that directory: neither the program's usage nor its configuration, which would end all. */
static int find_table(const struct watch *w, struct directory *d, struct error *err)
{
	if (find_target(w, d, err) == 0 && name_table(w, d, err) == 0 && check_table(d, err) == 0)
		return 0;
	if (err->code == ERR_USAGE || err->code == ERR_CONFIG)
		err->code = ERR_DATA;
	return -1;
}

/* All about it but what is in it. d was filled up to generation. */
static int look_at(struct watch *w, struct directory *d, struct error *err)
{
	d->path = strndup(d->object, (size_t)(base_name(d->object) - d->object));
	if (!d->path || asprintf(&d->id, "gs://%s/%s#%s%s%s", d->bucket, d->object, d->generation,
				 w->replay ? "#" : "", w->replay ? w->replay : "") < 0) {
		d->id = NULL;
		return error_nomem(err);
	}
	if (settings_read(&w->settings, d->bucket, d->path, &d->settings, err) < 0 ||
	    find_table(w, d, err) < 0)
		return error_prefix(err, "gs://%s/%s", d->bucket, d->object);
	return 0;
}

/* --- its batch ------------------------------------------------------------------------------ */

/* The JobConfigurationLoad: load.json, without what is ours, with what it leaves open. New reference. */
static json_t *make_load(const struct directory *d)
{
	const char *unit = d->target.partition ? target_partition_unit(d->target.partition) : NULL;
	json_t *load = json_deep_copy(d->settings.load);
	int failed = 0;

	json_object_del(load, "destinationRegex");
	json_object_del(load, "destinationTable");
	if (!json_object_get(load, "writeDisposition"))
		failed |=
			json_object_set_new(load, "writeDisposition", json_string("WRITE_APPEND"));
	if (!json_object_get(load, "sourceFormat"))
		failed |= json_object_set_new(load, "sourceFormat", json_string("CSV"));
	/* Of a table that is to be made. */
	if (unit && !json_object_get(load, "timePartitioning") &&
	    !json_object_get(load, "rangePartitioning"))
		failed |= json_object_set_new(load, "timePartitioning",
					      json_pack("{s:s}", "type", unit));
	if (!failed)
		return load;
	json_decref(load);
	return NULL;
}

static int check_size(const struct watch *w, const struct files *f, struct error *err)
{
	if (!w->options->max_bytes || f->bytes <= (uint64_t)w->options->max_bytes)
		return 0;
	return error_set(err, ERR_DATA,
			 "its %zu objects have %llu bytes; --max-batch-bytes allows %lld",
			 json_array_size(f->uris), (unsigned long long)f->bytes,
			 (long long)w->options->max_bytes);
}

static int write_batch(struct watch *w, const struct directory *d, const struct files *f,
		       const char *lock, struct error *err)
{
	const char *partition = d->target.partition;
	json_t *table =
		json_sprintf("%s%s%s", d->table, partition ? "$" : "", partition ? partition : "");
	json_t *record = json_pack("{s:s,s:o,s:O,s:o,s:s*}", "id", d->id, "table", table, "uris",
				   f->uris, "load", make_load(d), "lock", lock);
	int rc = record ? 0 : error_nomem(err);

	if (rc == 0 && d->settings.external &&
	    (json_object_set_new(record, "external", json_deep_copy(d->settings.external)) < 0 ||
	     json_object_set(record, "sql", d->settings.sql) < 0))
		rc = error_nomem(err);
	/* Of a batch that statements read nothing is loaded. */
	if (rc == 0 &&
	    hive_fill(json_object_get(record, d->settings.external ? "external" : "load"), f->uris,
		      err) < 0)
		rc = error_prefix(err, "gs://%s/%s", d->bucket, d->path);
	if (rc == 0)
		rc = rowstream_write_record(w->out, "@batch", record, err);
	json_decref(record);
	return rc;
}

/* lock: of the ordered table that it is of; or NULL. */
static int emit(struct watch *w, const struct directory *d, const char *lock, struct error *err)
{
	struct files f;
	int rc;

	if (json_object_get(w->told, d->id))
		return 0;
	if (json_object_set_new(w->told, d->id, json_true()) < 0)
		return error_nomem(err);
	if (files_find(w->storage, d->bucket, d->path, &w->options->names, &f, err) < 0)
		return -1;
	rc = check_size(w, &f, err) < 0 ? error_prefix(err, "gs://%s/%s", d->bucket, d->path) : 0;
	if (rc == 0)
		rc = write_batch(w, d, &f, lock, err);
	json_decref(f.uris);
	return rc;
}

/* 1: it is loaded already, which is said. 0: not, or it is not known. */
static int is_done(struct watch *w, const struct directory *d, struct error *err)
{
	int rc = w->done && !w->replay ? done_has(w->done, d->table, d->id, err) : 0;

	if (rc > 0)
		log_debug("%s is loaded already", d->id);
	return rc;
}

/* --- several directories --------------------------------------------------------------------- */

/* "name" and "generation" of each object that says that a directory is complete; in lexical order. */
static int list_complete(struct watch *w, const char *bucket, const char *prefix, json_t **ret,
			 struct error *err)
{
	json_t *found = json_array(), *page = NULL, *item;
	char *token = NULL;
	int rc = found ? 0 : error_nomem(err);
	size_t i;

	while (rc == 0) {
		const struct storage_list list = {
			.prefix = prefix,
			.fields = "items(name,generation),nextPageToken",
			.page_token = token,
		};
		const char *next;

		rc = storage_objects_list(w->storage, bucket, &list, &page, err);
		if (rc <= 0) {
			rc = rc < 0 ? -1
				    : error_set(err, ERR_REMOTE, "there is no bucket %s", bucket);
			break;
		}
		json_array_foreach(json_object_get(page, "items"), i, item) {
			const char *name = json_string_value(json_object_get(item, "name"));

			if (name && !strcmp(base_name(name), w->options->names.success) &&
			    !files_is_apart(name))
				json_array_append(found, item);
		}
		next = json_string_value(json_object_get(page, "nextPageToken"));
		free(token);
		token = next ? strdup(next) : NULL;
		json_decref(page);
		rc = 0;
		if (!token)
			break;
	}
	free(token);
	if (rc < 0) {
		json_decref(found);
		return -1;
	}
	*ret = found;
	return 0;
}

static int fill(struct directory *d, const char *bucket, const json_t *object, struct error *err)
{
	*d = (struct directory){
		.bucket = bucket,
		.object = json_string_value(json_object_get(object, "name")),
		.generation = json_string_value(json_object_get(object, "generation")),
	};
	if (d->object && d->generation)
		return 0;
	return error_set(err, ERR_PROTOCOL, "bucket %s: an object without name or generation",
			 bucket);
}

static bool is_ordered(const struct watch *w, const struct directory *d)
{
	return w->options->ordered || d->settings.ordered;
}

/* "gs://BUCKET/PREFIX" of what is loaded in order, to the end of the table's own directory. Owned. */
static char *order_prefix(const struct directory *d)
{
	size_t length = strlen(d->path);
	char *text;

	/* Without a regular expression, that which the directory is in. */
	if (d->target.prefix && d->target.prefix < length) {
		length = d->target.prefix;
	} else if (!d->target.prefix && length > 0) {
		length--;
		while (length > 0 && d->path[length - 1] != '/')
			length--;
	}
	return asprintf(&text, "gs://%s/%.*s", d->bucket, (int)length, d->path) < 0 ? NULL : text;
}

/* One of those of an ordered table, if it is of those. */
static int write_in_order(struct watch *w, const char *bucket, const json_t *object,
			  const char *lock, struct error *err)
{
	struct directory d;
	int rc = fill(&d, bucket, object, err);

	if (rc < 0)
		return -1;
	rc = look_at(w, &d, err);
	if (rc == 0 && is_ordered(w, &d)) {
		rc = is_done(w, &d, err);
		if (rc == 0)
			rc = emit(w, &d, lock, err);
	}
	directory_release(&d);
	return rc < 0 ? -1 : 0;
}

/*
 * Whoever holds the lock loads what is there: only behind it the directories are looked at, so that nothing is listed
 * in vain. 1: meanwhile it was loaded. All tables together are waited for once.
 */
static int wait_for_lock(struct watch *w, const struct directory *d, const char *lock,
			 struct error *err)
{
	int rc;

	if (!w->lock_deadline_ms)
		w->lock_deadline_ms = monotonic_ms() + w->options->lock_wait_ms;
	rc = storage_lock_wait(lock, w->storage, w->lock_deadline_ms, err);
	if (rc <= 0 || !w->done)
		return rc < 0 ? -1 : 0;
	done_forget(w->done);
	return is_done(w, d, err);
}

static int write_all_in_order(struct watch *w, const struct directory *d, const char *prefix,
			      const char *lock, struct error *err)
{
	json_t *found = NULL, *object;
	size_t i;
	int rc = list_complete(w, d->bucket, prefix + strlen("gs://") + strlen(d->bucket) + 1,
			       &found, err);

	json_array_foreach(found, i, object) {
		if (rc == 0)
			rc = write_in_order(w, d->bucket, object, lock, err);
	}
	json_decref(found);
	return rc;
}

/* All of the table's directories that are not done, in order: where one cannot be, none behind it is. */
static int write_ordered(struct watch *w, const struct directory *d, struct error *err)
{
	char *prefix = order_prefix(d), *lock = NULL;
	int rc = prefix ? 0 : error_nomem(err);

	/* Also where it has failed: that was said. */
	if (rc == 0 && json_object_get(w->ordered, prefix))
		goto out;
	if (rc == 0 && asprintf(&lock, "%s_bqlock", prefix) < 0) {
		lock = NULL;
		rc = error_nomem(err);
	}
	if (rc == 0)
		rc = wait_for_lock(w, d, lock, err);
	if (rc <= 0 && prefix && json_object_set_new(w->ordered, prefix, json_true()) < 0)
		rc = error_nomem(err);
	if (rc == 0)
		rc = write_all_in_order(w, d, prefix, lock, err);
out:
	free(lock);
	free(prefix);
	return rc < 0 ? -1 : 0;
}

static int write_directory(struct watch *w, const struct directory *d, struct error *err)
{
	int rc = is_done(w, d, err);

	if (rc != 0)
		return rc < 0 ? -1 : 0;
	return is_ordered(w, d) && !w->replay ? write_ordered(w, d, err) : emit(w, d, NULL, err);
}

int watch_prefix(struct watch *w, const char *bucket, const char *prefix, size_t *found,
		 struct error *err)
{
	json_t *objects, *object;
	size_t i, failed = 0;
	struct error why;
	int code = 0;

	if (list_complete(w, bucket, prefix, &objects, err) < 0)
		return -1;
	*found = json_array_size(objects);
	json_array_foreach(objects, i, object) {
		struct directory d;

		if (fill(&d, bucket, object, &why) == 0 && look_at(w, &d, &why) == 0 &&
		    write_directory(w, &d, &why) == 0) {
			directory_release(&d);
			continue;
		}
		directory_release(&d);
		log_error("%s", why.message);
		code = failed++ ? code : why.code;
	}
	json_decref(objects);
	return failed ? error_set(err, code,
				  "gs://%s/%s: %zu of %zu complete directories cannot be loaded",
				  bucket, prefix, failed, *found)
		      : 0;
}

/* --- an event ------------------------------------------------------------------------------- */

/* The object is not there any more: that is right if what it stood for is loaded. */
static int check_gone(struct watch *w, const struct event *e, struct error *err)
{
	struct directory d = { .bucket = e->bucket,
			       .object = e->object,
			       .generation = e->generation ? e->generation : "" };
	int rc = look_at(w, &d, err);

	if (rc == 0)
		rc = is_done(w, &d, err);
	if (rc == 0)
		rc = error_set(err, ERR_DATA, "gs://%s/%s is gone, and %s", e->bucket, e->object,
			       w->done ? "the ledger does not have its directory as loaded"
				       : "without a ledger it is not known whether it was loaded");
	directory_release(&d);
	return rc < 0 ? -1 : 0;
}

static int handle_complete(struct watch *w, const struct event *e, struct error *err)
{
	struct directory d = { .bucket = NULL };
	json_t *object = NULL;
	int rc = storage_object_get(w->storage, e->bucket, e->object, &object, err);

	if (rc == 0)
		return check_gone(w, e, err);
	if (rc < 0)
		return -1;
	/* The generation that is there, not the one that is told: what is loaded is what is there. */
	rc = fill(&d, e->bucket, object, err);
	if (rc == 0)
		rc = look_at(w, &d, err);
	if (rc == 0)
		rc = write_directory(w, &d, err);
	directory_release(&d);
	json_decref(object);
	return rc;
}

/* Prefix of what a signal to begin anew stands beside. */
static int handle_backfill(struct watch *w, const struct event *e, struct error *err)
{
	char *prefix = strndup(e->object, (size_t)(base_name(e->object) - e->object));
	size_t found;
	int rc = prefix ? watch_prefix(w, e->bucket, prefix, &found, err) : error_nomem(err);

	free(prefix);
	return rc;
}

int watch_event(struct watch *w, const struct event *e, struct error *err)
{
	const char *base = base_name(e->object);
	bool apart = files_is_apart(e->object);

	if (!apart && !strcmp(base, w->options->names.success))
		return handle_complete(w, e, err);
	if (!apart && !strcmp(base, w->options->names.backfill))
		return handle_backfill(w, e, err);
	log_debug("gs://%s/%s is no signal", e->bucket, e->object);
	return 0;
}
