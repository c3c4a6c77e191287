#include "extract/select.h"

#include <stdlib.h>
#include <string.h>

#include "extract/mask.h"
#include "lib/log.h"

static const char option_mask[] = "--mask";

/* The index of the one column of that name; -1 with ERR_NOINPUT or, in a query, ERR_DATA. */
static ssize_t find_column(const struct column *columns, size_t count, const char *name,
			   struct error *err)
{
	for (size_t i = 0; i < count; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): calloc's zeroes lie behind count */
		if (!strcmp(columns[i].source_name, name))
			return (ssize_t)i;
	return error_set(err, ERR_NOINPUT,
			 "there is no column \"%s\" (names are taken literally, in their case)",
			 name);
}

/* --columns: these, in this order. */
static int take_listed(const struct relation *relation, char **list, size_t count,
		       struct selection *s, struct error *err)
{
	for (size_t i = 0; i < count; i++) {
		ssize_t found = find_column(relation->columns, relation->count, list[i], err);

		if (found < 0)
			return error_prefix(err, "--columns");
		for (size_t j = 0; j < i; j++)
			if (!strcmp(list[i], list[j]))
				return error_set(err, ERR_USAGE, "--columns: \"%s\" is named twice",
						 list[i]);
		s->columns[s->count++] = relation->columns[found];
	}
	return 0;
}

/* --exclude: all but these. */
static int take_others(const struct relation *relation, char **list, size_t count,
		       struct selection *s, struct error *err)
{
	for (size_t i = 0; i < count; i++)
		if (find_column(relation->columns, relation->count, list[i], err) < 0)
			return error_prefix(err, "--exclude");
	for (size_t i = 0; i < relation->count; i++) {
		bool excluded = false;

		for (size_t j = 0; j < count; j++)
			excluded |= !strcmp(relation->columns[i].source_name, list[j]);
		if (!excluded)
			s->columns[s->count++] = relation->columns[i];
	}
	return 0;
}

static int take_columns(const struct relation *relation, const char *columns, const char *exclude,
			struct selection *s, struct error *err)
{
	char **list = NULL;
	size_t count = 0;
	int rc = 0;

	s->columns = calloc(relation->count + 1, sizeof *s->columns);
	if (!s->columns)
		return error_nomem(err);
	if (columns || exclude)
		rc = names_parse_list(columns ? columns : exclude, &list, &count, err);
	if (rc < 0) {
		error_prefix(err, columns ? "--columns" : "--exclude");
		return -1;
	}
	rc = columns ? take_listed(relation, list, count, s, err)
		     : take_others(relation, list, count, s, err);
	names_free_list(list);
	if (rc == 0 && s->count == 0)
		return error_set(err, ERR_DATA, "%s: no column is left to read", relation->label);
	return rc;
}

static int take_key(const struct relation *relation, const char *key, struct selection *s,
		    struct error *err)
{
	char **list = relation->key, **given = NULL;
	size_t count = relation->key_count;
	struct error missing;

	if (key && names_parse_list(key, &given, &count, err) < 0)
		return error_prefix(err, "--key");
	if (given)
		list = given;
	s->key = calloc(count + 1, sizeof *s->key);
	if (!s->key) {
		names_free_list(given);
		return error_nomem(err);
	}
	for (size_t i = 0; i < count; i++) {
		ssize_t found = find_column(s->columns, s->count, list[i], &missing);

		if (found < 0 && given) {
			if (find_column(relation->columns, relation->count, list[i], err) >= 0)
				error_set(err, ERR_USAGE,
					  "column \"%s\" is not among those that are read",
					  list[i]);
			names_free_list(given);
			return error_prefix(err, "--key");
		}
		if (found < 0) {
			log_warn("%s: without its key, because column \"%s\" is left out",
				 relation->label, list[i]);
			s->key_count = 0;
			break;
		}
		s->key[s->key_count++] = (size_t)found;
	}
	names_free_list(given);
	return 0;
}

/* --- types, hashes, masks ------------------------------------------------------- */

/*
 * The index of the column of that name among those that are read, for an
 * option of which a column takes only one; -1.
 */
static ssize_t claim_column(const struct relation *relation, struct selection *s, const char *name,
			    const char *option, struct error *err)
{
	struct error missing;
	ssize_t found = find_column(s->columns, s->count, name, &missing);
	const char **claimed;

	if (found < 0) {
		if (find_column(relation->columns, relation->count, name, err) >= 0)
			error_set(err, ERR_USAGE, "column \"%s\" is not among those that are read",
				  name);
		return -1;
	}
	claimed = &s->conversions[found].option;
	if (*claimed)
		return error_set(err, ERR_USAGE, "column \"%s\" has %s already", name, *claimed);
	*claimed = option;
	return found;
}

static int apply_type(const struct driver *driver, const struct relation *relation,
		      struct selection *s, const char *value, struct error *err)
{
	struct column_type type;
	const char *word;
	ssize_t found;
	char *name;

	if (names_parse_assignment(value, true, &name, &word, err) < 0)
		return -1;
	found = claim_column(relation, s, name, "--type", err);
	free(name);
	if (found < 0)
		return -1;
	if (!word)
		return error_set(err, ERR_USAGE, "'%s' is not COL=TYPE", value);
	if (convert_parse_type(word, &type, err) < 0)
		return -1;
	return convert_column(driver, &s->columns[found], &type, &s->conversions[found], err);
}

static int apply_hash(const struct relation *relation, struct selection *s, const char *value,
		      struct crypto_hmac *hmac, struct error *err)
{
	char **list;
	size_t count;
	int rc = 0;

	if (names_parse_list(value, &list, &count, err) < 0)
		return -1;
	for (size_t i = 0; i < count && rc == 0; i++) {
		ssize_t found = claim_column(relation, s, list[i], "--hash", err);

		rc = found < 0 ? -1
			       : mask_hash(&s->columns[found], &s->conversions[found], hmac, err);
	}
	names_free_list(list);
	return rc;
}

static int apply_mask(const struct relation *relation, struct selection *s, const char *value,
		      struct error *err)
{
	const char *how;
	ssize_t found;
	char *name;

	if (names_parse_assignment(value, false, &name, &how, err) < 0)
		return -1;
	found = claim_column(relation, s, name, option_mask, err);
	free(name);
	return found < 0 ? -1 : mask_column(&s->columns[found], &s->conversions[found], how, err);
}

static int apply_conversions(const struct driver *driver, const struct relation *relation,
			     struct selection *s, const struct selection_options *o,
			     struct error *err)
{
	s->conversions = calloc(s->count + 1, sizeof *s->conversions);
	if (!s->conversions)
		return error_nomem(err);
	for (size_t i = 0; o->type && i < o->type->count; i++)
		if (apply_type(driver, relation, s, o->type->value[i], err) < 0)
			return error_prefix(err, "--type");
	for (size_t i = 0; o->hash && i < o->hash->count; i++)
		if (apply_hash(relation, s, o->hash->value[i], o->hmac, err) < 0)
			return error_prefix(err, "--hash");
	for (size_t i = 0; o->mask && i < o->mask->count; i++)
		if (apply_mask(relation, s, o->mask->value[i], err) < 0)
			return error_prefix(err, "--mask");
	return 0;
}

/* Rows whose masked keys are equal would replace each other. */
static int refuse_masked_key(const struct selection *s, struct error *err)
{
	for (size_t i = 0; i < s->key_count; i++) {
		const char *option = s->conversions[s->key[i]].option;

		if (option && !strcmp(option, option_mask))
			return error_set(
				err, ERR_USAGE,
				"--mask: column \"%s\" is in the key, and would not tell rows "
				"apart: use --hash, or another --key",
				s->columns[s->key[i]].source_name);
	}
	return 0;
}

int select_columns(const struct driver *driver, const struct relation *relation,
		   const struct selection_options *options, struct selection *ret,
		   struct error *err)
{
	*ret = (struct selection){ 0 };
	if (relation->count == 0)
		return error_set(err, ERR_DATA, "%s has no columns", relation->label);
	if (take_columns(relation, options->columns, options->exclude, ret, err) < 0 ||
	    apply_conversions(driver, relation, ret, options, err) < 0 ||
	    names_for_bigquery(ret->columns, ret->count, options->flexible_names, err) < 0 ||
	    take_key(relation, options->key, ret, err) < 0)
		return -1;
	return refuse_masked_key(ret, err);
}

void selection_release(struct selection *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->columns[i].name);
	for (size_t i = 0; s->conversions && i < s->count; i++)
		free(s->conversions[i].constant);
	free(s->columns);
	free(s->conversions);
	free(s->key);
	*s = (struct selection){ 0 };
}
