#include "lib/columns.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static uint32_t hash_name(const char *name, size_t length)
{
	uint32_t hash = 2166136261u; /* FNV-1a, over letters without case */

	for (size_t i = 0; i < length; i++)
		hash = (hash ^ ((unsigned char)name[i] | 0x20)) * 16777619u;
	return hash;
}

void columns_free(struct columns *c)
{
	if (!c)
		return;
	for (size_t i = 0; c->nested && i < c->schema->count; i++)
		columns_free(c->nested[i]);
	free(c->nested);
	free(c->prefix);
	free(c->slots);
	free(c->seen);
	free(c);
}

static void index_names(struct columns *c)
{
	for (size_t i = 0; i < c->schema->count; i++) {
		const struct schema_field *f = &c->schema->field[i];
		uint32_t slot = hash_name(f->name, f->name_length) & c->mask;

		while (c->slots[slot])
			slot = (slot + 1) & c->mask;
		c->slots[slot] = (uint32_t)i + 1;
		c->required += f->mode == MODE_REQUIRED;
	}
}

static void make_prefixes(struct columns *c)
{
	for (size_t i = 0; i < c->schema->count; i++) {
		const struct schema_field *f = &c->schema->field[i];

		if (f->name_length + 3 > PREFIX_MAX)
			continue;
		c->prefix[i].text[0] = '"';
		memcpy(c->prefix[i].text + 1, f->name, f->name_length);
		memcpy(c->prefix[i].text + 1 + f->name_length, "\":", 2);
		c->prefix[i].length = (uint8_t)(f->name_length + 3);
	}
}

struct columns *columns_new(const struct schema *schema)
{
	struct columns *c = calloc(1, sizeof *c);
	size_t slots = 8;

	if (!c)
		return NULL;
	while (slots < 2 * schema->count)
		slots *= 2;
	c->schema = schema;
	c->mask = (uint32_t)slots - 1;
	c->slots = calloc(slots, sizeof *c->slots);
	c->seen = calloc(schema->count, sizeof *c->seen);
	c->nested = calloc(schema->count, sizeof *c->nested);
	c->prefix = calloc(schema->count, sizeof *c->prefix);
	if (!c->slots || !c->seen || !c->nested || !c->prefix)
		goto fail;
	index_names(c);
	make_prefixes(c);
	for (size_t i = 0; i < schema->count; i++)
		if (schema->field[i].fields) {
			c->nested[i] = columns_new(schema->field[i].fields);
			if (!c->nested[i])
				goto fail;
		}
	return c;
fail:
	columns_free(c);
	return NULL;
}

size_t columns_find(const struct columns *c, const char *name, size_t length)
{
	uint32_t slot = hash_name(name, length) & c->mask;

	for (; c->slots[slot]; slot = (slot + 1) & c->mask) {
		const struct schema_field *f = &c->schema->field[c->slots[slot] - 1];

		if (f->name_length == length && !strncasecmp(f->name, name, length))
			return c->slots[slot] - 1;
	}
	return SIZE_MAX;
}
