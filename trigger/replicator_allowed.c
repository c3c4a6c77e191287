#define PCRE2_CODE_UNIT_WIDTH 8

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "trigger/replicator.h"

/* A pattern of a user must not run for ever. */
enum { MATCH_LIMIT = 1000000 };

struct replicator_allowed {
	pcre2_code *code;
	pcre2_match_context *limits;
};

void replicator_allowed_free(struct replicator_allowed *a)
{
	if (!a)
		return;
	pcre2_code_free(a->code);
	pcre2_match_context_free(a->limits);
	free(a);
}

int replicator_allowed_new(const char *pattern, struct replicator_allowed **ret, struct error *err)
{
	struct replicator_allowed *a = calloc(1, sizeof *a);
	PCRE2_UCHAR why[256];
	PCRE2_SIZE at = 0;
	int code = 0;

	if (!a)
		return error_nomem(err);
	a->limits = pcre2_match_context_create(NULL);
	a->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
				PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &at, NULL);
	if (a->limits && a->code) {
		pcre2_set_match_limit(a->limits, MATCH_LIMIT);
		*ret = a;
		return 0;
	}
	if (!a->limits || code == PCRE2_ERROR_NOMEMORY) {
		error_nomem(err);
	} else {
		pcre2_get_error_message(code, why, sizeof why);
		error_set(err, ERR_CONFIG, "regular expression '%s': %s at byte %zu", pattern,
			  (const char *)why, (size_t)at + 1);
	}
	replicator_allowed_free(a);
	return -1;
}

int replicator_allowed_check(const struct replicator_allowed *a, const struct replicator_command *c,
			     struct error *err)
{
	pcre2_match_data *match = pcre2_match_data_create_from_pattern(a->code, NULL);
	auto_buf name = BUF_INIT;
	int rc;

	if (!match)
		return error_nomem(err);
	if (buf_appendf(&name, err, "%s.%s", c->database, c->table) < 0) {
		pcre2_match_data_free(match);
		return -1;
	}
	rc = pcre2_match(a->code, (PCRE2_SPTR)name.data, name.length, 0, 0, match, a->limits);
	pcre2_match_data_free(match);
	if (rc > 0)
		return 0;
	if (rc == PCRE2_ERROR_NOMATCH)
		return error_set(err, ERR_PERM, "%.*s is not allowed here (--allow)",
				 (int)name.length, name.data);
	return error_set(err, ERR_CONFIG, "--allow takes too long to match %.*s", (int)name.length,
			 name.data);
}
