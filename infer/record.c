#include "infer/record.h"

#include <stdlib.h>
#include <string.h>

#include "infer/names.h"
#include "lib/escape.h"
#include "lib/utf8.h"

/* So many columns that a row leaves out are passed over before the next is looked up. */
enum { STEPS = 6 };

/* Eight bytes at a time, as multiplicative hashes go. */
static uint64_t hash_text(const char *text, size_t length)
{
	const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
	uint64_t hash = length, word;

	for (; length >= sizeof word; text += sizeof word, length -= sizeof word) {
		memcpy(&word, text, sizeof word);
		hash = (hash ^ word) * odd;
		hash ^= hash >> 32;
	}
	for (word = 0; length; length--)
		word = word << 8 | (unsigned char)*text++;
	hash = (hash ^ word) * odd;
	return hash ^ hash >> 32;
}

struct record *record_new(struct field *owner, size_t limit)
{
	struct record *r = calloc(1, sizeof *r);

	if (r) {
		r->owner = owner;
		r->limit = limit;
		r->last = &r->start;
	}
	return r;
}

static void spelling_free(struct spelling *s)
{
	if (!s)
		return;
	if (s->name != s->text)
		free(s->name);
	free(s->text);
	free(s);
}

static void field_free(struct field *f)
{
	if (!f)
		return;
	record_free(f->children);
	record_free(f->scratch);
	spelling_free(f->seeded);
	free(f->key);
	free(f);
}

void record_free(struct record *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->spelling_slots; i++)
		spelling_free(r->spellings[i]);
	for (size_t i = 0; i < r->count; i++)
		field_free(r->field[i]);
	free(r->spellings);
	free(r->keys);
	free(r->field);
	free(r->present);
	free(r->output);
	free(r);
}

/* --- fields by key ------------------------------------------------------- */

static struct field **key_slot(const struct record *r, const char *key, size_t length)
{
	size_t slot = hash_text(key, length) & (r->key_slots - 1);

	for (; r->keys[slot]; slot = (slot + 1) & (r->key_slots - 1))
		if (r->keys[slot]->key_length == length && !memcmp(r->keys[slot]->key, key, length))
			break;
	return &r->keys[slot];
}

static int grow_keys(struct record *r, struct error *err)
{
	size_t slots = r->key_slots ? 2 * r->key_slots : 16;
	struct field **keys = calloc(slots, sizeof *keys);

	if (!keys)
		return error_nomem(err);
	free(r->keys);
	r->keys = keys;
	r->key_slots = slots;
	for (size_t i = 0; i < r->count; i++)
		*key_slot(r, r->field[i]->key, r->field[i]->key_length) = r->field[i];
	return 0;
}

static int grow_fields(struct record *r, struct error *err)
{
	size_t capacity = r->capacity ? 2 * r->capacity : 16;
	struct field **field = realloc(r->field, capacity * sizeof(struct field *));
	struct field **present;

	if (!field)
		return error_nomem(err);
	r->field = field;
	present = realloc(r->present, capacity * sizeof(struct field *));
	if (!present)
		return error_nomem(err);
	r->present = present;
	r->capacity = capacity;
	return 0;
}

struct field *record_field(struct record *r, const char *key, size_t length, struct error *err)
{
	struct field *f, **slot;

	if (2 * (r->count + 1) > r->key_slots && grow_keys(r, err) < 0)
		return NULL;
	slot = key_slot(r, key, length);
	f = *slot;
	if (f)
		return f;
	if (r->count == r->capacity && grow_fields(r, err) < 0)
		return NULL;
	f = calloc(1, sizeof *f);
	if (f)
		f->key = malloc(length + 1);
	if (!f || !f->key) {
		free(f);
		error_nomem(err);
		return NULL;
	}
	memcpy(f->key, key, length);
	f->key[length] = '\0';
	f->key_length = length;
	f->parent = r;
	r->field[r->count++] = f;
	*slot = f;
	return f;
}

/* --- spellings by text --------------------------------------------------- */

static struct spelling **spelling_slot(const struct record *r, const char *text, size_t length)
{
	size_t slot = hash_text(text, length) & (r->spelling_slots - 1);

	for (; r->spellings[slot]; slot = (slot + 1) & (r->spelling_slots - 1))
		if (r->spellings[slot]->length == length &&
		    !memcmp(r->spellings[slot]->text, text, length))
			break;
	return &r->spellings[slot];
}

static int grow_spellings(struct record *r, struct error *err)
{
	size_t old_slots = r->spelling_slots, slots = old_slots ? 2 * old_slots : 16;
	struct spelling **old = r->spellings;
	struct spelling **spellings = calloc(slots, sizeof *spellings);

	if (!spellings)
		return error_nomem(err);
	r->spellings = spellings;
	r->spelling_slots = slots;
	for (size_t i = 0; i < old_slots; i++)
		if (old[i])
			*spelling_slot(r, old[i]->text, old[i]->length) = old[i];
	free(old);
	return 0;
}

/* The bytes that stand in JSON as they are. */
static bool is_plain(const char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == '"' || text[i] == '\\')
			return false;
	return true;
}

static struct spelling *spelling_new(const char *text, size_t length, enum name_rule rule)
{
	struct spelling *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->text = malloc(length + 1);
	s->name = s->text ? names_apply(rule, text, length, &s->name_length) : NULL;
	if (!s->name) {
		spelling_free(s);
		return NULL;
	}
	memcpy(s->text, text, length);
	s->text[length] = '\0';
	s->length = length;
	if (length + 3 <= PREFIX_MAX && is_plain(text, length)) {
		s->prefix[0] = '"';
		memcpy(s->prefix + 1, text, length);
		memcpy(s->prefix + 1 + length, "\":", 2);
		s->prefix_length = length + 3;
	}
	return s;
}

static struct field *field_of_name(struct record *r, const char *name, size_t length,
				   struct error *err)
{
	size_t key_length;
	char *key = names_key(name, length, &key_length);
	struct field *f = key ? record_field(r, key, key_length, err) : NULL;

	if (!key)
		error_nomem(err);
	free(key);
	return f;
}

/* A table that exists may have names that a new one would not get here. */
static bool is_of_table(const struct record *r, const char *text, size_t length)
{
	size_t key_length;
	char *key = r->key_slots ? names_key(text, length, &key_length) : NULL;
	struct field *f = key ? *key_slot(r, key, key_length) : NULL;

	free(key);
	return f && f->existing;
}

struct spelling *record_spell(struct record *r, const char *text, size_t length,
			      enum name_rule rule, struct error *err)
{
	struct spelling **slot, *s;

	if (2 * (r->spelling_count + 1) > r->spelling_slots && grow_spellings(r, err) < 0)
		return NULL;
	slot = spelling_slot(r, text, length);
	s = *slot;
	if (s)
		return s;
	if (r->limit && r->spelling_count >= r->limit && r->overflow)
		return r->overflow;
	if (r->sealed) {
		error_set(err, ERR_DATA, "column %.*s was not there when the input was read first",
			  (int)utf8_cut(text, length, 300), text);
		return NULL;
	}
	if (rule == NAMES_BIGQUERY && is_of_table(r, text, length))
		rule = NAMES_KEPT;
	s = spelling_new(text, length, rule);
	if (!s) {
		error_nomem(err);
		return NULL;
	}
	s->field = field_of_name(r, s->name, s->name_length, err);
	if (!s->field) {
		spelling_free(s);
		return NULL;
	}
	if (!s->field->first)
		s->field->first = s;
	*slot = s;
	r->last->next = s;
	r->last = s;
	if (++r->spelling_count == r->limit)
		r->overflow = s;
	return s;
}

void record_seal(struct record *r)
{
	r->sealed = true;
	for (size_t i = 0; i < r->count; i++)
		if (r->field[i]->children)
			record_seal(r->field[i]->children);
}

struct field *record_seed(struct record *r, const struct schema_field *existing, struct error *err)
{
	struct field *f = field_of_name(r, existing->name, existing->name_length, err);

	if (!f)
		return NULL;
	f->existing = existing;
	f->seeded = spelling_new(existing->name, existing->name_length, NAMES_KEPT);
	if (!f->seeded) {
		error_nomem(err);
		return NULL;
	}
	f->seeded->field = f;
	f->first = f->seeded;
	return f;
}

/* The text of the name at p, whose closing quote is before end. */
static struct spelling *spelled(struct json_cursor *c, const char *p, const char *end,
				struct record *r, enum name_rule rule)
{
	const char *name = p + 1;
	size_t length = (size_t)(end - name) - 1;
	struct spelling *found = NULL;
	char *decoded = NULL;

	if (memchr(name, '\\', length)) {
		/* No escape is shorter than what it means. */
		decoded = malloc(length + 1);
		if (!decoded) {
			error_nomem(c->err);
			return NULL;
		}
		length = escape_decode(name, length, decoded, length);
		name = decoded;
	} else if (c->high && utf8_valid_prefix(name, length) != length) {
		json_syntax(c, name + utf8_valid_prefix(name, length), "not valid UTF-8");
		return NULL;
	}
	found = record_spell(r, name, length, rule, c->err);
	free(decoded);
	return found;
}

const char *record_slow_name(struct json_cursor *c, const char *p, struct record *r,
			     enum name_rule rule, struct spelling **name)
{
	struct spelling *before = *name, *s = before->next;
	const char *end;

	for (int i = 0; s && i < STEPS; i++, s = s->next)
		if (s->prefix_length && json_has_prefix(p, s->prefix, s->prefix_length)) {
			*name = before->follower = s;
			return p + s->prefix_length;
		}
	if (*p != '"')
		return json_syntax(c, p, "expected a name in quotes");
	end = json_string_end(c, p + 1);
	s = end ? spelled(c, p, end, r, rule) : NULL;
	if (!s)
		return NULL;
	*name = before->follower = s;
	p = json_skip_space(end);
	return *p == ':' ? p + 1 : json_syntax(c, p, "expected ':'");
}

static int compare_keys(const void *a, const void *b)
{
	const struct field *f = *(struct field *const *)a, *g = *(struct field *const *)b;
	size_t length = f->key_length < g->key_length ? f->key_length : g->key_length;
	int order = memcmp(f->key, g->key, length);

	return order ? order : (f->key_length > g->key_length) - (f->key_length < g->key_length);
}

int record_select(struct record *r, struct field *const *order, size_t count, bool sorted,
		  struct error *err)
{
	free(r->output);
	r->output_count = 0;
	r->output = calloc(count + 1, sizeof *r->output);
	if (!r->output)
		return error_nomem(err);
	for (size_t i = 0; i < count; i++)
		if (order[i]->target.included)
			r->output[r->output_count++] = order[i];
	if (sorted)
		qsort(r->output, r->output_count, sizeof *r->output, compare_keys);
	return 0;
}

/* What no message can have: NUL, and halves of surrogate pairs, which are three bytes as U+FFFD is. */
static void make_readable(char *name, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (!name[i])
			name[i] = '?';
		else if (i + 2 < length && name[i] == '\xed' && (unsigned char)name[i + 1] >= 0xa0)
			memcpy(name + i, "\xef\xbf\xbd", 3);
}

/* The path is made from its end; what is behind PATH_MAX_BYTES is lost at its beginning. */
const char *record_path(const struct field *f, char out[PATH_MAX_BYTES])
{
	size_t start = PATH_MAX_BYTES - 1;

	out[start] = '\0';
	for (bool leaf = true; f; f = f->parent->owner, leaf = false) {
		size_t length = f->key_length;
		const char *name = f->key;

		if (f->first) {
			name = f->first->name;
			length = f->first->name_length;
		}
		if (length + 1 > start)
			break;
		if (!leaf)
			out[--start] = '.';
		start -= length;
		memcpy(out + start, name, length);
		make_readable(out + start, length);
	}
	return out + start;
}
