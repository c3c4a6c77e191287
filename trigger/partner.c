#include "trigger/partner.h"

#include "lib/buf.h"
#include "lib/google/url.h"

/* --- data source definitions ---------------------------------------------------------------- */

/* Call, and take the answer, which must be an object. A 404 is ERR_NOINPUT. */
static int call(struct api *a, const struct api_request *request, json_t **ret, struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	struct api_request expecting = *request;

	expecting.expected[0] = 404;
	if (api_call(a, &expecting, &response, err) < 0)
		return -1;
	if (response.status == 404)
		return error_set(err, ERR_NOINPUT, "%s: %s", request->what, response.error.message);
	if (!ret)
		return 0;
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object",
				 request->what);
	*ret = json_incref(response.json);
	return 0;
}

/* "PARENT/dataSourceDefinitions/ID" of the definition. */
static const char *append_source(struct buf *name, const char *parent, const json_t *definition,
				 struct error *err)
{
	const json_t *source = json_object_get(definition, "dataSource");
	const char *id = json_string_value(json_object_get(source, "dataSourceId"));

	if (buf_appendf(name, err, "%s/dataSourceDefinitions/%s", parent, id ? id : "") < 0)
		return NULL;
	return buf_cstr(name, err);
}

int partner_source_create(struct api *a, const char *parent, const json_t *definition, json_t **ret,
			  struct error *err)
{
	auto_api_response response = API_RESPONSE_INIT;
	auto_buf path = BUF_INIT, name = BUF_INIT;
	struct api_request request = { .method = "POST", .body = definition, .expected = { 409 } };

	request.what = append_source(&name, parent, definition, err);
	if (!request.what || buf_appendf(&path, err, "/%s/dataSourceDefinitions", parent) < 0)
		return -1;
	request.path = buf_cstr(&path, err);
	if (!request.path || api_call(a, &request, &response, err) < 0)
		return -1;
	/* An answer that was lost: it is ours. */
	if (response.status == 409 && response.repeated)
		return partner_source_get(a, request.what, ret, err);
	if (response.status == 409)
		return api_error_set(&response.error, request.what, err);
	if (!json_is_object(response.json))
		return error_set(err, ERR_PROTOCOL, "%s: the answer is not an object",
				 request.what);
	*ret = json_incref(response.json);
	return 0;
}

int partner_source_list(struct api *a, const char *parent, int64_t page_size,
			const char *page_token, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct api_request request = { .what = parent, .method = "GET" };

	if (buf_appendf(&path, err, "/%s/dataSourceDefinitions", parent) < 0 ||
	    (page_size > 0 && buf_appendf(&path, err, "?pageSize=%lld", (long long)page_size) < 0))
		return -1;
	if (page_token && (buf_appendf(&path, err, "%cpageToken=", page_size > 0 ? '&' : '?') < 0 ||
			   url_append_escaped(&path, page_token, err) < 0))
		return -1;
	request.path = buf_cstr(&path, err);
	return request.path ? call(a, &request, ret, err) : -1;
}

static int call_named(struct api *a, const char *method, const char *name, json_t **ret,
		      struct error *err)
{
	auto_buf path = BUF_INIT;
	struct api_request request = { .what = name, .method = method };

	if (buf_appendf(&path, err, "/%s", name) < 0)
		return -1;
	request.path = buf_cstr(&path, err);
	return request.path ? call(a, &request, ret, err) : -1;
}

int partner_source_get(struct api *a, const char *name, json_t **ret, struct error *err)
{
	return call_named(a, "GET", name, ret, err);
}

int partner_source_delete(struct api *a, const char *name, struct error *err)
{
	return call_named(a, "DELETE", name, NULL, err);
}

int partner_source_patch(struct api *a, const char *name, const json_t *definition,
			 const char *mask, json_t **ret, struct error *err)
{
	auto_buf path = BUF_INIT;
	struct api_request request = { .what = name, .method = "PATCH", .body = definition };

	if (buf_appendf(&path, err, "/%s?updateMask=", name) < 0 ||
	    url_append_escaped(&path, mask, err) < 0)
		return -1;
	request.path = buf_cstr(&path, err);
	return request.path ? call(a, &request, ret, err) : -1;
}
