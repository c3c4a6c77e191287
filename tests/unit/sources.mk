# Sources that a unit test links beyond the two libraries.
UNIT_gzip_test_PKGS        := libisal zlib
UNIT_stage_test_SOURCES    := tests/unit/google_fixture.c
UNIT_stage_test_PKGS       := libisal
UNIT_batch_test_SOURCES    := load/batch.c load/batch_files.c tests/unit/google_fixture.c
UNIT_merge_sql_test_SOURCES := load/merge_sql.c
UNIT_report_test_SOURCES := $(filter-out load/bqload.c,$(wildcard load/*.c))
UNIT_report_test_PKGS    := libcurl libcrypto jansson libisal
UNIT_parse_test_SOURCES    := load/schema_fit.c load/schema_diff.c load/schema_widen.c
UNIT_url_test_SOURCES         := tests/unit/google_fixture.c
UNIT_crypto_test_SOURCES      := tests/unit/google_fixture.c
UNIT_credentials_test_SOURCES := tests/unit/google_fixture.c
UNIT_http_test_SOURCES        := tests/unit/google_fixture.c
UNIT_api_test_SOURCES         := tests/unit/google_fixture.c
UNIT_resumable_test_SOURCES   := tests/unit/google_fixture.c
UNIT_storage_test_SOURCES     := tests/unit/google_fixture.c
UNIT_bigquery_test_SOURCES    := tests/unit/google_fixture.c
UNIT_statement_test_SOURCES    := tests/unit/google_fixture.c
ENCODE_SOURCES := $(wildcard extract/encode*.c)
UNIT_encode_test_SOURCES      := $(ENCODE_SOURCES)
UNIT_convert_test_SOURCES     := extract/convert.c extract/convert_number.c extract/convert_text.c extract/convert_time.c \
	$(ENCODE_SOURCES)
UNIT_mask_test_SOURCES        := extract/mask.c $(UNIT_convert_test_SOURCES)
UNIT_json_text_test_SOURCES   := $(ENCODE_SOURCES)
UNIT_names_test_SOURCES       := extract/names.c
UNIT_postgresql_types_test_SOURCES := extract/postgresql_types.c extract/postgresql_scalars.c extract/postgresql_numeric.c \
	extract/postgresql_times.c extract/postgresql_array.c extract/postgresql_geometry.c extract/names.c \
	$(ENCODE_SOURCES)
MYSQL_TYPES_SOURCES := extract/mysql_types.c extract/names.c extract/mysql_number.c extract/mysql_datetime.c extract/mysql_bytes.c \
	$(ENCODE_SOURCES)
UNIT_mysql_types_test_SOURCES := $(MYSQL_TYPES_SOURCES)
UNIT_mysql_types_test_PKGS    := libmariadb
UNIT_mysql_datetime_test_SOURCES := $(MYSQL_TYPES_SOURCES)
UNIT_mysql_datetime_test_PKGS    := libmariadb
UNIT_mysql_geometry_test_SOURCES := $(MYSQL_TYPES_SOURCES)
UNIT_mysql_geometry_test_PKGS    := libmariadb
UNIT_notify_test_SOURCES      := notify/event.c notify/failures.c notify/files.c notify/message.c notify/target.c
UNIT_notify_test_PKGS         := libpcre2-8
UNIT_trigger_event_test_SOURCES := trigger/event.c trigger/event_input.c trigger/dts_time.c trigger/dts_cover.c
UNIT_trigger_dts_test_SOURCES   := trigger/dts.c trigger/dtstrigger_configs.c tests/unit/google_fixture.c
UNIT_trigger_lock_test_SOURCES  := $(wildcard trigger/lock*.c) trigger/dts_time.c tests/unit/google_fixture.c
UNIT_serve_document_test_SOURCES := trigger/serve_document.c
UNIT_serve_document_test_PKGS    := yaml-0.1
UNIT_replicator_test_SOURCES  := trigger/replicator.c trigger/replicator_allowed.c trigger/execution.c \
	trigger/execution_sql.c tests/unit/google_fixture.c
UNIT_replicator_test_PKGS     := libpcre2-8
UNIT_airflow_test_SOURCES     := trigger/airflow.c trigger/airflow_auth.c trigger/airflow_composer.c tests/unit/google_fixture.c
UNIT_serve_test_SOURCES := trigger/serve_request.c trigger/dts_time.c trigger/serve_params.c trigger/serve_document.c \
	trigger/transfer_run.pb-c.c
UNIT_serve_test_PKGS    := yaml-0.1 libpcre2-8 libprotobuf-c
