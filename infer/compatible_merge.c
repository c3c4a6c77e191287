/* What becomes of a field when one more value comes: generate-schema's merge_schema_entry and merge_mode. */
#include <stdlib.h>

#include "infer/compatible.h"
#include "infer/names.h"
#include "lib/log.h"

enum {
	STRING_TYPES = KIND_BIT(TYPE_STRING) | KIND_BIT(TYPE_TIMESTAMP) | KIND_BIT(TYPE_DATE) |
		       KIND_BIT(TYPE_TIME) | KIND_BIT(KIND_QINTEGER) | KIND_BIT(KIND_QFLOAT) |
		       KIND_BIT(KIND_QBOOLEAN),
	INTEGERS = KIND_BIT(TYPE_INTEGER) | KIND_BIT(KIND_QINTEGER),
	FLOATS = KIND_BIT(TYPE_FLOAT) | KIND_BIT(KIND_QFLOAT),
	BOOLEANS = KIND_BIT(TYPE_BOOLEAN) | KIND_BIT(KIND_QBOOLEAN),
	SOFT_KINDS = KIND_BIT(KIND_NULL) | KIND_BIT(KIND_EMPTY_ARRAY) | KIND_BIT(KIND_EMPTY_RECORD),
	QUOTED_NUMBERS = KIND_BIT(KIND_QINTEGER) | KIND_BIT(KIND_QFLOAT),
};

unsigned compatible_convert(unsigned a, unsigned b)
{
	uint32_t both = KIND_BIT(a) | KIND_BIT(b);

	if (a == b)
		return a;
	if (both == BOOLEANS)
		return TYPE_BOOLEAN;
	if (both == INTEGERS)
		return TYPE_INTEGER;
	if (both == QUOTED_NUMBERS)
		return KIND_QFLOAT;
	if (!(both & ~(uint32_t)(INTEGERS | FLOATS)))
		return TYPE_FLOAT;
	return both & ~(uint32_t)STRING_TYPES ? KIND_NONE : TYPE_STRING;
}

/* --- what changes nothing ------------------------------------------------ */

static uint32_t same_type(unsigned type)
{
	uint32_t kinds = 0;

	for (unsigned kind = 0; kind <= KIND_QBOOLEAN; kind++)
		if (compatible_convert(type, kind) == type)
			kinds |= KIND_BIT(kind);
	return kinds;
}

static uint32_t kinds_of_type[KIND_NONE];

static void note_unchanged(struct field *f)
{
	const struct state *s = &f->state;
	uint32_t soft = 0, *kinds = &kinds_of_type[s->type];

	if (!*kinds)
		*kinds = same_type(s->type);
	f->unchanged = f->unchanged_repeated = 0;
	switch (s->status) {
	case STATUS_IGNORE:
		f->unchanged = f->unchanged_repeated = ~UINT32_C(0);
		if (s->filled)
			f->unchanged &= ~SOFT_KINDS;
		return;
	case STATUS_HARD:
		break;
	case STATUS_SOFT:
		if (s->mode == MODE_REPEATED && s->type == TYPE_STRING)
			f->unchanged = KIND_BIT(KIND_EMPTY_ARRAY);
		else if (s->mode == MODE_NULLABLE)
			f->unchanged =
				KIND_BIT(s->type == TYPE_RECORD ? KIND_EMPTY_RECORD : KIND_NULL);
		return;
	default:
		return;
	}
	if (!s->filled && s->mode != MODE_REQUIRED)
		soft = KIND_BIT(KIND_NULL) | KIND_BIT(KIND_EMPTY_RECORD);
	if (s->mode == MODE_REPEATED) {
		f->unchanged = soft | (s->filled ? 0 : KIND_BIT(KIND_EMPTY_ARRAY));
		f->unchanged_repeated = *kinds;
		if (s->type == TYPE_RECORD)
			f->unchanged |= KIND_BIT(TYPE_RECORD);
	} else {
		f->unchanged = *kinds | soft;
	}
}

/* --- changes that can be taken back -------------------------------------- */

static struct change *new_change(struct compatible *m)
{
	if (m->changes == m->change_capacity) {
		size_t capacity = m->change_capacity ? 2 * m->change_capacity : 64;
		struct change *change = realloc(m->change, capacity * sizeof *change);

		if (!change) {
			error_nomem(m->err);
			return NULL;
		}
		m->change = change;
		m->change_capacity = capacity;
	}
	m->change[m->changes] = (struct change){ 0 };
	return &m->change[m->changes++];
}

/* A state of another generation is none: it knows nothing that a value could leave unchanged. */
static void refresh(struct field *f)
{
	if (f->state.generation == f->parent->generation)
		note_unchanged(f);
	else
		f->unchanged = f->unchanged_repeated = 0;
}

void compatible_undo(struct compatible *m)
{
	buf_clear(&m->reports);
	for (size_t i = m->changes; i-- > 0;) {
		const struct change *c = &m->change[i];

		if (c->record) {
			c->record->generation = c->generation;
			c->record->present_count = c->present_count;
		} else {
			c->field->state = c->state;
		}
	}
	/* Only now are all states and all generations what they were. */
	for (size_t i = 0; i < m->changes; i++) {
		const struct record *r = m->change[i].record;

		for (size_t k = 0; r && k < r->count; k++)
			refresh(r->field[k]);
		if (!r)
			refresh(m->change[i].field);
	}
	m->changes = 0;
}

static int set_state(struct compatible *m, struct field *f, const struct state *state)
{
	struct change *c = new_change(m);

	if (!c)
		return -1;
	*c = (struct change){ .field = f, .state = f->state };
	f->state = *state;
	f->state.generation = f->parent->generation;
	note_unchanged(f);
	return 0;
}

int compatible_forget(struct compatible *m, struct record *r)
{
	struct change *c = new_change(m);

	if (!c)
		return -1;
	*c = (struct change){ .record = r,
			      .generation = r->generation,
			      .present_count = r->present_count };
	r->generation = ++m->generation;
	r->present_count = 0;
	/* Their bits are of a state that is none any more. */
	for (size_t i = 0; i < r->count; i++)
		r->field[i]->unchanged = r->field[i]->unchanged_repeated = 0;
	return 0;
}

/* It has a place among the fields of its record from now on. */
static int become_present(struct compatible *m, struct field *f)
{
	struct change *c = new_change(m);

	if (!c)
		return -1;
	*c = (struct change){ .record = f->parent,
			      .generation = f->parent->generation,
			      .present_count = f->parent->present_count };
	f->parent->present[f->parent->present_count++] = f;
	return 0;
}

/* --- merging ------------------------------------------------------------- */

static const char *describe(const struct state *s)
{
	static const char *const soft[] = { "null", "an empty object", "an empty array" };
	static const char *const quoted[] = { "a quoted INTEGER", "a quoted FLOAT",
					      "a quoted BOOLEAN" };

	if (s->status == STATUS_SOFT)
		return s->mode == MODE_REPEATED ? soft[2] : soft[s->type == TYPE_RECORD];
	return s->type > TYPE_RECORD ? quoted[s->type - KIND_QINTEGER] : schema_type_name(s->type);
}

int compatible_report(struct compatible *m, const struct field *f, const char *what)
{
	char path[PATH_MAX_BYTES];

	if (buf_append_str(&m->reports, record_path(f, path), m->err) < 0 ||
	    buf_append_str(&m->reports, ": ", m->err) < 0 ||
	    buf_append_str(&m->reports, what, m->err) < 0)
		return -1;
	return buf_append(&m->reports, "", 1, m->err);
}

static int report(struct compatible *m, const struct field *f, const struct state *old,
		  const struct state *new, const char *what)
{
	auto_buf text = BUF_INIT;

	if (buf_appendf(
		    &text, m->err, "%s%s, it was %s%s: %s", describe(new),
		    new->mode == MODE_REPEATED &&new->status == STATUS_HARD ? " in an array" : "",
		    describe(old),
		    old->mode == MODE_REPEATED && old->status == STATUS_HARD ? " in arrays" : "",
		    what) < 0 ||
	    !buf_cstr(&text, m->err))
		return -1;
	return compatible_report(m, f, text.data);
}

/* The mode of both, or -1. REQUIRED can only have come from an existing schema. */
static int merge_mode(const struct compatible *m, const struct state *old, const struct state *new)
{
	bool fits = old->mode == new->mode;
	int mode = old->mode;

	if (old->mode == MODE_REQUIRED && new->mode == MODE_NULLABLE) {
		fits = new->filled || m->config->infer_mode;
		mode = new->filled ? MODE_REQUIRED : MODE_NULLABLE;
	} else if (old->mode == MODE_NULLABLE && new->mode == MODE_REPEATED) {
		fits = old->status == STATUS_SOFT && new->status == STATUS_HARD;
		mode = MODE_REPEATED;
	} else if (old->mode == MODE_REPEATED && new->mode == MODE_NULLABLE) {
		fits = old->status == STATUS_HARD && new->status == STATUS_SOFT;
	}
	return fits ? mode : -1;
}

static int ignore(struct compatible *m, struct field *f, struct state *old)
{
	old->status = STATUS_IGNORE;
	return set_state(m, f, old);
}

/* For good. */
static int leave_out(struct compatible *m, struct field *f, struct state *old,
		     const struct state *new)
{
	const char *what =
		old->mode == MODE_REQUIRED && new->mode == MODE_NULLABLE && !new->filled
			? "the column is REQUIRED (--infer-mode relaxes it); it is left out"
			: "the column is left out";

	return report(m, f, old, new, what) < 0 ? -1 : ignore(m, f, old);
}

/* A record's fields begin anew with the entry. */
static int take(struct compatible *m, struct field *f, const struct state *value)
{
	if (value->type == TYPE_RECORD && value->status != STATUS_NONE) {
		if (!f->children)
			f->children = record_new(f, 0);
		if (!f->children)
			return error_nomem(m->err);
		if (compatible_forget(m, f->children) < 0)
			return -1;
	}
	return set_state(m, f, value);
}

static int merge_alike(struct compatible *m, struct field *f, struct state *old, struct state *new)
{
	unsigned type;
	int mode;

	if (old->type == TYPE_RECORD && new->type == TYPE_RECORD) {
		if (old->mode == MODE_NULLABLE && new->mode == MODE_REPEATED) {
			if (report(m, f, old, new, "the column becomes REPEATED") < 0)
				return -1;
			old->mode = MODE_REPEATED;
		}
		return set_state(m, f, old);
	}
	mode = merge_mode(m, old, new);
	if (mode < 0)
		return leave_out(m, f, old, new);
	new->mode = (uint8_t)mode;
	new->spelling = old->spelling;
	type = compatible_convert(old->type, new->type);
	if (type == KIND_NONE)
		return leave_out(m, f, old, new);
	new->type = (uint8_t)type;
	return set_state(m, f, new);
}

int compatible_merge(struct compatible *m, struct field *f, const struct state *value)
{
	struct state old = f->state, new = *value;
	int mode;

	if (old.generation != f->parent->generation)
		return become_present(m, f) < 0 ? -1 : take(m, f, &new);
	if (old.status == STATUS_NONE || new.status == STATUS_NONE)
		return take(m, f, &new);
	if (!old.filled || !new.filled)
		old.filled = new.filled = false;
	/* generate-schema stops with an exception at the latter. */
	if (old.status == STATUS_IGNORE || new.status == STATUS_IGNORE)
		return ignore(m, f, &old);
	if (old.status == new.status)
		return merge_alike(m, f, &old, &new);
	mode = merge_mode(m, &old, &new);
	if (mode < 0)
		return leave_out(m, f, &old, &new);
	if (old.status == STATUS_HARD) {
		old.mode = (uint8_t)mode;
		return set_state(m, f, &old);
	}
	new.mode = (uint8_t)mode;
	return take(m, f, &new);
}

/* --- arrays of objects --------------------------------------------------- */

static bool is_record(const struct field *f)
{
	return f->state.status == STATUS_HARD && f->state.type == TYPE_RECORD;
}

static bool changes_nothing(const struct field *to, const struct state *value)
{
	uint32_t bits = value->mode == MODE_REPEATED ? to->unchanged_repeated : to->unchanged;

	return value->status == STATUS_HARD && (value->filled || !to->state.filled) &&
	       (bits & KIND_BIT(value->type));
}

static int merge_fields(struct compatible *m, struct record *to, struct record *from)
{
	for (size_t i = 0; i < from->present_count; i++) {
		struct field *f = from->present[i];

		if (!f->twin)
			f->twin = record_field(to, f->key, f->key_length, m->err);
		if (!f->twin || (!changes_nothing(f->twin, &f->state) &&
				 compatible_merge(m, f->twin, &f->state) < 0))
			return -1;
		if (is_record(f) && is_record(f->twin) &&
		    merge_fields(m, f->twin->children, f->children) < 0)
			return -1;
	}
	return 0;
}

int compatible_merge_scratch(struct compatible *m, struct field *f)
{
	return is_record(f) ? merge_fields(m, f->children, f->scratch) : 0;
}
