/* What holds every value that was seen: the types of --mode exact. */
#include <string.h>

#include "infer/exact.h"
#include "lib/log.h"

/* BigQuery's limit for RECORDs in RECORDs. */
enum { LEVELS_MAX = 15 };

enum {
	INTEGERS = FACT_INTEGER | FACT_LONG,
	NUMBERS = INTEGERS | FACT_HUGE | FACT_DECIMAL | FACT_DAMAGED | FACT_NOT_FINITE,
	SCALARS = NUMBERS | FACT_BOOLEAN | FACT_STRING | FACT_DATE | FACT_TIME | FACT_DATETIME |
		  FACT_TIMESTAMP,
	OBJECTS = FACT_OBJECT | FACT_EMPTY_OBJECT,
	ARRAYS = FACT_ARRAY | FACT_EMPTY_ARRAY,
};

/* Digits before and behind the point: NUMERIC 29 and 9, BIGNUMERIC 38 and 38. */
static enum schema_type decimal_type(const struct digits *d)
{
	if (d->before <= 29 && d->after <= 9)
		return TYPE_NUMERIC;
	return d->before <= 38 && d->after <= 38 ? TYPE_BIGNUMERIC : TYPE_STRING;
}

static enum schema_type number_type(uint32_t facts, const struct digits *digits)
{
	bool decimal = facts & (FACT_DECIMAL | FACT_NOT_FINITE);
	bool kept = !(facts & (FACT_LONG | FACT_DAMAGED));

	if (!(facts & (FACT_HUGE | FACT_DECIMAL | FACT_NOT_FINITE)))
		return TYPE_INTEGER;
	if (facts & FACT_NOT_FINITE)
		return kept ? TYPE_FLOAT : TYPE_STRING;
	/* Integers alone are no measurements: they stay exact even where FLOAT would do. */
	return decimal && kept ? TYPE_FLOAT : decimal_type(digits);
}

/* Of scalars; one kind keeps its type, several are STRING. */
static enum schema_type scalar_type(uint32_t facts, const struct digits *digits)
{
	facts &= SCALARS;
	if (!(facts & ~(uint32_t)NUMBERS))
		return number_type(facts, digits);
	switch (facts) {
	case FACT_BOOLEAN:
		return TYPE_BOOLEAN;
	case FACT_DATE:
		return TYPE_DATE;
	case FACT_TIME:
		return TYPE_TIME;
	case FACT_DATETIME:
		return TYPE_DATETIME;
	case FACT_TIMESTAMP:
		return TYPE_TIMESTAMP;
	default:
		return TYPE_STRING;
	}
}

/* A number below this field is one that BigQuery's JSON would change. */
static bool is_no_json(const struct field *f)
{
	if ((f->facts.values | f->facts.elements) & FACT_NOT_JSON)
		return true;
	for (size_t i = 0; f->children && i < f->children->count; i++)
		if (is_no_json(f->children->field[i]))
			return true;
	return false;
}

static int flatten(struct exact *m, struct record *r, int level, struct error *err);

/* A RECORD if it can be one and has a field. */
static int record_type(struct exact *m, struct field *f, int level, bool *fits, struct error *err)
{
	*fits = false;
	if (!f->children || level >= LEVELS_MAX || f->children->overflow)
		return 0;
	if (flatten(m, f->children, level + 1, err) < 0)
		return -1;
	*fits = f->children->output_count > 0;
	return 0;
}

static int structured_type(struct exact *m, struct field *f, int level, struct error *err)
{
	uint32_t values = f->facts.values & ~(uint32_t)(FACT_NULL | FACT_EMPTY | FACT_NOT_JSON);
	uint32_t elements = f->facts.elements & ~(uint32_t)FACT_NOT_JSON;
	bool fits = false;

	f->target.type = TYPE_JSON;
	if (!(values & ~(uint32_t)ARRAYS)) {
		f->target.mode = MODE_REPEATED;
		if (!(elements & ~(uint32_t)SCALARS))
			f->target.type =
				elements ? scalar_type(elements, &f->facts.digits) : TYPE_STRING;
		else if (elements & ~(uint32_t)OBJECTS)
			f->target.mode = MODE_NULLABLE;
		else if (record_type(m, f, level, &fits, err) < 0)
			return -1;
		else if (!fits)
			f->target.mode = MODE_NULLABLE;
	} else if (!(values & ~(uint32_t)OBJECTS) && record_type(m, f, level, &fits, err) < 0) {
		return -1;
	}
	if (fits)
		f->target.type = TYPE_RECORD;
	if (f->target.type == TYPE_JSON && is_no_json(f))
		f->target.type = TYPE_STRING;
	return 0;
}

/* Whether anything but null, [] and {} came; and whether it is kept all the same. */
static bool is_kept(const struct exact *m, const struct field *f)
{
	if (f->facts.values & (SCALARS | FACT_OBJECT | FACT_ARRAY))
		return true;
	return m->config->keep_nulls || m->config->input_format == FORMAT_CSV;
}

static int new_field(struct exact *m, struct field *f, int level, struct error *err)
{
	uint32_t values = f->facts.values;

	f->target.included = is_kept(m, f);
	f->target.mode = MODE_NULLABLE;
	if (!f->target.included)
		return 0;
	if (values & (OBJECTS | ARRAYS)) {
		if (structured_type(m, f, level, err) < 0)
			return -1;
		/* {"a":{"b":null}}: nothing in it is kept. */
		if (f->target.type == TYPE_JSON && !(values & ~(uint32_t)(FACT_NULL | OBJECTS)) &&
		    f->children && !f->children->output_count && !f->children->overflow &&
		    level < LEVELS_MAX)
			f->target.included = m->config->keep_nulls;
		return 0;
	}
	f->target.type = values & SCALARS ? scalar_type(values, &f->facts.digits) : TYPE_STRING;
	if (m->config->infer_mode && m->config->input_format == FORMAT_CSV &&
	    f->facts.rows == m->rows && m->rows)
		f->target.mode = MODE_REQUIRED;
	return 0;
}

/* What a load may make of an existing column: INTEGER -> NUMERIC -> BIGNUMERIC, INTEGER -> FLOAT. */
static enum schema_type widened(const struct field *f)
{
	enum schema_type old = f->existing->type, new;

	if (!(f->facts.values & NUMBERS) || f->facts.values & SCALARS & ~(uint32_t)NUMBERS)
		return old;
	new = number_type(f->facts.values, &f->facts.digits);
	if (old == TYPE_INTEGER &&
	    (new == TYPE_FLOAT || new == TYPE_NUMERIC || new == TYPE_BIGNUMERIC))
		return new;
	if (old == TYPE_NUMERIC && !f->existing->precision && new == TYPE_BIGNUMERIC)
		return new;
	return old;
}

static int existing_field(struct exact *m, struct field *f, int level, struct error *err)
{
	f->target.included = true;
	f->target.type = f->existing->mode == MODE_REPEATED ? f->existing->type : widened(f);
	f->target.mode = f->existing->mode;
	if (f->target.mode == MODE_REQUIRED && m->config->infer_mode &&
	    (f->facts.values & FACT_NULL ||
	     (m->config->input_format == FORMAT_CSV && f->facts.rows != m->rows)))
		f->target.mode = MODE_NULLABLE;
	return f->target.type == TYPE_RECORD ? flatten(m, f->children, level + 1, err) : 0;
}

static void warn_of_names(const struct record *r)
{
	char path[PATH_MAX_BYTES];

	for (size_t i = 0; i < r->spelling_slots; i++) {
		const struct spelling *s = r->spellings[i];

		if (s && s->field->target.included &&
		    (s->name_length != s->length || memcmp(s->name, s->text, s->length) != 0))
			log_warn(
				"column %s: its name in the data is %.300s, which BigQuery does not take",
				record_path(s->field, path), s->text);
	}
}

static int flatten(struct exact *m, struct record *r, int level, struct error *err)
{
	bool sorted =
		m->config->input_format != FORMAT_CSV && !m->config->preserve_input_sort_order;

	for (size_t i = 0; i < r->count; i++) {
		struct field *f = r->field[i];

		f->target.name = f->first->name;
		f->target.name_length = f->first->name_length;
		if ((f->existing ? existing_field(m, f, level, err) : new_field(m, f, level, err)) <
		    0)
			return -1;
	}
	warn_of_names(r);
	return record_select(r, r->field, r->count, sorted, err);
}

int exact_flatten(struct exact *m, struct error *err)
{
	return flatten(m, m->top, 1, err);
}
