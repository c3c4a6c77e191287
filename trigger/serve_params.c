#define PCRE2_CODE_UNIT_WIDTH 8
#include "trigger/serve_params.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"

enum { MATCH_LIMIT = 100 * 1000 };

/* --- one value ------------------------------------------------------------------------------- */

/* What is wrong with a value; no room is needed for more. */
struct reason {
	char text[512];
};

static bool wrong(struct reason *r, const char *format, const char *what)
	__attribute__((format(printf, 2, 0)));

static bool wrong(struct reason *r, const char *format, const char *what)
{
	snprintf(r->text, sizeof r->text, format, what);
	return false;
}

/* 1: the whole text matches; 0: not; -1: the expression is not one, or too costly. */
static int matches(const char *regex, const char *text)
{
	PCRE2_SIZE where;
	int code;
	pcre2_code *compiled =
		pcre2_compile((PCRE2_SPTR)regex, PCRE2_ZERO_TERMINATED,
			      PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED, &code, &where, NULL);
	pcre2_match_data *data =
		compiled ? pcre2_match_data_create_from_pattern(compiled, NULL) : NULL;
	pcre2_match_context *context = pcre2_match_context_create(NULL);

	code = PCRE2_ERROR_NOMEMORY;
	if (data && context) {
		pcre2_set_match_limit(context, MATCH_LIMIT);
		code = pcre2_match(compiled, (PCRE2_SPTR)text, strlen(text), 0, 0, data, context);
	}
	pcre2_match_context_free(context);
	pcre2_match_data_free(data);
	pcre2_code_free(compiled);
	return code >= 0 ? 1 : code == PCRE2_ERROR_NOMATCH ? 0 : -1;
}

/* The number that the text is, an integer or any; NULL when it is none. */
static json_t *number_of(const char *text, bool integer)
{
	json_t *number = json_loads(text, JSON_DECODE_ANY, NULL);

	if (json_is_number(number) && (!integer || json_is_integer(number)))
		return number;
	json_decref(number);
	return NULL;
}

/* The value in the type's own form, a new reference; NULL with the reason. */
static json_t *typed(const json_t *value, const char *type, struct reason *r)
{
	const char *text = json_string_value(value);
	json_t *made = NULL;

	if (!strcmp(type, "INTEGER"))
		made = text                     ? number_of(text, true)
		       : json_is_integer(value) ? json_incref((json_t *)value)
						: NULL;
	else if (!strcmp(type, "DOUBLE"))
		made = text                    ? number_of(text, false)
		       : json_is_number(value) ? json_incref((json_t *)value)
					       : NULL;
	else if (!strcmp(type, "BOOLEAN"))
		made = json_is_boolean(value)           ? json_incref((json_t *)value)
		       : text && !strcmp(text, "true")  ? json_true()
		       : text && !strcmp(text, "false") ? json_false()
							: NULL;
	else if (!strcmp(type, "RECORD"))
		made = json_is_object(value) ? json_incref((json_t *)value) : NULL;
	else
		made = text && strlen(text) == json_string_length(value)
			       ? json_incref((json_t *)value)
			       : NULL;
	if (!made)
		wrong(r, "is no %s", type);
	return made;
}

static bool check_range(const json_t *parameter, const json_t *value, struct reason *r)
{
	const json_t *min = json_object_get(parameter, "minValue");
	const json_t *max = json_object_get(parameter, "maxValue");
	char limit[64];

	if (!json_is_number(value))
		return true;
	if (json_is_number(min) && json_number_value(value) < json_number_value(min)) {
		snprintf(limit, sizeof limit, "%.17g", json_number_value(min));
		return wrong(r, "is below %s", limit);
	}
	if (json_is_number(max) && json_number_value(value) > json_number_value(max)) {
		snprintf(limit, sizeof limit, "%.17g", json_number_value(max));
		return wrong(r, "is above %s", limit);
	}
	return true;
}

static bool check_text(const json_t *parameter, const json_t *value, struct reason *r)
{
	const char *regex = json_string_value(json_object_get(parameter, "validationRegex"));
	const json_t *allowed = json_object_get(parameter, "allowedValues");
	const char *text = json_string_value(value);
	bool found = json_array_size(allowed) == 0;

	if (!text)
		return true;
	for (size_t i = 0; i < json_array_size(allowed); i++)
		found = found || json_equal(json_array_get(allowed, i), value);
	if (!found)
		return wrong(r, "is none of the allowed values%s", "");
	if (!regex || !*regex)
		return true;
	switch (matches(regex, text)) {
	case 1:
		return true;
	case 0:
		return wrong(r, "does not match %s", regex);
	default:
		return wrong(r, "cannot be held against the expression %s", regex);
	}
}

static json_t *check_value(const json_t *parameter, const json_t *value, struct reason *r)
{
	const char *type = json_string_value(json_object_get(parameter, "type"));
	json_t *made = typed(value, type ? type : "STRING", r);

	if (made && check_range(parameter, made, r) && check_text(parameter, made, r))
		return made;
	json_decref(made);
	return NULL;
}

/* --- all of them ----------------------------------------------------------------------------- */

/* A repeated one, each value of it. */
static json_t *check_values(const json_t *parameter, const json_t *values, struct reason *r)
{
	json_t *made = json_array(), *value;
	size_t i;

	if (!json_is_array(values)) {
		json_decref(made);
		wrong(r, "is no %s", "list");
		return NULL;
	}
	json_array_foreach((json_t *)values, i, value) {
		json_t *one = check_value(parameter, value, r);

		if (!one) {
			json_decref(made);
			return NULL;
		}
		json_array_append_new(made, one);
	}
	return made;
}

/* Puts the checked value into params; false with the reason. */
static bool check_parameter(const json_t *parameter, const char *id, json_t *params,
			    struct reason *r)
{
	const json_t *value = json_object_get(params, id);
	json_t *made;

	if (!value || json_is_null(value))
		return !json_is_true(json_object_get(parameter, "required")) ||
		       wrong(r, "is %s", "missing");
	made = (json_is_true(json_object_get(parameter, "repeated")) ? check_values : check_value)(
		parameter, value, r);
	return made && json_object_set_new(params, id, made) == 0;
}

int params_check(const json_t *definition, struct request *r, struct error *err)
{
	const json_t *parameters =
		json_object_get(json_object_get(definition, "dataSource"), "parameters");
	json_t *params = json_copy(r->params), *parameter;
	auto_buf all = BUF_INIT;
	size_t i;

	json_array_foreach((json_t *)parameters, i, parameter) {
		const char *id = json_string_value(json_object_get(parameter, "paramId"));
		struct reason reason = { "" };

		if (id && !check_parameter(parameter, id, params, &reason) &&
		    buf_appendf(&all, err, "%sparameter %s %s", all.length ? "; " : "", id,
				reason.text) < 0) {
			json_decref(params);
			return -1;
		}
	}
	if (all.length) {
		json_decref(params);
		return error_set(err, ERR_DATA, "%.*s", (int)all.length, all.data);
	}
	json_decref(r->params);
	r->params = params;
	return 0;
}

/* --- names of tables ------------------------------------------------------------------------- */

static int append_value(struct buf *out, const struct request *r, const char *name,
			struct error *err)
{
	const json_t *value = json_object_get(r->params, name);

	if (!strcmp(name, "run_yyyymmdd"))
		return buf_appendf(out, err, "%.4s%.2s%.2s", r->run_time, r->run_time + 5,
				   r->run_time + 8);
	if (!strcmp(name, "user_id"))
		return buf_appendf(out, err, "%lld", (long long)r->user_id);
	if (json_is_string(value))
		return buf_append_str(out, json_string_value(value), err);
	if (json_is_integer(value))
		return buf_appendf(out, err, "%lld", (long long)json_integer_value(value));
	if (json_is_boolean(value))
		return buf_append_str(out, json_is_true(value) ? "true" : "false", err);
	return error_set(err, ERR_DATA, "{%s}: there is no such parameter of one value", name);
}

static int append_filled(struct buf *out, const char *template, const struct request *r,
			 struct error *err)
{
	for (const char *p = template; *p; p++) {
		char name[128];
		size_t n = strcspn(p + 1, "}");

		if ((*p == '{' || *p == '}') && p[1] == *p) {
			p++;
		} else if (*p == '}' || (*p == '{' && (!p[1 + n] || n >= sizeof name))) {
			return error_set(err, ERR_DATA, "a brace without its other one");
		} else if (*p == '{') {
			memcpy(name, p + 1, n);
			name[n] = '\0';
			if (append_value(out, r, name, err) < 0)
				return -1;
			p += n + 1;
			continue;
		}
		if (buf_append(out, p, 1, err) < 0)
			return -1;
	}
	return 0;
}

/* ASCII of it is enough: what BigQuery takes beyond, it may judge. */
static bool is_table_id(const char *id)
{
	const char *dollar = strchr(id, '$');
	size_t n = dollar ? (size_t)(dollar - id) : strlen(id);

	if (n == 0 || n > 1024)
		return false;
	for (size_t i = 0; i < n; i++)
		if (strchr("/\\.:`'\"*?;,()[]{}<>\n\t", id[i]))
			return false;
	return !dollar || (dollar[1] && strspn(dollar + 1, "0123456789") == strlen(dollar + 1));
}

int params_table_id(const char *template, const struct request *r, char **ret, struct error *err)
{
	auto_buf out = BUF_INIT;
	const char *id;

	if (append_filled(&out, template, r, err) < 0)
		return error_prefix(err, "the template %s", template);
	id = buf_cstr(&out, err);
	if (!id)
		return -1;
	if (!is_table_id(id))
		return error_set(err, ERR_DATA, "the template %s gives %s, which is no table's id",
				 template, id);
	*ret = strdup(id);
	return *ret ? 0 : error_nomem(err);
}
