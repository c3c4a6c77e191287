#include "trigger/serve_source.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/buf.h"
#include "lib/io.h"
#include "lib/log.h"
#include "trigger/partner.h"
#include "trigger/serve_definition.h"
#include "trigger/serve_document.h"

/* One command under way. */
struct command_context {
	const struct serve_options *options;
	struct api *api;
	const char *parent;  /* "projects/P/locations/L" */
	const char *operand; /* FILE, ID, or NULL */
};

static int print(const json_t *definition, struct error *err)
{
	char *text = json_dumps(definition, JSON_COMPACT);
	auto_buf line = BUF_INIT;
	int rc = text ? buf_appendf(&line, err, "%s\n", text) : error_nomem(err);

	free(text);
	return rc < 0 ? -1 : io_write_all(STDOUT_FILENO, line.data, line.length, "stdout", err);
}

/* Print and release. */
static int print_new(json_t *definition, struct error *err)
{
	int rc = print(definition, err);

	json_decref(definition);
	return rc;
}

static int read_definition(const char *path, json_t **ret, struct error *err)
{
	json_t *document;
	int rc;

	if (document_read_file(path, ERR_CONFIG, &document, err) < 0)
		return -1;
	rc = definition_from(document, ret, err);
	json_decref(document);
	return rc < 0 ? error_prefix(err, "%s", path) : 0;
}

/* id may be the whole name. */
static const char *append_name(const struct command_context *c, const char *id, struct buf *name,
			       struct error *err)
{
	int rc = strchr(id, '/')
			 ? buf_append_str(name, id, err)
			 : buf_appendf(name, err, "%s/dataSourceDefinitions/%s", c->parent, id);

	return rc < 0 ? NULL : buf_cstr(name, err);
}

static int create(const struct command_context *c, struct error *err)
{
	json_t *definition, *created;
	int rc;

	if (read_definition(c->operand, &definition, err) < 0)
		return -1;
	rc = partner_source_create(c->api, c->parent, definition, &created, err);
	json_decref(definition);
	return rc < 0 ? -1 : print_new(created, err);
}

static int print_page(const json_t *page, struct error *err)
{
	json_t *definition;
	size_t i;

	json_array_foreach(json_object_get(page, "dataSourceDefinitions"), i, definition)
		if (print(definition, err) < 0)
			return -1;
	return 0;
}

static int list(const struct command_context *c, struct error *err)
{
	char *token = NULL;
	int rc;

	do {
		const char *next;
		json_t *page;

		rc = partner_source_list(c->api, c->parent, c->options->page_size, token, &page,
					 err);
		if (rc < 0)
			break;
		rc = print_page(page, err);
		next = json_string_value(json_object_get(page, "nextPageToken"));
		free(token);
		token = next && *next ? strdup(next) : NULL;
		json_decref(page);
	} while (rc == 0 && token);
	free(token);
	return rc;
}

static int get(const struct command_context *c, struct error *err)
{
	auto_buf text = BUF_INIT;
	const char *name = append_name(c, c->operand, &text, err);
	json_t *definition;

	if (!name || partner_source_get(c->api, name, &definition, err) < 0)
		return -1;
	return print_new(definition, err);
}

static int patch(const struct command_context *c, struct error *err)
{
	auto_buf text = BUF_INIT;
	json_t *definition, *patched = NULL;
	const char *name;
	int rc;

	if (!c->options->update_mask || !*c->options->update_mask)
		return error_set(err, ERR_USAGE,
				 "source patch: --update-mask names the fields to change");
	if (read_definition(c->operand, &definition, err) < 0)
		return -1;
	name = append_name(c, definition_id(definition), &text, err);
	rc = name ? partner_source_patch(c->api, name, definition, c->options->update_mask,
					 &patched, err)
		  : -1;
	json_decref(definition);
	return rc < 0 ? -1 : print_new(patched, err);
}

static int delete (const struct command_context *c, struct error *err)
{
	auto_buf text = BUF_INIT;
	const char *name = append_name(c, c->operand, &text, err);

	if (!name || partner_source_delete(c->api, name, err) < 0)
		return -1;
	log_info("%s is deleted", name);
	return 0;
}

static const struct verb {
	const char *name;
	const char *operand; /* what it takes, or NULL */
	int (*run)(const struct command_context *c, struct error *err);
} verbs[] = {
	{ "create", "FILE", create }, { "list", NULL, list },     { "get", "ID", get },
	{ "patch", "FILE", patch },   { "delete", "ID", delete },
};

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; name && i < sizeof verbs / sizeof *verbs; i++)
		if (!strcmp(name, verbs[i].name))
			return &verbs[i];
	return NULL;
}

static int run_verb(const struct verb *verb, struct command_context *c, struct error *err)
{
	const char *location = c->options->location ? c->options->location : "us";
	auto_buf parent = BUF_INIT;
	char *project = NULL;
	int rc;

	if (api_project(c->api, c->options->project, &project, err) < 0)
		return -1;
	rc = buf_appendf(&parent, err, "projects/%s/locations/%s", project, location);
	free(project);
	if (rc < 0 || !(c->parent = buf_cstr(&parent, err)))
		return -1;
	return verb->run(c, err);
}

int serve_source(const struct serve_options *o, const struct command_line *line, struct error *err)
{
	const char *name = line->operand_count > 1 ? line->operands[1] : NULL;
	const struct verb *verb = find_verb(name);
	const struct api_options options = serve_api_options(o, SERVICE_DATATRANSFER);
	struct command_context c = { .options = o };
	struct api api;
	int rc;

	if (!verb)
		return error_set(err, ERR_USAGE, "source %s: create, list, get, patch or delete",
				 name ? name : "needs a word more");
	if (line->operand_count != (verb->operand ? 3 : 2))
		return error_set(err, ERR_USAGE, "usage: dtsserve source %s%s%s", verb->name,
				 verb->operand ? " " : "", verb->operand ? verb->operand : "");
	if (verb->operand)
		c.operand = line->operands[2];
	if (api_open(&api, &options, err) < 0)
		return -1;
	c.api = &api;
	rc = run_verb(verb, &c, err);
	api_close(&api);
	return rc < 0 ? -1 : io_close(STDOUT_FILENO, "stdout", err);
}
