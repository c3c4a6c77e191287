#include "extract/postgresql_types.h"

#include <string.h>

#include "extract/postgresql_encoders.h"

/* How the SELECT asks for a column: column.form. */
enum form {
	FORM_PLAIN,
	FORM_TEXT,
	FORM_TEXT_ARRAY,
	FORM_JSON,       /* by to_json */
	FORM_JSON_ARRAY, /* by to_json; as text where that would lose its bounds */
};

enum {
	JSON_OID = 114,
	JSONB_OID = 3802,
	INT2VECTOR_OID = 22,
	OIDVECTOR_OID = 30,
	INT2_OID = 21,
	OID_OID = 26,
	INTERVAL_OID = 1186,
	MONEY_OID = 790,
	NUMERIC_OID = 1700,
	RECORD_OID = 2249,
	TIME_OID = 1083,
	TIMESTAMP_OID = 1114,
	TIMESTAMPTZ_OID = 1184,
	MONEY_PRECISION = 19, /* int64 */
	NUMERIC_SCALE_MAX = 9,
	WGS84_SRID = 4326,
	FRACTION_DIGITS_MAX = 6,
};

/*
 * OIDs of built-in types never change: src/include/catalog/pg_type.dat. What
 * is a string on the wire is one here; what is not in the list is asked for as
 * text. An xml's text form and its wire form lack the encoding it declares.
 */
static const struct {
	uint32_t oid;
	const char *type;
	const struct encoder *encoder;
} types[] = {
	{ 16, "BOOLEAN", &postgresql_bool },
	{ 17, "BYTES", &postgresql_bytea },
	{ 19, "STRING", &encoder_text }, /* name */
	{ 20, "INTEGER", &postgresql_int8 },
	{ 21, "INTEGER", &postgresql_int2 },
	{ 23, "INTEGER", &postgresql_int4 },
	{ 25, "STRING", &encoder_text },
	{ 26, "INTEGER", &postgresql_oid },
	{ 114, "JSON", &encoder_json },
	{ 142, "STRING", &encoder_text },    /* xml */
	{ 650, "STRING", &postgresql_inet }, /* cidr */
	{ 700, "FLOAT", &postgresql_float4 },
	{ 701, "FLOAT", &postgresql_float8 },
	{ 869, "STRING", &postgresql_inet },
	{ 1042, "STRING", &encoder_text }, /* char(n): cast to text, it would lose its padding */
	{ 1043, "STRING", &encoder_text },
	{ 1082, "DATE", &postgresql_date },
	{ 1083, "TIME", &postgresql_time },
	{ 1114, "DATETIME", &postgresql_timestamp },
	{ 1184, "TIMESTAMP", &postgresql_timestamptz },
	{ 1186, "INTERVAL", &postgresql_interval },
	{ 2950, "STRING", &postgresql_uuid },
	{ 3802, "JSON", &postgresql_jsonb },
};

static void set(struct column *column, const char *type, const struct encoder *encoder)
{
	column->type = type;
	column->encoder = encoder;
}

static void set_form(struct column *column, const char *type, const struct encoder *encoder,
		     enum form form)
{
	set(column, type, encoder);
	column->form = form;
}

/* numeric(p,s): BigQuery's NUMERIC has 29 digits before the point and 9 behind, BIGNUMERIC 38 and 38. */
static void set_declared_numeric(struct column *column, int32_t modifier)
{
	int precision = (modifier - 4) >> 16 & 0xFFFF;
	int scale = (((modifier - 4) & 0x7FF) ^ 1024) - 1024;

	/* numeric(3,-2) holds 99900, numeric(2,4) holds 0.0099. */
	if (scale < 0) {
		precision -= scale;
		scale = 0;
	} else if (scale > precision) {
		precision = scale;
	}
	if (scale > 38 || precision - scale > 38) {
		set(column, "STRING", &postgresql_numeric_string);
		return;
	}
	set(column,
	    scale <= NUMERIC_SCALE_MAX && precision - scale <= 29 ? "NUMERIC" : "BIGNUMERIC",
	    &postgresql_bignumeric);
	column->precision = precision;
	column->scale = scale;
}

static void set_numeric(struct column *column, int32_t modifier, enum numeric_as wanted)
{
	static const struct {
		const char *type;
		const struct encoder *encoder;
	} choices[] = {
		[NUMERIC_AS_BIGNUMERIC] = { "BIGNUMERIC", &postgresql_bignumeric },
		[NUMERIC_AS_NUMERIC] = { "NUMERIC", &postgresql_numeric },
		[NUMERIC_AS_STRING] = { "STRING", &postgresql_numeric_string },
		[NUMERIC_AS_FLOAT] = { "FLOAT", &postgresql_numeric_float },
	};

	if (modifier >= 4)
		set_declared_numeric(column, modifier);
	else
		set(column, choices[wanted].type, choices[wanted].encoder);
}

static void set_money(struct column *column, int scale)
{
	set(column, scale <= NUMERIC_SCALE_MAX ? "NUMERIC" : "BIGNUMERIC", &postgresql_money);
	column->precision = MONEY_PRECISION;
	column->scale = scale;
}

/* PostGIS keeps the SRID in bits 8 to 28 of the modifier, signed; 0 is none. */
static void set_shape(struct column *column, const struct postgresql_type *type)
{
	int32_t srid = 0;

	if (type->modifier >= 0)
		srid = ((type->modifier & 0x0FFFFF00) - (type->modifier & 0x10000000)) / 256;
	/* geography without one is in WGS 84, as far as its values do not say otherwise. */
	if (type->kind == POSTGRESQL_GEOGRAPHY && srid == 0)
		srid = WGS84_SRID;
	if (srid == WGS84_SRID)
		set(column, "GEOGRAPHY", &postgresql_geography);
	else
		set(column, "STRING", &postgresql_ewkt);
}

static void set_built_in(struct column *column, uint32_t oid)
{
	for (size_t i = 0; i < sizeof types / sizeof *types; i++)
		if (types[i].oid == oid) {
			set(column, types[i].type, types[i].encoder);
			return;
		}
	set_form(column, "STRING", &encoder_text, FORM_TEXT);
}

/* Where an option asks for another type than usual; false: it does not. */
static bool set_by_option(struct column *column, uint32_t oid, const struct type_options *options)
{
	if (oid == TIMESTAMP_OID && options->datetime_timestamp)
		set(column, "TIMESTAMP", &postgresql_timestamp_utc);
	else if (oid == TIME_OID && options->time_string)
		set_form(column, "STRING", &encoder_text, FORM_TEXT);
	else if (oid == INTERVAL_OID && options->interval_string)
		set_form(column, "STRING", &encoder_text, FORM_TEXT);
	else if (oid == JSON_OID && options->json_string)
		set(column, "STRING", &encoder_text);
	else if (oid == JSONB_OID && options->json_string)
		set(column, "STRING", &postgresql_jsonb_text);
	else
		return false;
	return true;
}

/* What to_json makes of it. */
static void set_json(struct column *column, const struct postgresql_settings *settings)
{
	if (settings->options.json_string)
		set_form(column, "STRING", &encoder_text, FORM_JSON);
	else
		set_form(column, "JSON", &encoder_json, FORM_JSON);
}

static void set_json_array(struct column *column, const struct postgresql_settings *settings)
{
	if (settings->options.json_string)
		set_form(column, "STRING", &postgresql_json_array_text, FORM_JSON_ARRAY);
	else
		set_form(column, "JSON", &postgresql_json_array, FORM_JSON_ARRAY);
}

static void set_scalar(struct column *column, const struct postgresql_type *type,
		       const struct postgresql_settings *settings)
{
	column->type_id = type->oid;
	if (type->oid == TIMESTAMP_OID || type->oid == TIMESTAMPTZ_OID)
		column->scale = type->modifier < 0 ? FRACTION_DIGITS_MAX : type->modifier;
	if (type->oid == RECORD_OID)
		set_json(column, settings);
	else if (type->oid == NUMERIC_OID)
		set_numeric(column, type->modifier, (enum numeric_as)settings->options.numeric);
	else if (type->oid == MONEY_OID)
		set_money(column, settings->money_scale);
	else if (!set_by_option(column, type->oid, &settings->options))
		switch (type->kind) {
		case POSTGRESQL_COMPOSITE:
		case POSTGRESQL_HSTORE:
			set_json(column, settings);
			break;
		case POSTGRESQL_ENUM:
		case POSTGRESQL_CITEXT:
			set(column, "STRING", &encoder_text);
			break;
		case POSTGRESQL_GEOMETRY:
		case POSTGRESQL_GEOGRAPHY:
			set_shape(column, type);
			break;
		default:
			set_built_in(column, type->oid);
		}
}

/* A null array is left out of its row, which for BigQuery is an empty one. */
static void set_repeated(struct column *column, struct column *inner, const struct encoder *encoder)
{
	set(column, inner->type, encoder);
	column->precision = inner->precision;
	column->scale = inner->scale;
	column->inner = inner;
	column->repeated = true;
	column->required = false;
	if (inner->form == FORM_TEXT)
		column->form = FORM_TEXT_ARRAY;
	/* JSON null in an array would be the NULL that it cannot hold. */
	inner->required = true;
}

static void set_array(struct column *column, const struct postgresql_type *element,
		      struct column *inner, const struct postgresql_settings *settings)
{
	*inner = (struct column){ .source_name = column->source_name,
				  .source_type = column->source_type };
	if (element->kind != POSTGRESQL_ARRAY)
		set_scalar(inner, element, settings);
	/* An array in an array is a domain's. to_json makes objects of all elements at once. */
	if (settings->options.arrays_json || element->kind == POSTGRESQL_ARRAY ||
	    (inner->form == FORM_JSON && settings->options.json_string)) {
		set_json_array(column, settings);
	} else if (inner->form == FORM_JSON) {
		set_form(column, "JSON", &postgresql_objects, FORM_JSON_ARRAY);
		column->repeated = true;
		column->required = false;
	} else {
		set_repeated(column, inner, &postgresql_array);
	}
}

static void set_vector(struct column *column, uint32_t element, struct column *inner,
		       const struct postgresql_settings *settings)
{
	const struct postgresql_type type = { .oid = element,
					      .modifier = -1,
					      .kind = POSTGRESQL_BASE };

	*inner = (struct column){ .source_name = column->source_name,
				  .source_type = column->source_type };
	set_scalar(inner, &type, settings);
	if (settings->options.arrays_json)
		set_json(column, settings);
	else
		set_repeated(column, inner, &postgresql_vector);
}

void postgresql_set_type(struct column *column, const struct postgresql_type *type,
			 const struct postgresql_type *element, struct column *inner,
			 const struct postgresql_settings *settings)
{
	if (type->kind == POSTGRESQL_ARRAY)
		set_array(column, element, inner, settings);
	else if (type->oid == INT2VECTOR_OID)
		set_vector(column, INT2_OID, inner, settings);
	else if (type->oid == OIDVECTOR_OID)
		set_vector(column, OID_OID, inner, settings);
	else
		set_scalar(column, type, settings);
	column->type_id = type->oid;
}

/*
 * Money's text has the currency and separators of lc_monetary, whose scale is
 * needed as it is: its digits are its text here. That of PostGIS is hex, for
 * which EWKT stands in.
 */
void postgresql_as_text(struct column *column)
{
	if (!column->repeated && column->encoder == &postgresql_geography)
		set(column, "STRING", &postgresql_ewkt);
	else if (!column->repeated && column->encoder == &postgresql_money)
		column->type = "STRING";
	else if (column->repeated || strcmp(column->type, "STRING") != 0)
		set_form(column, "STRING", &encoder_text, FORM_TEXT);
	column->repeated = false;
	column->inner = NULL;
	column->precision = 0;
	if (column->encoder != &postgresql_money)
		column->scale = 0;
}

int postgresql_append_select(struct buf *sql, const struct column *column, struct error *err)
{
	static const struct {
		const char *before, *after;
	} forms[] = {
		[FORM_PLAIN] = { "", "" },
		[FORM_TEXT] = { "", "::pg_catalog.text" },
		[FORM_TEXT_ARRAY] = { "", "::pg_catalog.text[]" },
		[FORM_JSON] = { "pg_catalog.to_json(", ")" },
		[FORM_JSON_ARRAY] = { "pg_catalog.to_json(", ")::pg_catalog.text END" },
	};

	/* to_json forgets bounds; with them, the text is no JSON, which the encoder sees. */
	if (column->form == FORM_JSON_ARRAY &&
	    (buf_append_str(sql, "CASE WHEN pg_catalog.array_dims(", err) < 0 ||
	     names_quote(sql, column->source_name, '"', err) < 0 ||
	     buf_append_str(sql, ") OPERATOR(pg_catalog.~) '[[](?!1:)' THEN ", err) < 0 ||
	     names_quote(sql, column->source_name, '"', err) < 0 ||
	     buf_append_str(sql, "::pg_catalog.text ELSE ", err) < 0))
		return -1;
	if (buf_append_str(sql, forms[column->form].before, err) < 0 ||
	    names_quote(sql, column->source_name, '"', err) < 0)
		return -1;
	return buf_append_str(sql, forms[column->form].after, err);
}
