/* The command of a message: what passes is harmless in a shell, as an option and as a path. */
#include "trigger/replicator.h"

#include "tests/fuzz/target.h"

static void is_name(const char *text)
{
	REQUIRE(*text && *text != '-' && *text != '.');
	REQUIRE(!strpbrk(text, " \t\r\n/\\'\"`$;&|<>()[]{}*?!~#=%:,@^"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct replicator_message m = { 0 };
	struct error err;
	json_t *line;

	if (replicator_parse((const char *)data, size, "run_replicator.sh", &m.command, &err) ==
	    0) {
		REQUIRE(strlen(m.command.text) == size && !memcmp(m.command.text, data, size));
		is_name(m.command.database);
		is_name(m.command.table);
		replicator_message_release(&m);
	}
	line = json_loadb((const char *)data, size, 0, NULL);
	if (line && replicator_message(line, "run_replicator.sh", &m, &err) == 0) {
		is_name(m.command.table);
		replicator_message_release(&m);
	}
	json_decref(line);
	return 0;
}
