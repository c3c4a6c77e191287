#include "trigger/replicator.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "lib/buf.h"
#include "lib/google/crypto.h"

static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
static const char in_names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
static const char in_paths[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";

/* Interpreter, script, database, table. */
enum { WORDS_MAX = 4 };

struct word {
	const char *text;
	size_t length;
};

static void command_release(struct replicator_command *c)
{
	free(c->text);
	free(c->database);
	free(c->table);
	*c = (struct replicator_command){ 0 };
}

/* --- words ---------------------------------------------------------------------------------- */

static int refuse_byte(unsigned char byte, size_t at, struct error *err)
{
	if (byte > ' ' && byte < 0x7f)
		return error_set(err, ERR_DATA, "'%c' at byte %zu has no place in the command",
				 byte, at + 1);
	return error_set(err, ERR_DATA, "byte 0x%02x at byte %zu has no place in the command", byte,
			 at + 1);
}

/* The words between single spaces. */
static int split(const char *text, size_t length, struct word *words, size_t *count,
		 struct error *err)
{
	size_t start = 0;

	*count = 0;
	for (size_t i = 0; i < length; i++)
		if (text[i] != ' ' && (!text[i] || !strchr(in_paths, text[i])))
			return refuse_byte((unsigned char)text[i], i, err);
	for (size_t i = 0; i <= length; i++) {
		if (i < length && text[i] != ' ')
			continue;
		if (i == start)
			return error_set(
				err, ERR_DATA,
				"an empty word at byte %zu of the command: one space stands "
				"between two words, and none around them",
				i + 1);
		if (*count == WORDS_MAX)
			return error_set(err, ERR_DATA, "the command has too many words");
		words[(*count)++] = (struct word){ text + start, i - start };
		start = i + 1;
	}
	return 0;
}

/* What stands behind the last slash. */
static struct word last_part(struct word w)
{
	const char *slash = memrchr(w.text, '/', w.length);
	size_t skip = slash ? (size_t)(slash - w.text) + 1 : 0;

	return (struct word){ w.text + skip, w.length - skip };
}

static bool is(struct word w, const char *text)
{
	return w.length == strlen(text) && !memcmp(w.text, text, w.length);
}

/* Letters, digits, _ and -; the first no -, which would make an option of it. */
static bool is_name(const char *text, size_t length)
{
	if (length == 0 || length > REPLICATOR_NAME_MAX ||
	    (!strchr(letters, text[0]) && text[0] != '_'))
		return false;
	for (size_t i = 0; i < length; i++)
		if (!strchr(in_names, text[i]))
			return false;
	return true;
}

static bool is_table(struct word w)
{
	const char *dot = memchr(w.text, '.', w.length);
	size_t before = dot ? (size_t)(dot - w.text) : 0;

	if (!dot)
		return is_name(w.text, w.length);
	return is_name(w.text, before) && is_name(dot + 1, w.length - before - 1);
}

/* --- the command ---------------------------------------------------------------------------- */

/* *names: the database; the table is behind it. */
static int check_words(const struct word *words, size_t count, const char *script,
		       const struct word **names, struct error *err)
{
	size_t at = 0;

	if (count > 1 && (is(last_part(words[0]), "sh") || is(last_part(words[0]), "bash")))
		at = 1;
	if (!is(last_part(words[at]), script))
		return error_set(err, ERR_DATA, "'%.*s' is not %s", (int)words[at].length,
				 words[at].text, script);
	if (count != at + 3)
		return error_set(err, ERR_DATA,
				 "%zu words stand behind %s, not a database and a table",
				 count - at - 1, script);
	if (!is_name(words[at + 1].text, words[at + 1].length))
		return error_set(err, ERR_DATA, "'%.*s' is no name of a database",
				 (int)words[at + 1].length, words[at + 1].text);
	if (!is_table(words[at + 2]))
		return error_set(err, ERR_DATA, "'%.*s' is no name of a table",
				 (int)words[at + 2].length, words[at + 2].text);
	*names = words + at + 1;
	return 0;
}

int replicator_parse(const char *text, size_t length, const char *script,
		     struct replicator_command *ret, struct error *err)
{
	struct word words[WORDS_MAX] = { { "", 0 }, { "", 0 }, { "", 0 }, { "", 0 } };
	const struct word *names = words;
	struct replicator_command c;
	size_t count = 0;

	if (length == 0)
		return error_set(err, ERR_DATA, "there is no command");
	if (length > REPLICATOR_COMMAND_MAX)
		return error_set(err, ERR_DATA, "the command has %zu bytes, more than %d", length,
				 REPLICATOR_COMMAND_MAX);
	if (split(text, length, words, &count, err) < 0 ||
	    check_words(words, count, script, &names, err) < 0)
		return -1;
	c = (struct replicator_command){
		.text = strndup(text, length),
		.database = strndup(names[0].text, names[0].length),
		.table = strndup(names[1].text, names[1].length),
	};
	if (!c.text || !c.database || !c.table) {
		command_release(&c);
		return error_nomem(err);
	}
	*ret = c;
	return 0;
}

/* --- messages ------------------------------------------------------------------------------- */

void replicator_message_release(struct replicator_message *m)
{
	free(m->id);
	free(m->published);
	command_release(&m->command);
	*m = (struct replicator_message){ 0 };
}

static bool fits(const char *text, const char *form)
{
	for (; *form; text++, form++)
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	return true;
}

/* RFC 3339 in UTC as a DATETIME, which has no more than microseconds. */
static int read_time(const char *text, char **ret, struct error *err)
{
	static const char form[] = "0000-00-00T00:00:00";
	size_t length = sizeof form - 1, digits = 0;

	if (!fits(text, form))
		return error_set(err, ERR_DATA, "publishTime '%.64s' is no time", text);
	if (text[length] == '.')
		digits = strspn(text + length + 1, "0123456789");
	if (strcmp(text + length + (digits ? digits + 1 : 0), "Z") != 0)
		return error_set(err, ERR_DATA, "publishTime '%.64s' is no time in UTC", text);
	*ret = strndup(text, length + (digits ? (digits < 6 ? digits : 6) + 1 : 0));
	if (!*ret)
		return error_nomem(err);
	(*ret)[strlen("0000-00-00")] = ' ';
	return 0;
}

/* A member under either of its names: push requests have both, pubsubrun the first. */
static const char *member(const json_t *m, const char *name, const char *other)
{
	const char *text = json_string_value(json_object_get(m, name));

	return text ? text : json_string_value(json_object_get(m, other));
}

static int read_message(const json_t *m, const char *id, const char *script,
			struct replicator_message *ret, struct error *err)
{
	const char *time = member(m, "publishTime", "publish_time");
	const char *data = member(m, "data", "data");
	auto_buf text = BUF_INIT;

	if (time && read_time(time, &ret->published, err) < 0)
		return -1;
	if (data && crypto_base64_decode(data, strlen(data), &text, err) < 0)
		return error_prefix(err, "data");
	if (replicator_parse(text.data, text.length, script, &ret->command, err) < 0)
		return -1;
	ret->id = strdup(id);
	return ret->id ? 0 : error_nomem(err);
}

int replicator_message(const json_t *line, const char *script, struct replicator_message *ret,
		       struct error *err)
{
	const json_t *pulled = json_object_get(line, "@message");
	const json_t *m = pulled ? pulled : json_object_get(line, "message");
	const char *id = pulled ? member(m, "id", "id") : member(m, "messageId", "message_id");
	struct replicator_message message = { 0 };

	if (!json_is_object(m))
		return error_set(err, ERR_DATA,
				 "neither a @message nor the body of a push request");
	if (!id || !*id)
		return error_set(err, ERR_DATA, "a message without an id");
	if (read_message(m, id, script, &message, err) < 0) {
		replicator_message_release(&message);
		return error_prefix(err, "message %s", id);
	}
	*ret = message;
	return 0;
}
