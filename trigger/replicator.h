/*
 * The message of an on-premise job: a command line that ends in
 *
 *   [sh|bash] [DIR/]run_replicator.sh DATABASE TABLE
 *
 * It is taken apart here and never given to a shell; of it only the two names
 * are used. Strict: words of harmless characters with one space between them,
 * and no word more or less than these.
 */
#ifndef SLUICE_TRIGGER_REPLICATOR_H
#define SLUICE_TRIGGER_REPLICATOR_H

#include <jansson.h>
#include <stddef.h>

#include "lib/error.h"

/* MySQL's names have 64 characters, PostgreSQL's 63. */
enum { REPLICATOR_NAME_MAX = 128, REPLICATOR_COMMAND_MAX = 4096 };

struct replicator_command {
	char *text; /* the whole line */
	char *database;
	char *table; /* [SCHEMA.]TABLE */
};

/* script: the name of the script, "run_replicator.sh". ERR_DATA: what is wrong with which byte or word. */
int replicator_parse(const char *text, size_t length, const char *script,
		     struct replicator_command *ret, struct error *err)
	__attribute__((warn_unused_result));

struct replicator_message {
	char *id;        /* of the message, unique in its topic */
	char *published; /* DATETIME in UTC, "2026-01-31 10:00:00.123"; NULL: the message does not say */
	struct replicator_command command;
};

/*
 * line: {"@message":{…}} of pubsubrun, or the body of a push request. ERR_DATA.
 */
int replicator_message(const json_t *line, const char *script, struct replicator_message *ret,
		       struct error *err) __attribute__((warn_unused_result));
void replicator_message_release(struct replicator_message *m);

/* Which tables may be asked for: a regular expression (PCRE2) that the whole of DATABASE.TABLE must match. */
struct replicator_allowed;

/* ERR_CONFIG: it does not compile, and where. */
int replicator_allowed_new(const char *pattern, struct replicator_allowed **ret, struct error *err)
	__attribute__((warn_unused_result));
void replicator_allowed_free(struct replicator_allowed *a);

/* ERR_PERM: it is not among them; ERR_CONFIG: matching takes too long. */
int replicator_allowed_check(const struct replicator_allowed *a, const struct replicator_command *c,
			     struct error *err) __attribute__((warn_unused_result));

#endif
