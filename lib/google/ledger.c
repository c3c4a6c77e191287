#include "lib/google/ledger.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/google/crypto.h"
#include "lib/google/ledger_impl.h"

#define FILE_PREFIX "file:"

bool ledger_is_file(const char *name)
{
	return !strncmp(name, FILE_PREFIX, strlen(FILE_PREFIX));
}

int ledger_open(const struct ledger_options *options, struct ledger **ret, struct error *err)
{
	struct ledger *l = calloc(1, sizeof *l);

	if (!l)
		return error_nomem(err);
	l->options = *options;
	l->backend = ledger_is_file(options->name) ? &ledger_in_file : &ledger_in_table;
	if (l->backend->open(l, err) < 0) {
		ledger_close(l);
		return error_prefix(err, "--ledger");
	}
	*ret = l;
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	l->backend->close(l);
	free(l->name);
	free(l);
}

const char *ledger_name(const struct ledger *l)
{
	return l->name;
}

const char *ledger_text(const json_t *entry, const char *member)
{
	return json_string_value(json_object_get(entry, member));
}

bool ledger_is(const json_t *entry, const char *step, const char *state)
{
	const char *s = ledger_text(entry, "step"), *t = ledger_text(entry, "state");

	return s && t && !strcmp(s, step) && !strcmp(t, state);
}

json_t *ledger_entry(const char *table, const char *run, const char *step, const char *state,
		     const char *job, const char *nonce)
{
	return json_pack("{s:s,s:s,s:s,s:s,s:s*,s:s*}", "table", table, "run", run, "step", step,
			 "state", state, "job", job, "nonce", nonce);
}

/*
 * What the entry is about: a submission is one process's; of a job there is
 * one outcome, whoever writes it; without a job a run is done once, and fails
 * as often as it is tried.
 */
static const char *subject(const json_t *entry)
{
	const char *state = ledger_text(entry, "state"), *job = ledger_text(entry, "job");
	const char *nonce = ledger_text(entry, "nonce");

	if (!strcmp(state, "submitted") || (!job && strcmp(state, "done") != 0))
		return nonce ? nonce : "";
	return job ? job : "";
}

static int set_id(const struct ledger *l, json_t *entry, struct error *err)
{
	char digest[SHA256_HEX_SIZE];
	auto_buf text = BUF_INIT;

	/* A file may be called by several names. No line end is in any part, so no two texts are the same. */
	if (buf_appendf(&text, err, "ledger:%s\n%s\n%s\n%s\n%s\n%s", l->path ? "" : l->name,
			ledger_text(entry, "table"), ledger_text(entry, "run"),
			ledger_text(entry, "step"), ledger_text(entry, "state"),
			subject(entry)) < 0 ||
	    crypto_sha256_hex(text.data, text.length, digest, err) < 0)
		return -1;
	if (json_object_set_new(entry, "id", json_sprintf("sluice_%.32s", digest)) < 0)
		return error_nomem(err);
	return 0;
}

int ledger_read(struct ledger *l, const char *table, const char *run, json_t **ret,
		struct error *err)
{
	if (l->backend->read(l, table, run, ret, err) < 0)
		return error_prefix(err, "ledger %s", l->name);
	return 0;
}

int ledger_read_done(struct ledger *l, const char *table, json_t **ret, struct error *err)
{
	json_t *runs = json_object();

	if (!runs)
		return error_nomem(err);
	if (l->backend->read_done(l, table, runs, err) < 0) {
		json_decref(runs);
		return error_prefix(err, "ledger %s", l->name);
	}
	*ret = runs;
	return 0;
}

int ledger_read_outcomes(struct ledger *l, const json_t *tables, const json_t *runs, json_t **ret,
			 struct error *err)
{
	if (l->backend->read_outcomes(l, tables, runs, ret, err) < 0)
		return error_prefix(err, "ledger %s", l->name);
	return 0;
}

int ledger_write(struct ledger *l, json_t *entry, struct error *err)
{
	if (set_id(l, entry, err) < 0 || l->backend->write(l, entry, err) < 0)
		return error_prefix(err, "ledger %s", l->name);
	return 0;
}

int ledger_write_both(struct ledger *l, json_t *entry, json_t *next, struct error *err)
{
	if (set_id(l, entry, err) < 0 || set_id(l, next, err) < 0 ||
	    l->backend->write_both(l, entry, next, err) < 0)
		return error_prefix(err, "ledger %s", l->name);
	return 0;
}
