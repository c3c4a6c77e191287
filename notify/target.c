#define PCRE2_CODE_UNIT_WIDTH 8

#include "notify/target.h"

#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"

const char target_default_pattern[] =
	"^(?P<dataset>[\\w\\-\\.]+)/(?P<table>[\\w\\-]+)/?(?:historical|incremental)?/?"
	"(?P<partition>\\$[\\d]+)?/?"
	"(?:(?P<yyyy>[\\d]{4})/?(?P<mm>[\\d]{2})?/?(?P<dd>[\\d]{2})?/?(?P<hh>[\\d]{2})?/?)?"
	"(?P<batch>[\\w\\-]+)?/";

/* A pattern of a user must not run for ever. */
enum { MATCH_LIMIT = 1000000 };

struct target_pattern {
	pcre2_code *code;
	pcre2_match_context *limits;
};

void target_pattern_free(struct target_pattern *p)
{
	if (!p)
		return;
	pcre2_code_free(p->code);
	pcre2_match_context_free(p->limits);
	free(p);
}

static bool has_group(const pcre2_code *code, const char *name)
{
	return pcre2_substring_number_from_name(code, (PCRE2_SPTR)name) > 0;
}

int target_pattern_new(const char *text, struct target_pattern **ret, struct error *err)
{
	struct target_pattern *p = calloc(1, sizeof *p);
	PCRE2_UCHAR why[256];
	PCRE2_SIZE at;
	int code;

	if (!p)
		return error_nomem(err);
	p->limits = pcre2_match_context_create(NULL);
	p->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, PCRE2_UTF | PCRE2_UCP,
				&code, &at, NULL);
	if (!p->limits || (!p->code && code == PCRE2_ERROR_NOMEMORY)) {
		target_pattern_free(p);
		return error_nomem(err);
	}
	pcre2_set_match_limit(p->limits, MATCH_LIMIT);
	if (!p->code) {
		pcre2_get_error_message(code, why, sizeof why);
		error_set(err, ERR_CONFIG, "regular expression '%s': %s at byte %zu", text,
			  (const char *)why, (size_t)at + 1);
	} else if (!has_group(p->code, "table") || !has_group(p->code, "dataset")) {
		error_set(err, ERR_CONFIG, "regular expression '%s' has no group %s", text,
			  has_group(p->code, "table") ? "dataset" : "table");
	} else {
		*ret = p;
		return 0;
	}
	target_pattern_free(p);
	return -1;
}

/* The text of a group, owned; NULL in *ret where it took no part. */
static int take(pcre2_match_data *match, const char *name, char **ret, struct error *err)
{
	PCRE2_UCHAR *text;
	PCRE2_SIZE length;
	int rc = pcre2_substring_get_byname(match, (PCRE2_SPTR)name, &text, &length);

	*ret = NULL;
	if (rc == PCRE2_ERROR_NOMEMORY)
		return error_nomem(err);
	if (rc < 0)
		return 0;
	if (length > 0)
		*ret = strndup((const char *)text, length);
	pcre2_substring_free(text);
	return length == 0 || *ret ? 0 : error_nomem(err);
}

/* yyyy, mm, dd and hh, up to the first that is not there. */
static int join_time(pcre2_match_data *match, char **ret, struct error *err)
{
	static const char *const parts[] = { "yyyy", "mm", "dd", "hh" };
	auto_buf joined = BUF_INIT;
	const char *text;

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		char *part;
		int rc;

		if (take(match, parts[i], &part, err) < 0)
			return -1;
		if (!part)
			break;
		rc = buf_append_str(&joined, part, err);
		free(part);
		if (rc < 0)
			return -1;
	}
	if (joined.length == 0)
		return 0;
	text = buf_cstr(&joined, err);
	*ret = text ? strdup(text) : NULL;
	return !text ? -1 : *ret ? 0 : error_nomem(err);
}

const char *target_partition_unit(const char *partition)
{
	switch (strlen(partition)) {
	case 4:
		return "YEAR";
	case 6:
		return "MONTH";
	case 8:
		return "DAY";
	case 10:
		return "HOUR";
	default:
		return NULL;
	}
}

static int take_partition(pcre2_match_data *match, struct target *ret, struct error *err)
{
	char *given;

	if (take(match, "partition", &given, err) < 0)
		return -1;
	if (!given)
		return join_time(match, &ret->partition, err);
	ret->partition = strdup(given + (*given == '$'));
	free(given);
	return ret->partition ? 0 : error_nomem(err);
}

/* Behind the slash that follows the table's name. */
static size_t shared_prefix(const pcre2_code *code, pcre2_match_data *match, const char *object)
{
	int number = pcre2_substring_number_from_name(code, (PCRE2_SPTR) "table");
	size_t end = pcre2_get_ovector_pointer(match)[2 * number + 1];

	return end + strcspn(object + end, "/") + 1;
}

static int take_all(pcre2_match_data *match, struct target *ret, struct error *err)
{
	char *dot;

	if (take(match, "dataset", &ret->dataset, err) < 0 ||
	    take(match, "table", &ret->table, err) < 0 || take_partition(match, ret, err) < 0)
		return -1;
	if (!ret->dataset || !ret->table)
		return error_set(err, ERR_DATA, "its %s is empty",
				 ret->dataset ? "table" : "dataset");
	dot = strchr(ret->dataset, '.');
	if (!dot)
		return 0;
	ret->project = strndup(ret->dataset, (size_t)(dot - ret->dataset));
	if (!ret->project)
		return error_nomem(err);
	memmove(ret->dataset, dot + 1, strlen(dot));
	return 0;
}

int target_match(const struct target_pattern *p, const char *object, struct target *ret,
		 struct error *err)
{
	pcre2_match_data *match = pcre2_match_data_create_from_pattern(p->code, NULL);
	int rc;

	*ret = (struct target){ .project = NULL };
	if (!match)
		return error_nomem(err);
	/* As Python's re.match: from the first byte, but not to the last. */
	rc = pcre2_match(p->code, (PCRE2_SPTR)object, PCRE2_ZERO_TERMINATED, 0, PCRE2_ANCHORED,
			 match, p->limits);
	if (rc < 0)
		rc = error_set(
			err, ERR_DATA,
			rc == PCRE2_ERROR_NOMATCH
				? "its name does not match the regular expression of destinations"
				: "its name cannot be matched within a million steps");
	else
		rc = take_all(match, ret, err);
	if (rc == 0)
		ret->prefix = shared_prefix(p->code, match, object);
	pcre2_match_data_free(match);
	if (rc < 0)
		target_release(ret);
	return rc;
}

void target_release(struct target *t)
{
	free(t->project);
	free(t->dataset);
	free(t->table);
	free(t->partition);
	*t = (struct target){ .project = NULL };
}
