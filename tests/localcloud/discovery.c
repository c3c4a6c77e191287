/*
 * The discovery documents, which `bq` asks for before anything else: of BigQuery v2, and of the Data Transfer Service v1.
 * They are discovery*.json as they stand in the source tree, put into the program by the assembler; only their rootUrl is
 * this server's.
 */
#include "tests/localcloud/api.h"

#include <stdint.h>
#include <string.h>

#define EMBED(name, file)                                                            \
	__asm__(".section .rodata\n"                                                 \
		".balign 16\n"                                                       \
		"localcloud_" #name "_begin:\n"                                      \
		".incbin \"tests/localcloud/" file "\"\n"                            \
		".set localcloud_" #name "_length, . - localcloud_" #name "_begin\n" \
		".byte 0\n"                                                          \
		".balign 8\n"                                                        \
		"localcloud_" #name "_size:\n"                                       \
		".quad localcloud_" #name "_length\n"                                \
		".previous\n");                                                      \
	extern const char localcloud_##name##_begin[];                               \
	extern const uint64_t localcloud_##name##_size

EMBED(discovery, "discovery.json");
EMBED(discovery_transfers, "discovery_transfers.json");

int discovery_get(struct exchange *ex, struct api_error *err)
{
	const char *version = ex_query(ex, "version");
	char root[300];
	json_t *document;

	/* The two are told apart by nothing else: bq asks this server for both. */
	if (version && strcmp(version, "v1") == 0)
		document = json_loadb(localcloud_discovery_transfers_begin,
				      localcloud_discovery_transfers_size, 0, NULL);
	else if (!version || strcmp(version, "v2") == 0)
		document =
			json_loadb(localcloud_discovery_begin, localcloud_discovery_size, 0, NULL);
	else
		return api_fail(
			err, 404, "notFound",
			"localcloud serves the discovery documents of BigQuery v2 and Data Transfer v1.");
	if (!document)
		return api_fail(err, 500, "internalError", "the discovery document is damaged");
	json_object_set_new(document, "rootUrl",
			    json_sprintf("%s/", ex_root(ex, root, sizeof(root))));
	ex_answer(ex, 200, document);
	return 0;
}
