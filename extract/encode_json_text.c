/*
 * JSON text as people and programs wrote it: checked, and brought on one line.
 * BigQuery would keep one of two equal keys and drop the other, so they are
 * found, in O(n log n) whatever the keys.
 */
#include <stdlib.h>

#include "extract/encode.h"
#include "lib/utf8.h"

static const char reason_syntax[] = "the text is not JSON";
static const char reason_escape[] =
	"an escape in the JSON value is no character, or is the character 0";

enum { KEYS_FIXED = 256, KEYS_PAIRWISE = 16 };

/* A key as it was written, between its quotes, in the output. */
struct json_key {
	uint64_t hash;
	const char *name;
	size_t length;
};

/*
 * Keys of all objects that are open, the innermost one's last: when an object
 * closes, its own are at the end, are compared, and go.
 */
struct json_text {
	const char *p, *end;
	char *out;
	struct json_key *keys; /* fixed, or allocated once that is full */
	size_t key_count, key_room;
	size_t depth;
	struct {
		size_t first_key;
		bool object;
	} level[ENCODE_JSON_DEPTH_MAX];
	struct json_key fixed[KEYS_FIXED];
};

static void skip_space(struct json_text *t)
{
	while (t->p < t->end && (*t->p == ' ' || *t->p == '\n' || *t->p == '\r' || *t->p == '\t'))
		t->p++;
}

static bool read_hex4(struct json_text *t, uint32_t *ret)
{
	uint32_t value = 0;

	if (t->end - t->p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		char c = *t->p++;

		if (c >= '0' && c <= '9')
			value = value << 4 | (uint32_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			value = value << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
		else
			return false;
	}
	*ret = value;
	return true;
}

/* A character that needs an escape, in its shortest one, or as it is. */
static char *put_character(char *out, uint32_t c)
{
	static const char named[] = "b\bf\fn\nr\rt\t\"\"\\\\";

	for (size_t i = 0; i + 1 < sizeof named; i += 2)
		if (c == (unsigned char)named[i + 1]) {
			*out++ = '\\';
			*out++ = named[i];
			return out;
		}
	if (c >= 0x20)
		return utf8_put(out, c);
	memcpy(out, "\\u00", 4);
	out[4] = (char)('0' + (c >> 4));
	out[5] = "0123456789abcdef"[c & 15];
	return out + 6;
}

/* Behind "\u". BigQuery refuses half a surrogate pair; whether it keeps \u0000 is not documented. */
static const char *copy_code(struct json_text *t)
{
	uint32_t code, low;

	if (!read_hex4(t, &code))
		return reason_syntax;
	if (code >= 0xD800 && code < 0xDC00) {
		if (t->end - t->p < 2 || t->p[0] != '\\' || t->p[1] != 'u')
			return reason_escape;
		t->p += 2;
		if (!read_hex4(t, &low))
			return reason_syntax;
		if (low < 0xDC00 || low > 0xDFFF)
			return reason_escape;
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
	} else if (code == 0 || (code >= 0xDC00 && code <= 0xDFFF)) {
		return reason_escape;
	}
	t->out = put_character(t->out, code);
	return NULL;
}

static const char *copy_escape(struct json_text *t)
{
	static const char named[] = "\"\"\\\\//b\bf\fn\nr\rt\t";

	if (t->p == t->end)
		return reason_syntax;
	if (*t->p == 'u') {
		t->p++;
		return copy_code(t);
	}
	for (size_t i = 0; i + 1 < sizeof named; i += 2)
		if (*t->p == named[i]) {
			t->p++;
			t->out = put_character(t->out, (unsigned char)named[i + 1]);
			return NULL;
		}
	return reason_syntax;
}

/*
 * The string at p, each character in its shortest form, so that equal strings
 * are equal bytes. It never grows.
 */
static const char *copy_json_string(struct json_text *t)
{
	const char *reason;

	if (t->p == t->end || *t->p != '"')
		return reason_syntax;
	*t->out++ = *t->p++;
	for (;;) {
		const char *run = t->p;
		size_t n;

		while (t->p < t->end && *t->p != '"' && *t->p != '\\' &&
		       (unsigned char)*t->p >= 0x20)
			t->p++;
		n = (size_t)(t->p - run);
		memmove(t->out, run, n);
		t->out += n;
		if (t->p == t->end || (unsigned char)*t->p < 0x20)
			return reason_syntax;
		if (*t->p == '"')
			break;
		t->p++;
		reason = copy_escape(t);
		if (reason)
			return reason;
	}
	*t->out++ = *t->p++;
	return NULL;
}

static const char *skip_digits(const char *p, const char *end)
{
	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p;
}

const char *encode_skip_json_number(const char *p, const char *end)
{
	const char *start;

	p += p < end && *p == '-';
	start = p;
	p = skip_digits(p, end);
	if (p == start || (*start == '0' && p > start + 1))
		return NULL;
	if (p < end && *p == '.') {
		start = ++p;
		p = skip_digits(p, end);
		if (p == start)
			return NULL;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '-' || *p == '+');
		start = p;
		p = skip_digits(p, end);
		if (p == start)
			return NULL;
	}
	return p;
}

static const char *copy_scalar(struct json_text *t)
{
	static const char *const words[] = { "true", "false", "null" };
	const char *from = t->p, *behind = encode_skip_json_number(from, t->end);

	const char *reason = behind ? encode_check_json_number(from, behind) : NULL;

	if (reason)
		return reason;
	for (size_t i = 0; i < sizeof words / sizeof *words && !behind; i++) {
		size_t n = strlen(words[i]);

		if ((size_t)(t->end - from) >= n && !memcmp(from, words[i], n))
			behind = from + n;
	}
	if (!behind)
		return *from == '"' ? copy_json_string(t) : reason_syntax;
	memmove(t->out, from, (size_t)(behind - from));
	t->out += behind - from;
	t->p = behind;
	return NULL;
}

static const char *grow_keys(struct json_text *t)
{
	bool allocated = t->keys != t->fixed;
	struct json_key *more =
		realloc(allocated ? t->keys : NULL, 2 * t->key_room * sizeof *t->keys);

	if (!more)
		return "there is no memory to compare the keys of the JSON value";
	if (!allocated)
		memcpy(more, t->fixed, sizeof t->fixed);
	t->keys = more;
	t->key_room *= 2;
	return NULL;
}

/* A key and its colon. */
static const char *copy_key(struct json_text *t)
{
	const char *reason = t->key_count == t->key_room ? grow_keys(t) : NULL;
	char *name = t->out + 1;
	struct json_key key;

	if (!reason)
		reason = copy_json_string(t);
	if (reason)
		return reason;
	key = (struct json_key){
		.hash = UINT64_C(0xCBF29CE484222325),
		.name = name,
		.length = (size_t)(t->out - 1 - name),
	};
	for (size_t i = 0; i < key.length; i++)
		key.hash = (key.hash ^ (unsigned char)name[i]) * UINT64_C(0x100000001B3);
	t->keys[t->key_count++] = key;
	skip_space(t);
	if (t->p == t->end || *t->p != ':')
		return reason_syntax;
	*t->out++ = *t->p++;
	return NULL;
}

static int compare_keys(const void *a, const void *b)
{
	const struct json_key *x = a, *y = b;

	if (x->hash != y->hash)
		return x->hash < y->hash ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	return memcmp(x->name, y->name, x->length);
}

static bool has_duplicates(struct json_key *keys, size_t count)
{
	if (count <= KEYS_PAIRWISE) {
		for (size_t i = 1; i < count; i++)
			for (size_t j = 0; j < i; j++)
				if (!compare_keys(&keys[i], &keys[j]))
					return true;
		return false;
	}
	qsort(keys, count, sizeof *keys, compare_keys);
	for (size_t i = 1; i < count; i++)
		if (!compare_keys(&keys[i - 1], &keys[i]))
			return true;
	return false;
}

/* '{' with the first key, or '['; *empty when the next thing is its end. */
static const char *open_level(struct json_text *t, bool *empty)
{
	bool object = *t->p == '{';

	if (t->depth == ENCODE_JSON_DEPTH_MAX)
		return "the JSON value is nested deeper than 500 levels";
	t->level[t->depth].first_key = t->key_count;
	t->level[t->depth++].object = object;
	*t->out++ = *t->p++;
	skip_space(t);
	*empty = t->p < t->end && *t->p == (object ? '}' : ']');
	return object && !*empty ? copy_key(t) : NULL;
}

/* Behind a value: what closes, up to the comma behind which the next one stands, or the end. */
static const char *close_levels(struct json_text *t)
{
	for (;;) {
		size_t first;
		bool object;

		skip_space(t);
		if (t->depth == 0)
			return t->p == t->end ? NULL : reason_syntax;
		object = t->level[t->depth - 1].object;
		first = t->level[t->depth - 1].first_key;
		if (t->p == t->end)
			return reason_syntax;
		if (*t->p == ',') {
			*t->out++ = *t->p++;
			skip_space(t);
			return object ? copy_key(t) : NULL;
		}
		if (*t->p != (object ? '}' : ']'))
			return reason_syntax;
		*t->out++ = *t->p++;
		t->depth--;
		if (has_duplicates(t->keys + first, t->key_count - first))
			return "the JSON value has the same key twice in an object";
		t->key_count = first;
	}
}

static const char *copy_value(struct json_text *t)
{
	const char *reason;

	do {
		bool closes = true;

		skip_space(t);
		if (t->p == t->end)
			return reason_syntax;
		reason = *t->p == '{' || *t->p == '[' ? open_level(t, &closes) : copy_scalar(t);
		if (!reason && closes)
			reason = close_levels(t);
	} while (!reason && t->depth > 0);
	return reason;
}

const char *encode_put_json_text(const char *p, size_t n, char **out)
{
	struct json_text t; /* most of it is left as it is: a row has many values */
	const char *reason;

	if (utf8_valid_prefix(p, n) < n)
		return "the JSON text is not valid UTF-8";
	t.p = p;
	t.end = p + n;
	t.out = *out;
	t.keys = t.fixed;
	t.key_count = t.depth = 0;
	t.key_room = KEYS_FIXED;
	reason = copy_value(&t);
	if (t.keys != t.fixed)
		free(t.keys);
	if (!reason)
		*out = t.out;
	return reason;
}
