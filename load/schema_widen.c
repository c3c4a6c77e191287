#include "load/schema_widen.h"

#include <inttypes.h>

static bool is_decimal(enum schema_type type)
{
	return type == TYPE_NUMERIC || type == TYPE_BIGNUMERIC;
}

/* Of one type: more digits on either side of the point. NUMERIC and BIGNUMERIC have room for all that either has. */
static bool widen_digits(const struct schema_field *stream, const struct schema_field *table,
			 struct schema_field *ret)
{
	int whole = stream->precision - stream->scale, has = table->precision - table->scale;
	int scale = stream->scale > table->scale ? stream->scale : table->scale;

	/* Without a precision it has the type's whole range. */
	if (table->precision == 0 ||
	    (stream->precision > 0 && whole <= has && scale == table->scale))
		return false;
	*ret = *table;
	ret->precision = stream->precision ? (whole > has ? whole : has) + scale : 0;
	ret->scale = ret->precision ? scale : 0;
	return true;
}

static bool widen_length(const struct schema_field *stream, const struct schema_field *table,
			 struct schema_field *ret)
{
	if (table->max_length == 0 ||
	    (stream->max_length > 0 && stream->max_length <= table->max_length))
		return false;
	*ret = *table;
	ret->max_length = stream->max_length;
	return true;
}

static bool widen_type(enum schema_type type, const struct schema_field *table,
		       struct schema_field *ret)
{
	*ret = *table;
	ret->type = type;
	ret->precision = ret->scale = 0;
	return true;
}

bool schema_widen(const struct schema_field *stream, const struct schema_field *table,
		  struct schema_field *ret)
{
	enum schema_type s = stream->type, t = table->type;

	if (stream->mode == MODE_REPEATED || table->mode == MODE_REPEATED)
		return false;
	if (s == t && (t == TYPE_STRING || t == TYPE_BYTES))
		return widen_length(stream, table, ret);
	/* Any NUMERIC goes into a BIGNUMERIC of enough digits. */
	if (is_decimal(s) && (t == s || t == TYPE_BIGNUMERIC))
		return widen_digits(stream, table, ret);
	if (t == TYPE_INTEGER && is_decimal(s))
		return widen_type(s, table, ret);
	if (t == TYPE_NUMERIC && s == TYPE_BIGNUMERIC)
		return widen_type(s, table, ret);
	if ((t == TYPE_INTEGER || is_decimal(t)) && s == TYPE_FLOAT)
		return widen_type(s, table, ret);
	return false;
}

int schema_widen_json(const struct schema_field *f, json_t *json, struct error *err)
{
	int failed = json_object_set_new(json, "type", json_string(schema_type_name(f->type)));

	json_object_del(json, "precision");
	json_object_del(json, "scale");
	json_object_del(json, "maxLength");
	if (f->precision) {
		failed |= json_object_set_new(json, "precision", json_sprintf("%d", f->precision));
		failed |= json_object_set_new(json, "scale", json_sprintf("%d", f->scale));
	}
	if (f->max_length)
		failed |= json_object_set_new(json, "maxLength",
					      json_sprintf("%" PRId64, f->max_length));
	return failed ? error_nomem(err) : 0;
}

json_t *schema_widen_sql(const struct schema_field *f)
{
	const char *name = f->type == TYPE_FLOAT     ? "FLOAT64"
			   : f->type == TYPE_INTEGER ? "INT64"
						     : schema_type_name(f->type);

	if (f->precision)
		return json_sprintf("%s(%d,%d)", name, f->precision, f->scale);
	if (f->max_length)
		return json_sprintf("%s(%" PRId64 ")", name, f->max_length);
	return json_string(name);
}
