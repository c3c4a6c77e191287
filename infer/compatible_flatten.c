/* The schema that generate-schema prints for what it knows: its flatten_schema_map. */
#include "infer/compatible.h"

#include "infer/names.h"

static int flatten(struct compatible *m, struct record *r, struct error *err)
{
	const struct config *config = m->config;
	bool csv = config->input_format == FORMAT_CSV;

	for (size_t i = 0; i < r->present_count; i++) {
		struct field *f = r->present[i];
		const struct state *s = &f->state;

		f->target.included = s->status == STATUS_HARD ||
				     (s->status == STATUS_SOFT && (config->keep_nulls || csv));
		if (!f->target.included)
			continue;
		f->target.name = s->spelling->name;
		f->target.name_length = s->spelling->name_length;
		f->target.type = s->type <= TYPE_RECORD     ? (enum schema_type)s->type
				 : s->type == KIND_QINTEGER ? TYPE_INTEGER
				 : s->type == KIND_QFLOAT   ? TYPE_FLOAT
							    : TYPE_BOOLEAN;
		f->target.mode = (enum schema_mode)s->mode;
		if (csv && config->infer_mode && s->mode == MODE_NULLABLE && s->filled)
			f->target.mode = MODE_REQUIRED;
		if (s->type == TYPE_RECORD && flatten(m, f->children, err) < 0)
			return -1;
	}
	return record_select(r, r->present, r->present_count,
			     !csv && !config->preserve_input_sort_order, err);
}

int compatible_flatten(struct compatible *m, struct error *err)
{
	return flatten(m, m->top, err);
}

static int seed_fields(struct compatible *m, struct record *r, const struct schema *schema)
{
	for (size_t i = 0; i < schema->count; i++) {
		const struct schema_field *e = &schema->field[i];
		struct field *f = record_seed(r, e, m->err);
		struct state state = { .status = STATUS_HARD,
				       .type = (uint8_t)e->type,
				       .mode = (uint8_t)e->mode,
				       .filled = e->mode != MODE_NULLABLE };

		if (!f)
			return -1;
		state.spelling = f->seeded;
		if (compatible_merge(m, f, &state) < 0 ||
		    (e->fields && seed_fields(m, f->children, e->fields) < 0))
			return -1;
	}
	return 0;
}

int compatible_seed(struct compatible *m, const struct schema *schema, struct error *err)
{
	m->err = err;
	if (seed_fields(m, m->top, schema) < 0)
		return -1;
	m->changes = 0;
	return 0;
}
