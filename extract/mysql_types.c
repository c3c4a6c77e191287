#include "extract/mysql_types.h"

#include "extract/mysql_encoders.h"

enum {
	BINARY_CHARSET = 63,
	DECIMAL_SCALE_MAX = 38,
	DECIMAL_PRECISION_MAX = 65,
	BIT_MAX = 64,
	FRACTION_DIGITS_MAX = 6,
};

/* How the SELECT asks for a column: column->form. */
enum {
	FORM_PLAIN,
	FORM_CAST,     /* the server's text form */
	FORM_CAST_BIT, /* a bit field's own text form is its bytes: its number instead */
	FORM_CONVERT,  /* to UTF-8, with a warning where that is not possible */
};

/* --- the mapping ------------------------------------------------------------------ */

static void set(struct column *column, const char *type, const struct encoder *encoder)
{
	column->type = type;
	column->encoder = encoder;
}

/* The metadata gives the width of the text: sign and point are counted where they can occur. */
static int set_decimal(struct column *column, const MYSQL_FIELD *field, struct error *err)
{
	unsigned long width = field->length;
	unsigned scale = field->decimals, precision;

	/* Decimals of tables from before 5.0 may use the place of the sign for a digit. */
	if (field->type == MYSQL_TYPE_NEWDECIMAL && !(field->flags & UNSIGNED_FLAG) && width > 0)
		width--;
	if (scale > 0 && width > 0)
		width--;
	if (width < 1 || width > DECIMAL_PRECISION_MAX + 1 || scale > DECIMAL_SCALE_MAX ||
	    scale > width)
		return error_set(err, ERR_PROTOCOL,
				 "column %s: the server says it is a decimal of %lu characters, %u "
				 "of them behind the point",
				 column->source_name, field->length, scale);
	precision = (unsigned)width;
	if (precision - scale > 38) {
		set(column, "STRING", &mysql_decimal);
		return 0;
	}
	set(column, scale <= 9 && precision - scale <= 29 ? "NUMERIC" : "BIGNUMERIC",
	    &mysql_decimal);
	column->precision = (int)precision;
	column->scale = (int)scale;
	return 0;
}

static int set_bit(struct column *column, const MYSQL_FIELD *field, struct error *err)
{
	if (field->length < 1 || field->length > BIT_MAX)
		return error_set(err, ERR_PROTOCOL, "column %s: the server says it has %lu bits",
				 column->source_name, field->length);
	if (field->length == 1)
		set(column, "BOOLEAN", &mysql_bit_boolean);
	else if (field->length < BIT_MAX)
		set(column, "INTEGER", &mysql_bit_integer);
	else
		set(column, "NUMERIC", &mysql_bit_numeric);
	return 0;
}

static void set_date(struct column *column, const char *type, const struct encoder *encoder,
		     const struct encoder *or_null, const struct type_options *options)
{
	set(column, type, options->zero_dates_null ? or_null : encoder);
	if (options->zero_dates_null)
		column->required = false;
}

/* MariaDB's JSON is a text whose format says so. */
static bool is_json(const MYSQL_FIELD *field)
{
	MARIADB_CONST_STRING format = { .length = 0 };

	return field->type == MYSQL_TYPE_JSON ||
	       (mariadb_field_attr(&format, field, MARIADB_FIELD_ATTR_FORMAT_NAME) == 0 &&
		format.length == 4 && !memcmp(format.str, "json", 4));
}

/*
 * The labels of an enum are text in any character set. NULL alone is nothing at
 * all; through a derived table it is a binary(0), which holds no bytes either.
 */
static bool is_binary(const MYSQL_FIELD *field)
{
	return field->charsetnr == BINARY_CHARSET && !(field->flags & (ENUM_FLAG | SET_FLAG)) &&
	       field->type != MYSQL_TYPE_NULL && field->length > 0;
}

/* Of the collations of utf8mb3 and utf8mb4, those that both servers have had for long. */
static bool is_utf8(unsigned collation)
{
	return collation == 33 || collation == 45 || collation == 46 || collation == 83 ||
	       (collation >= 192 && collation <= 247) || (collation >= 255 && collation <= 323);
}

static void set_text(struct column *column, const MYSQL_FIELD *field,
		     const struct type_options *options)
{
	if (field->charsetnr != BINARY_CHARSET && !is_utf8(field->charsetnr))
		column->form = FORM_CONVERT;
	if (is_json(field)) {
		if (options->json_string)
			set(column, "STRING", &encoder_text);
		else
			set(column, "JSON", &encoder_json);
	} else if (is_binary(field)) {
		set(column, "BYTES", &mysql_bytes);
	} else {
		set(column, "STRING", &encoder_text);
	}
}

/* Digits that MySQL prints behind the seconds; expressions may not know theirs. */
static int fraction_digits(const MYSQL_FIELD *field)
{
	return field->decimals < FRACTION_DIGITS_MAX ? (int)field->decimals : FRACTION_DIGITS_MAX;
}

static bool set_moment(struct column *column, const MYSQL_FIELD *field,
		       const struct type_options *options)
{
	switch (field->type) {
	case MYSQL_TYPE_DATE:
	case MYSQL_TYPE_NEWDATE:
		set_date(column, "DATE", &mysql_date, &mysql_date_or_null, options);
		return true;
	case MYSQL_TYPE_TIME:
		column->scale = fraction_digits(field);
		set(column, "TIME", &mysql_time);
		if (options->time_string)
			mysql_as_text(column);
		return true;
	case MYSQL_TYPE_DATETIME:
	case MYSQL_TYPE_TIMESTAMP:
		column->scale = fraction_digits(field);
		if (field->type == MYSQL_TYPE_TIMESTAMP || options->datetime_timestamp)
			set_date(column, "TIMESTAMP", &mysql_timestamp, &mysql_timestamp_or_null,
				 options);
		else
			set_date(column, "DATETIME", &mysql_datetime, &mysql_datetime_or_null,
				 options);
		return true;
	default:
		return false;
	}
}

/* Numbers whose type says all but the sign. */
static const struct {
	enum enum_field_types id;
	const char *with_sign, *without; /* BigQuery's words */
	const struct encoder *encoder, *unsigned_encoder;
} numbers[] = {
	{ MYSQL_TYPE_TINY, "INTEGER", "INTEGER", &mysql_int1, &mysql_uint1 },
	{ MYSQL_TYPE_SHORT, "INTEGER", "INTEGER", &mysql_int2, &mysql_uint2 },
	{ MYSQL_TYPE_YEAR, "INTEGER", "INTEGER", &mysql_int2, &mysql_uint2 },
	{ MYSQL_TYPE_INT24, "INTEGER", "INTEGER", &mysql_int4, &mysql_uint4 },
	{ MYSQL_TYPE_LONG, "INTEGER", "INTEGER", &mysql_int4, &mysql_uint4 },
	{ MYSQL_TYPE_LONGLONG, "INTEGER", "NUMERIC", &mysql_int8, &mysql_uint8 },
	{ MYSQL_TYPE_FLOAT, "FLOAT", "FLOAT", &mysql_float, &mysql_float },
	{ MYSQL_TYPE_DOUBLE, "FLOAT", "FLOAT", &mysql_double, &mysql_double },
};

static bool set_number(struct column *column, const MYSQL_FIELD *field,
		       const struct type_options *options)
{
	/* BOOL is MySQL's other word for TINYINT(1). */
	if (field->type == MYSQL_TYPE_TINY && field->length == 1 && options->tinyint1_bool) {
		set(column, "BOOLEAN",
		    field->flags & UNSIGNED_FLAG ? &mysql_unsigned_boolean : &mysql_boolean);
		return true;
	}
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		if (numbers[i].id != field->type)
			continue;
		if (field->flags & UNSIGNED_FLAG)
			set(column, numbers[i].without, numbers[i].unsigned_encoder);
		else
			set(column, numbers[i].with_sign, numbers[i].encoder);
		return true;
	}
	return false;
}

/* Text, bytes, or text of a format, as they are. */
static bool is_string(uint32_t type_id)
{
	switch (type_id) {
	case MYSQL_TYPE_NULL:
	case MYSQL_TYPE_VARCHAR:
	case MYSQL_TYPE_JSON:
	case MYSQL_TYPE_ENUM:
	case MYSQL_TYPE_SET:
	case MYSQL_TYPE_TINY_BLOB:
	case MYSQL_TYPE_MEDIUM_BLOB:
	case MYSQL_TYPE_LONG_BLOB:
	case MYSQL_TYPE_BLOB:
	case MYSQL_TYPE_VAR_STRING:
	case MYSQL_TYPE_STRING:
		return true;
	default:
		return false;
	}
}

int mysql_set_type(struct column *column, const MYSQL_FIELD *field,
		   const struct type_options *options, struct error *err)
{
	column->type_id = field->type;
	if (set_number(column, field, options) || set_moment(column, field, options))
		return 0;
	if (is_string(column->type_id)) {
		set_text(column, field, options);
		return 0;
	}
	switch (field->type) {
	case MYSQL_TYPE_DECIMAL:
	case MYSQL_TYPE_NEWDECIMAL:
		return set_decimal(column, field, err);
	case MYSQL_TYPE_BIT:
		return set_bit(column, field, err);
	case MYSQL_TYPE_GEOMETRY:
		set(column, "STRING", &mysql_geometry);
		return 0;
	default:
		mysql_as_text(column);
		return 0;
	}
}

/* --- the SELECT --------------------------------------------------------------------- */

/*
 * What is text on the wire already stays as it is: a cast would put question
 * marks for what is not UTF-8, and NULL for what exceeds max_allowed_packet.
 */
static uint8_t text_form(uint32_t type_id)
{
	if (is_string(type_id) || type_id == MYSQL_TYPE_DECIMAL || type_id == MYSQL_TYPE_NEWDECIMAL)
		return FORM_PLAIN;
	return type_id == MYSQL_TYPE_BIT ? FORM_CAST_BIT : FORM_CAST;
}

void mysql_as_text(struct column *column)
{
	column->precision = column->scale = 0;
	/* The server's text of a float has 6 digits, that of a geometry none of its zeros' signs. */
	if (column->type_id == MYSQL_TYPE_GEOMETRY) {
		set(column, "STRING", &mysql_geometry);
	} else if (column->type_id == MYSQL_TYPE_FLOAT) {
		set(column, "STRING", &mysql_float_text);
	} else {
		if (column->form != FORM_CONVERT)
			column->form = text_form(column->type_id);
		set(column, "STRING", &encoder_text);
	}
}

int mysql_append_select(struct buf *sql, const struct column *column, struct error *err)
{
	static const char *const before[] = {
		[FORM_PLAIN] = "",
		[FORM_CAST] = "CAST(",
		[FORM_CAST_BIT] = "CAST(",
		[FORM_CONVERT] = "CONVERT(",
	};
	static const char *const behind[] = {
		[FORM_PLAIN] = "",
		[FORM_CAST] = " AS CHAR)",
		[FORM_CAST_BIT] = " + 0 AS CHAR)",
		[FORM_CONVERT] = " USING utf8mb4)",
	};

	if (buf_append_str(sql, before[column->form], err) < 0 ||
	    names_quote(sql, column->source_name, '`', err) < 0)
		return -1;
	return buf_append_str(sql, behind[column->form], err);
}
