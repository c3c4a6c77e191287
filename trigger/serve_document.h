/*
 * Files that people write: YAML or JSON, read into one jansson document. The
 * only module that knows libyaml.
 *
 * Of YAML 1.2's core schema: plain null, booleans and decimal numbers are
 * that, everything quoted and every other plain scalar is a string (a date
 * too). An alias is a copy of what its anchor has. What JSON cannot hold, or
 * people disagree about, is an error that names the line: keys that are no
 * strings, keys twice, merge keys, tags, numbers in other bases, several
 * documents.
 */
#ifndef SLUICE_TRIGGER_SERVE_DOCUMENT_H
#define SLUICE_TRIGGER_SERVE_DOCUMENT_H

#include <jansson.h>
#include <stddef.h>

#include "lib/error.h"

/*
 * The document, which must be an object. ERR_NOINPUT: the file cannot be
 * opened; `code` for everything that is wrong in it. A file whose first
 * character is '{' is JSON.
 */
int document_read_file(const char *path, int code, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

/* The same of text; name is for messages. */
int document_read(const char *text, size_t n, const char *name, int code, json_t **ret,
		  struct error *err) __attribute__((warn_unused_result));

/*
 * Google's APIs write names as fieldName, people and protobuf as field_name:
 * a new document with the first form in all objects, or only in the outermost
 * one (depth 1: of it, 2: of it and those within it, and so on). Where that
 * makes two names equal: ERR_DATA.
 */
int document_camel(const json_t *document, unsigned depth, json_t **ret, struct error *err)
	__attribute__((warn_unused_result));

#endif
