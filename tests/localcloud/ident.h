/* The names that BigQuery accepts for projects, datasets, tables, columns and jobs. Each check fills err with 400. */
#ifndef LOCALCLOUD_IDENT_H
#define LOCALCLOUD_IDENT_H

#include "tests/localcloud/api_error.h"

#include <stdbool.h>
#include <stddef.h>

int ident_check_project(const char *id, struct api_error *err);
int ident_check_dataset(const char *id, struct api_error *err);
int ident_check_table(const char *id, struct api_error *err);
int ident_check_column(const char *name, struct api_error *err);
int ident_check_job(const char *id, struct api_error *err);

/* Is s[0..n) valid UTF-8 (no surrogates, nothing past U+10FFFF, no overlong forms)? */
bool ident_utf8(const char *s, size_t n);

/* Fills buf with size-1 random hex digits. */
void ident_random_hex(char *buf, size_t size);

#endif
