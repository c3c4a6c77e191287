#include "trigger/serve_document.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "lib/buf.h"
#include "lib/io.h"
#include "lib/utf8.h"

enum {
	FILE_MAX = 4 * 1024 * 1024,
	DEPTH_MAX = 64,
	/* Aliases of aliases can make a small file large. */
	NODES_MAX = 100 * 1000,
};

/* A YAML document on its way to jansson. */
struct reading {
	yaml_document_t document;
	const char *name;
	int code;
	unsigned nodes;
};

static int fail(const struct reading *r, const yaml_node_t *node, struct error *err,
		const char *format, ...) __attribute__((format(printf, 4, 5)));

static int fail(const struct reading *r, const yaml_node_t *node, struct error *err,
		const char *format, ...)
{
	va_list args;

	va_start(args, format);
	error_setv(err, r->code, format, args);
	va_end(args);
	return error_prefix(err, "%s: line %zu, column %zu", r->name, node->start_mark.line + 1,
			    node->start_mark.column + 1);
}

/* --- scalars --------------------------------------------------------------------------------- */

static bool is_one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (!strcmp(s, *list))
			return true;
	return false;
}

/* A decimal number as JSON has it. */
static bool is_json_number(const char *s)
{
	size_t n;

	s += *s == '-';
	n = strspn(s, "0123456789");
	if (n == 0 || (n > 1 && *s == '0'))
		return false;
	s += n;
	if (*s == '.') {
		n = strspn(++s, "0123456789");
		if (n == 0)
			return false;
		s += n;
	}
	if (*s == 'e' || *s == 'E') {
		s += 1 + (s[1] == '+' || s[1] == '-');
		n = strspn(s, "0123456789");
		if (n == 0)
			return false;
		s += n;
	}
	return *s == '\0';
}

/* What YAML takes for a number, or once took, and JSON does not: .5, +1, 1., 007, 0x1F, .inf */
static bool is_other_number(const char *s)
{
	static const char *const special[] = {
		".inf", ".Inf", ".INF", ".nan", ".NaN", ".NAN", NULL
	};

	s += *s == '-' || *s == '+';
	if (is_one_of(s, special))
		return true;
	if (s[0] == '0' && (s[1] == 'x' || s[1] == 'o') && s[2])
		return strspn(s + 2, "0123456789abcdefABCDEF") == strlen(s + 2);
	if (!strpbrk(s, "0123456789"))
		return false;
	s += strspn(s, "0123456789");
	s += *s == '.';
	s += strspn(s, "0123456789");
	return *s == '\0';
}

static int plain_scalar(const struct reading *r, const yaml_node_t *node, json_t **ret,
			struct error *err)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const trues[] = { "true", "True", "TRUE", NULL };
	static const char *const falses[] = { "false", "False", "FALSE", NULL };
	const char *s = (const char *)node->data.scalar.value;

	if (is_one_of(s, nulls)) {
		*ret = json_null();
	} else if (is_one_of(s, trues)) {
		*ret = json_true();
	} else if (is_one_of(s, falses)) {
		*ret = json_false();
	} else if (is_json_number(s)) {
		*ret = json_loads(s, JSON_DECODE_ANY, NULL);
		if (!*ret)
			return fail(r, node, err, "the number %s is too large", s);
	} else if (is_other_number(s)) {
		return fail(r, node, err, "%s: write a number as JSON does, or quote it", s);
	} else {
		*ret = json_stringn(s, node->data.scalar.length);
	}
	return *ret ? 0 : error_nomem(err);
}

static int scalar(const struct reading *r, const yaml_node_t *node, json_t **ret, struct error *err)
{
	const char *s = (const char *)node->data.scalar.value;

	if (memchr(s, '\0', node->data.scalar.length))
		return fail(r, node, err, "a NUL character");
	if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return plain_scalar(r, node, ret, err);
	*ret = json_stringn(s, node->data.scalar.length);
	return *ret ? 0 : error_nomem(err);
}

/* --- nodes ----------------------------------------------------------------------------------- */

static int convert(struct reading *r, int index, unsigned depth, json_t **ret, struct error *err);

static int sequence(struct reading *r, const yaml_node_t *node, unsigned depth, json_t **ret,
		    struct error *err)
{
	json_t *array = json_array();

	for (const yaml_node_item_t *i = node->data.sequence.items.start;
	     i < node->data.sequence.items.top; i++) {
		json_t *item;

		if (convert(r, *i, depth + 1, &item, err) < 0) {
			json_decref(array);
			return -1;
		}
		json_array_append_new(array, item);
	}
	*ret = array;
	return array ? 0 : error_nomem(err);
}

static int member(struct reading *r, const yaml_node_pair_t *pair, unsigned depth, json_t *object,
		  struct error *err)
{
	const yaml_node_t *key = yaml_document_get_node(&r->document, pair->key);
	const char *name;
	json_t *value = NULL;

	if (key->type != YAML_SCALAR_NODE)
		return fail(r, key, err, "a key that is no string");
	name = (const char *)key->data.scalar.value;
	if (strlen(name) != key->data.scalar.length)
		return fail(r, key, err, "a NUL character in a key");
	if (!strcmp(name, "<<") && key->data.scalar.style == YAML_PLAIN_SCALAR_STYLE)
		return fail(r, key, err, "merge keys (<<) are not YAML 1.2: write it out");
	if (json_object_get(object, name))
		return fail(r, key, err, "the key '%s' stands here a second time", name);
	if (convert(r, pair->value, depth + 1, &value, err) < 0)
		return -1;
	return json_object_set_new(object, name, value) < 0 ? error_nomem(err) : 0;
}

static int mapping(struct reading *r, const yaml_node_t *node, unsigned depth, json_t **ret,
		   struct error *err)
{
	json_t *object = json_object();

	for (const yaml_node_pair_t *i = node->data.mapping.pairs.start;
	     i < node->data.mapping.pairs.top; i++) {
		if (member(r, i, depth, object, err) < 0) {
			json_decref(object);
			return -1;
		}
	}
	*ret = object;
	return object ? 0 : error_nomem(err);
}

/* libyaml gives nodes without a tag that of their kind. */
static bool has_tag(const yaml_node_t *node)
{
	static const char *const usual[] = { YAML_STR_TAG, YAML_SEQ_TAG, YAML_MAP_TAG, NULL };

	return node->tag && !is_one_of((const char *)node->tag, usual);
}

static int convert(struct reading *r, int index, unsigned depth, json_t **ret, struct error *err)
{
	const yaml_node_t *node = yaml_document_get_node(&r->document, index);

	/* An alias may stand within its own anchor. */
	if (depth > DEPTH_MAX)
		return fail(r, node, err, "nested more than %d deep", DEPTH_MAX);
	if (++r->nodes > NODES_MAX)
		return fail(r, node, err, "more than %d values", NODES_MAX);
	if (has_tag(node))
		return fail(r, node, err, "the tag %s", (const char *)node->tag);
	switch (node->type) {
	case YAML_SEQUENCE_NODE:
		return sequence(r, node, depth, ret, err);
	case YAML_MAPPING_NODE:
		return mapping(r, node, depth, ret, err);
	default:
		return scalar(r, node, ret, err);
	}
}

/* --- documents ------------------------------------------------------------------------------- */

static int parser_failure(const yaml_parser_t *p, const char *name, int code, struct error *err)
{
	if (p->error == YAML_MEMORY_ERROR)
		return error_nomem(err);
	return error_set(err, code, "%s: line %zu, column %zu: %s", name, p->problem_mark.line + 1,
			 p->problem_mark.column + 1, p->problem ? p->problem : "not YAML");
}

/* There must be nothing behind the document. */
static int check_last(yaml_parser_t *parser, const char *name, int code, struct error *err)
{
	yaml_document_t next;
	bool another;

	if (!yaml_parser_load(parser, &next))
		return parser_failure(parser, name, code, err);
	another = yaml_document_get_root_node(&next) != NULL;
	yaml_document_delete(&next);
	return another ? error_set(err, code, "%s: holds several documents", name) : 0;
}

static int read_yaml(const char *text, size_t n, const char *name, int code, json_t **ret,
		     struct error *err)
{
	struct reading r = { .name = name, .code = code };
	yaml_parser_t parser;
	json_t *document = NULL;
	int rc;

	if (!yaml_parser_initialize(&parser))
		return error_nomem(err);
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, n);
	yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
	if (!yaml_parser_load(&parser, &r.document)) {
		rc = parser_failure(&parser, name, code, err);
		yaml_parser_delete(&parser);
		return rc;
	}
	rc = yaml_document_get_root_node(&r.document) ? convert(&r, 1, 0, &document, err)
						      : error_set(err, code, "%s: is empty", name);
	yaml_document_delete(&r.document);
	if (rc == 0)
		rc = check_last(&parser, name, code, err);
	yaml_parser_delete(&parser);
	if (rc == 0)
		*ret = document;
	else
		json_decref(document);
	return rc;
}

static int read_json(const char *text, size_t n, const char *name, int code, json_t **ret,
		     struct error *err)
{
	json_error_t where;

	*ret = json_loadb(text, n, JSON_REJECT_DUPLICATES, &where);
	if (*ret)
		return 0;
	return error_set(err, code, "%s: line %d, column %d: %s", name, where.line, where.column,
			 where.text);
}

int document_read(const char *text, size_t n, const char *name, int code, json_t **ret,
		  struct error *err)
{
	size_t first = 0;
	json_t *document = NULL;

	while (first < n && strchr(" \t\r\n", text[first]) && text[first])
		first++;
	if (first == n)
		return error_set(err, code, "%s: is empty", name);
	if (utf8_valid_prefix(text, n) != n)
		return error_set(err, code, "%s: is not UTF-8", name);
	if ((text[first] == '{' ? read_json : read_yaml)(text, n, name, code, &document, err) < 0)
		return -1;
	if (!json_is_object(document)) {
		json_decref(document);
		return error_set(err, code, "%s: is no mapping (object)", name);
	}
	*ret = document;
	return 0;
}

int document_read_file(const char *path, int code, json_t **ret, struct error *err)
{
	auto_buf text = BUF_INIT;

	if (io_read_file(path, FILE_MAX, &text, err) < 0)
		return -1;
	return document_read(text.data, text.length, path, code, ret, err);
}

/* --- names ----------------------------------------------------------------------------------- */

/* The caller's to free; NULL when memory is out. */
static char *camel(const char *name)
{
	char *copy = malloc(strlen(name) + 1), *out = copy;

	for (; copy && *name; name++) {
		if (*name == '_' && name[1] >= 'a' && name[1] <= 'z' && out > copy)
			*out++ = (char)(*++name - 'a' + 'A');
		else
			*out++ = *name;
	}
	if (copy)
		*out = '\0';
	return copy;
}

static int camel_object(const json_t *object, unsigned depth, json_t **ret, struct error *err)
{
	json_t *copy = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)object, key, value) {
		char *name = camel(key);
		json_t *inner = NULL;
		int rc = name ? document_camel(value, depth - 1, &inner, err) : error_nomem(err);

		if (rc == 0 && json_object_get(copy, name)) {
			json_decref(inner);
			rc = error_set(err, ERR_DATA, "'%s' stands there in two forms", name);
		} else if (rc == 0) {
			rc = json_object_set_new(copy, name, inner);
		}
		free(name);
		if (rc < 0) {
			json_decref(copy);
			return -1;
		}
	}
	*ret = copy;
	return copy ? 0 : error_nomem(err);
}

int document_camel(const json_t *document, unsigned depth, json_t **ret, struct error *err)
{
	json_t *copy, *value;
	size_t i;

	if (depth > 0 && json_is_object(document))
		return camel_object(document, depth, ret, err);
	if (depth == 0 || !json_is_array(document)) {
		*ret = json_deep_copy(document);
		return *ret ? 0 : error_nomem(err);
	}
	copy = json_array();
	json_array_foreach((json_t *)document, i, value) {
		json_t *inner;

		if (document_camel(value, depth, &inner, err) < 0) {
			json_decref(copy);
			return -1;
		}
		json_array_append_new(copy, inner);
	}
	*ret = copy;
	return copy ? 0 : error_nomem(err);
}
