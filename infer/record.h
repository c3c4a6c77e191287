/*
 * What is known of the fields of a record: a tree that grows with the data
 * and is looked up by the names in it. A field is found by the name that
 * followed the last one the time before, compared 16 bytes at a time; else
 * among those that came first after it (rows leave columns out, but keep their
 * order); else by a hash. None allocates anything once a name is known.
 *
 * Names that BigQuery takes for one (it compares without case) share a field;
 * each way to write it is a spelling of its own. A record owns its fields and
 * their records.
 */
#ifndef SLUICE_INFER_RECORD_H
#define SLUICE_INFER_RECORD_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "infer/state.h"
#include "lib/error.h"
#include "lib/json_scan.h"
#include "lib/schema.h"

/* Longer names are always looked up. A multiple of 16: they are compared 16 bytes at a time. */
enum { PREFIX_MAX = 48 };

struct spelling {
	char prefix[PREFIX_MAX]; /* `"name":` as it stands in JSON */
	struct field *field;
	struct spelling *follower; /* the one that came behind it the last time */
	struct spelling *next;     /* the one that was made after it */
	uint64_t object;           /* the same, for who tells spellings apart */
	size_t prefix_length;      /* 0: too long, or in need of an escape */
	size_t place;              /* scratch for who reads that object */
	char *text;                /* as the data means it */
	size_t length;
	char *name; /* as a schema has it: the same, or cleaned */
	size_t name_length;
};

/* What the schema that is written says of a field. */
struct target {
	bool included;
	enum schema_type type;
	enum schema_mode mode;
	const char *name; /* borrowed */
	size_t name_length;
};

struct field {
	/* A bit per kind of value that changes nothing any more, alone and in an array. */
	uint32_t unchanged, unchanged_repeated;
	struct state state;
	struct facts facts;
	uint64_t object;         /* number of the object in which it came last */
	struct record *children; /* of a RECORD, else NULL */
	struct record *scratch;  /* --mode compatible: of the array of objects that is being read */
	struct field *twin;      /* of a field in a scratch record: the one that it goes to */
	const struct schema_field *existing; /* borrowed; NULL when it is new */
	const json_t *existing_json;         /* the same as it was read; borrowed */
	size_t csv_column;                   /* --input-format csv: which it is, from 1 */
	const struct spelling *first; /* the one that came first; `seeded` where there is one */
	struct spelling *seeded;      /* the name that `existing` has, which no row need have */
	struct record *parent;
	char *key; /* its name in lower case: what tells fields apart */
	size_t key_length;
	struct target target;
};

struct record {
	uint64_t object;        /* number of the object being read */
	struct spelling start;  /* no name: what comes behind it is the first of an object */
	struct spelling *last;  /* the one made last, or `start` */
	uint64_t generation;    /* a state of another generation is none */
	struct field **present; /* --mode compatible: those with a state, in order */
	size_t present_count;
	struct field **field; /* in the order of creation */
	size_t count, capacity;
	size_t limit; /* of fields, 0 none; what comes beyond goes to `overflow` */
	struct spelling *overflow;
	struct field *owner;         /* NULL at the top */
	bool sealed;                 /* a name that is not known is an error from now on */
	struct spelling **spellings; /* open addressing by text */
	size_t spelling_count, spelling_slots;
	struct field **keys; /* open addressing by key */
	size_t key_slots;
	struct field **output; /* those of the schema that is written, in its order */
	size_t output_count;
};

/* How names become those of a schema. */
enum name_rule {
	NAMES_KEPT,
	NAMES_SANITIZED, /* [A-Za-z0-9_], at most 127 characters */
	NAMES_BIGQUERY,  /* as BigQuery's plain names, changed only where they are none */
};

/* NULL when memory is out. */
struct record *record_new(struct field *owner, size_t limit);
void record_free(struct record *r);

/* The spelling of that text, with its field; made where it is new. NULL: memory is out. */
struct spelling *record_spell(struct record *r, const char *text, size_t length,
			      enum name_rule rule, struct error *err);

/* From now on a name that is not known is an error: the input has changed since. */
void record_seal(struct record *r);

/* The field of a table that exists, under its name as it is. NULL: memory is out. */
struct field *record_seed(struct record *r, const struct schema_field *existing, struct error *err);

/* The field of that key, made where it is new. NULL: memory is out. */
struct field *record_field(struct record *r, const char *key, size_t length, struct error *err);

/* The name at p, which is not the follower of *name. */
const char *record_slow_name(struct json_cursor *c, const char *p, struct record *r,
			     enum name_rule rule, struct spelling **name);

/*
 * The name at p; ends behind the colon. *name is the one before it in the
 * object, &r->start for the first, and then the one that was found.
 */
static inline const char *record_name(struct json_cursor *c, const char *p, struct record *r,
				      enum name_rule rule, struct spelling **name)
{
	struct spelling *s = (*name)->follower;

	if (__builtin_expect(
		    s && s->prefix_length && json_has_prefix(p, s->prefix, s->prefix_length), 1)) {
		*name = s;
		return p + s->prefix_length;
	}
	return record_slow_name(c, p, r, rule, name);
}

/*
 * Make `output` of the fields whose target is included: in the order given, or
 * sorted by their keys. -1: memory is out.
 */
int record_select(struct record *r, struct field *const *order, size_t count, bool sorted,
		  struct error *err) __attribute__((warn_unused_result));

enum { PATH_MAX_BYTES = 400 };

/* "a.b.c" for messages; cut where it is too long. Returns out. */
const char *record_path(const struct field *f, char out[PATH_MAX_BYTES]);

#endif
