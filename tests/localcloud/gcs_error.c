#include "tests/localcloud/gcs_error.h"

#include "tests/localcloud/json_util.h"

#include <string.h>

bool gcs_is_path(const char *path)
{
	static const char *const prefixes[] = { "/storage/v1/", "/download/storage/v1/",
						"/upload/storage/v1/",
						"/resumable/upload/storage/v1/" };

	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	return false;
}

void gcs_error_answer(struct exchange *ex, const struct api_error *err)
{
	static const char *const headers[] = { "If-Match",      "If-None-Match", "Authorization",
					       "Content-Range", "Range",         NULL };
	const char *alt = ex_query(ex, "alt");
	json_t *envelope = api_error_envelope(err), *error = json_object_get(envelope, "error"),
	       *first = json_array_get(json_object_get(error, "errors"), 0);
	struct error ignored;

	if (alt && strcmp(alt, "media") == 0 && strcmp(ex->method, "POST") != 0) {
		ex_answer(ex, err->status, NULL);
		ex->content_type = "text/html; charset=UTF-8";
		buf_clear(&ex->text);
		if (buf_append_str(&ex->text, ju_string(error, "message", ""), &ignored))
			buf_clear(&ex->text);
		json_decref(envelope);
		return;
	}
	json_object_del(error, "status");
	if (err->location[0])
		json_object_set_new(first, "locationType",
				    json_string(ju_in(err->location, headers) ? "header"
									      : "parameter"));
	ex_answer(ex, err->status, envelope);
}
