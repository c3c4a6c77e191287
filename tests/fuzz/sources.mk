# Sources that a fuzz target links beyond the two libraries.
FUZZ_rowcheck_SOURCES    :=
FUZZ_destination_SOURCES :=
FUZZ_names_SOURCES       := extract/names.c
FUZZ_json_text_SOURCES   := $(ENCODE_SOURCES)
FUZZ_convert_SOURCES     := $(UNIT_convert_test_SOURCES)
FUZZ_mysql_cells_SOURCES := extract/mysql_number.c extract/mysql_datetime.c extract/mysql_bytes.c \
	$(ENCODE_SOURCES)
FUZZ_postgresql_cells_SOURCES := extract/postgresql_scalars.c extract/postgresql_numeric.c extract/postgresql_times.c \
	extract/postgresql_array.c extract/postgresql_geometry.c $(ENCODE_SOURCES)
FUZZ_gsql_SOURCES        := tests/localcloud/gsql_core.c tests/localcloud/gsql_lex.c tests/localcloud/gsql_types.c \
	$(wildcard tests/localcloud/gsql_parse*.c) tests/localcloud/api_error.c
FUZZ_gsql_PKGS           := sqlite3
INFER_SOURCES := $(filter-out infer/schemainfer.c,$(wildcard infer/*.c))
FUZZ_infer_rows_SOURCES := $(INFER_SOURCES)
FUZZ_infer_text_SOURCES := $(INFER_SOURCES)
FUZZ_infer_csv_SOURCES  := infer/csv.c
FUZZ_notification_SOURCES := notify/event.c notify/message.c
FUZZ_replicator_SOURCES := trigger/replicator.c
FUZZ_serve_SOURCES := trigger/serve_request.c trigger/serve_document.c trigger/dts_time.c trigger/transfer_run.pb-c.c
FUZZ_serve_PKGS    := yaml-0.1 libprotobuf-c
