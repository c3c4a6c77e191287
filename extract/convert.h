/*
 * --type: a column in another BigQuery type, where its values fit.
 *
 * What --type, --hash and --mask have in common is a conversion: the column as
 * the driver describes it encodes a value, its bare text (without quotes and
 * escapes) is taken, and written anew or refused. So no driver knows of them,
 * and a plain column pays nothing. STRING alone is the driver's own, as_text.
 */
#ifndef SLUICE_EXTRACT_CONVERT_H
#define SLUICE_EXTRACT_CONVERT_H

#include "extract/driver.h"
#include "lib/google/crypto.h"

/* Of one column, which refers to it; the selection owns it. Zeroed before it is used. */
struct conversion {
	const char *option;  /* "--type": what the column got it by, or NULL */
	struct column inner; /* as the driver has it */
	struct encoder encoder;
	/* Write the value whose text is p; a reason as of an encoder. */
	const char *(*write)(const struct conversion *c, const char *p, size_t n, char **out);
	int precision, scale;     /* of the target */
	bool required;            /* the column is */
	struct crypto_hmac *hmac; /* --hash, borrowed */
	char *constant;           /* --mask constant: its JSON, ours */
	size_t constant_length;
	size_t kept; /* --mask partial: characters at the end that stay */
};

/* As a user writes it, NUMERIC(10,2) or int64. */
struct column_type {
	const char *name; /* BigQuery's word, "INTEGER" */
	int precision, scale;
};

/* ERR_USAGE: no type, or not one that a column of a stream can have. */
int convert_parse_type(const char *text, struct column_type *ret, struct error *err)
	__attribute__((warn_unused_result));

/*
 * Give the column that type: by as_text, or by a conversion, which must stay
 * where it is. Nothing happens to a column that has it. ERR_USAGE when no
 * value of the column can be of that type.
 */
int convert_column(const struct driver *driver, struct column *column,
		   const struct column_type *type, struct conversion *conversion, struct error *err)
	__attribute__((warn_unused_result));

/* Let the column be written by c->write, or by encode if that is not NULL. */
void convert_install(struct column *column, struct conversion *c,
		     const char *(*encode)(const struct column *, const struct cell *, char **));

/* --- how each type is written; each is a `write` ----------------------------- */

/* convert_number.c */
const char *convert_put_integer(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_float(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_numeric(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_bignumeric(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_boolean(const struct conversion *, const char *p, size_t n, char **out);

/* convert_time.c */
const char *convert_put_date(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_time(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_datetime(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_timestamp(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_interval(const struct conversion *, const char *p, size_t n, char **out);

/* convert_text.c */
const char *convert_put_bytes(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_json(const struct conversion *, const char *p, size_t n, char **out);
const char *convert_put_geography(const struct conversion *, const char *p, size_t n, char **out);

#endif
