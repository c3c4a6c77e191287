# Sluice. `make demo` shows it at work, `make check` runs every test; both
# install what is missing from Debian's packages (DEPS=no only names it).
#
# BUILD is release, debug, asan or fuzz; everything made lands in build/$(BUILD).

VERSION := 0.1.0
BUILD   ?= release
PREFIX  ?= /usr/local
CC      ?= cc
B       := build/$(BUILD)

WARNINGS := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla \
	    -Wpointer-arith -Wwrite-strings -Wformat=2 -Wno-format-nonliteral
HARDEN   := -fstack-protector-strong -fPIE -D_FORTIFY_SOURCE=2
CFLAGS_release := -O2 -g $(HARDEN)
CFLAGS_debug   := -O0 -g3
CFLAGS_asan    := -O1 -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
CFLAGS_fuzz    := -O1 -g -fsanitize=address,undefined,fuzzer-no-link
LDFLAGS_release := -pie -Wl,-z,relro,-z,now -Wl,--as-needed
LDFLAGS_asan    := -fsanitize=address,undefined
LDFLAGS_fuzz    := -fsanitize=address,undefined
WERROR ?=
# V=1 shows the commands.
V ?= 0
say = $(if $(filter 0,$(V)),@printf '  %-3s %s\n' $(1) $@;)
MAKEFLAGS += --no-print-directory
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(shell nproc)
endif

ALL_CFLAGS  = -std=c17 -D_GNU_SOURCE -DSLUICE_VERSION='"$(VERSION)"' -I. -Ibuild/proto $(WARNINGS) $(WERROR) \
	      $(CFLAGS_$(BUILD)) $(CFLAGS)
ALL_LDFLAGS = $(LDFLAGS_$(BUILD)) $(LDFLAGS)

pkg_cflags = $(shell pkg-config --cflags $(1) 2>/dev/null)
pkg_libs   = $(shell pkg-config --libs $(1) 2>/dev/null)

# Headers do no harm where they are not used; libraries are linked per program.
PKG_CFLAGS := $(call pkg_cflags,libcurl libcrypto jansson libpq libmariadb libmicrohttpd sqlite3 zlib libisal libpcre2-8 yaml-0.1 libprotobuf-c)

# --- what is built -------------------------------------------------------

base_SOURCES   := $(wildcard lib/*.c)
google_SOURCES := $(wildcard lib/google/*.c)

# A program: its sources, its libraries (in link order), its packages.
PROGRAMS := sqlextract rowwrap schemainfer bqload pubsubrun gcswatch dtstrigger dagtrigger dtsserve localcloud

sqlextract_SOURCES := $(filter-out extract/rowwrap.c,$(wildcard extract/*.c))
sqlextract_LIBS    := google base
sqlextract_PKGS    := jansson libpq libmariadb libcrypto

rowwrap_SOURCES := extract/rowwrap.c
rowwrap_LIBS    := base
rowwrap_PKGS    := jansson

schemainfer_SOURCES := $(wildcard infer/*.c)
schemainfer_LIBS    := base
schemainfer_PKGS    := jansson

bqload_SOURCES := $(wildcard load/*.c)
bqload_LIBS    := google base
bqload_PKGS    := libcurl libcrypto jansson libisal

pubsubrun_SOURCES := $(addprefix notify/,pubsubrun.c failures.c lease.c message.c pubsub.c run.c worker.c)
pubsubrun_LIBS    := google base
pubsubrun_PKGS    := libcurl libcrypto jansson

gcswatch_SOURCES := $(filter-out $(pubsubrun_SOURCES),$(wildcard notify/*.c))
gcswatch_LIBS    := google base
gcswatch_PKGS    := libcurl libcrypto jansson libpcre2-8

dtstrigger_SOURCES := $(wildcard trigger/dtstrigger*.c trigger/event*.c trigger/lock*.c) \
	$(addprefix trigger/,dts.c dts_cover.c dts_time.c)
dtstrigger_LIBS    := google base
dtstrigger_PKGS    := libcurl libcrypto jansson

dtsserve_SOURCES := $(addprefix trigger/,dtsserve.c partner.c dts_time.c transfer_run.pb-c.c) $(wildcard trigger/serve_*.c)
dtsserve_LIBS    := google base
dtsserve_PKGS    := libcurl libcrypto jansson yaml-0.1 libpcre2-8 libprotobuf-c libisal

dagtrigger_SOURCES := $(foreach part,dagtrigger airflow execution replicator,$(wildcard trigger/$(part)*.c))
dagtrigger_LIBS    := google base
dagtrigger_PKGS    := libcurl libcrypto jansson libpcre2-8

localcloud_SOURCES := $(wildcard tests/localcloud/*.c)
localcloud_LIBS    := base
localcloud_PKGS    := libmicrohttpd libcurl sqlite3 jansson libcrypto zlib

UNIT_TESTS := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/*_test.c))
# A unit test links both libraries and, beyond them, what UNIT_name_SOURCES says.
include tests/unit/sources.mk

# A fuzz target links like a unit test; `make check` replays its corpus.
FUZZ_TARGETS := $(filter-out replay,$(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/*.c)))
include tests/fuzz/sources.mk

MAN := $(wildcard extract/*.1 load/*.1 infer/*.1 trigger/*.1 notify/*.1 lib/*.5 pipelines/*.1)
DAGS := $(wildcard pipelines/airflow/*.py)
PIPELINES := $(filter-out %.1 %.md %.bash pipelines/airflow,$(wildcard pipelines/*))
PIPELINE_PARTS := $(wildcard pipelines/*.bash)
# Words that mean other things as well (coreutils has a sync): these are installed, with their pages, as sluice-NAME.
PREFIXED := sync backfill status
installed_name = $(foreach n,$(notdir $(1)),$(if $(filter $(PREFIXED),$(basename $(n))),sluice-)$(n))
INSTALLED := $(filter-out localcloud,$(PROGRAMS)) $(call installed_name,$(PIPELINES))

# --- rules -----------------------------------------------------------------

all: $(PROGRAMS:%=$(B)/bin/%)

object = $(patsubst %.c,$(B)/obj/%.o,$(1))

# protoc-c makes them: trigger/x.pb-c.h of trigger/x.proto is included by that name.
PROTO_HEADERS := $(patsubst %.proto,build/proto/%.pb-c.h,$(wildcard trigger/*.proto))
build/proto/%.pb-c.c build/proto/%.pb-c.h: %.proto
	@mkdir -p build/proto
	$(call say,PB)protoc-c --c_out=build/proto $<

.SECONDARY: $(PROTO_HEADERS) $(PROTO_HEADERS:.h=.c)

$(B)/obj/trigger/%.pb-c.o: build/proto/trigger/%.pb-c.c Makefile
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/obj/%.o: %.c Makefile | $(PROTO_HEADERS)
	@mkdir -p $(@D)
	$(call say,CC)$(CC) $(ALL_CFLAGS) $(PKG_CFLAGS) -MMD -MP -c -o $@ $<

$(B)/libbase.a: $(call object,$(base_SOURCES))
$(B)/libgoogle.a: $(call object,$(google_SOURCES))
$(B)/lib%.a:
	@rm -f $@
	$(call say,AR)$(AR) rcs $@ $^

define PROGRAM_template
$(B)/bin/$(1): $(call object,$($(1)_SOURCES)) $($(1)_LIBS:%=$(B)/lib%.a)
	@mkdir -p $$(@D)
	$$(call say,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $$@ $$^ $$(call pkg_libs,$($(1)_PKGS)) -lpthread -lm
endef
$(foreach program,$(PROGRAMS),$(eval $(call PROGRAM_template,$(program))))

$(B)/obj/tests/localcloud/discovery.o: tests/localcloud/discovery.json tests/localcloud/discovery_transfers.json

define UNIT_template
$(B)/unit/$(1): $(call object,tests/unit/$(1).c $(UNIT_$(1)_SOURCES)) $(B)/libgoogle.a $(B)/libbase.a
	@mkdir -p $$(@D)
	$$(call say,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $$@ $$^ $$(call pkg_libs,libcurl libcrypto jansson $(UNIT_$(1)_PKGS)) -lpthread -lm
endef
$(foreach test,$(UNIT_TESTS),$(eval $(call UNIT_template,$(test))))

define FUZZ_template
$(B)/fuzz/$(1) $(B)/fuzz/replay_$(1): $(call object,tests/fuzz/$(1).c $(FUZZ_$(1)_SOURCES)) $(B)/libgoogle.a $(B)/libbase.a
$(B)/fuzz/replay_$(1): $(call object,tests/fuzz/replay.c)
endef
$(foreach target,$(FUZZ_TARGETS),$(eval $(call FUZZ_template,$(target))))

$(FUZZ_TARGETS:%=$(B)/fuzz/%): FUZZER := -fsanitize=fuzzer
$(FUZZ_TARGETS:%=$(B)/fuzz/%) $(FUZZ_TARGETS:%=$(B)/fuzz/replay_%):
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(FUZZER) -o $@ $(filter %.o,$^) $(filter %.a,$^) \
		$(call pkg_libs,libcurl libcrypto jansson $(FUZZ_$(patsubst replay_%,%,$(@F))_PKGS)) -lpthread -lm

# Random tables for the property tests: see tests/property/run.
$(B)/property/tables: $(call object,$(wildcard tests/property/*.c))
	@mkdir -p $(@D)
	$(call say,LD)$(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) -o $@ $^ $(call pkg_libs,jansson) -lm

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

# For tools that read sources without a build.
proto: $(PROTO_HEADERS)

unit-programs: $(UNIT_TESTS:%=$(B)/unit/%) $(FUZZ_TARGETS:%=$(B)/fuzz/replay_%) $(B)/property/tables

# --- what users and CI call -----------------------------------------------

deps:
	@tests/deps

demo: deps
	@$(MAKE) all
	@tests/demo/run

check: deps
	@$(MAKE) all unit-programs
	@BUILD=$(BUILD) tests/run $(TESTS)

asan: deps
	@$(MAKE) BUILD=asan all unit-programs
	@BUILD=asan tests/run $(TESTS)

lint:
	@tests/deps build lint
	@tests/lint

# make fuzz TARGET=rowstream SECONDS=600: what it finds lands in build/fuzz/found.
TARGET  ?= rowstream
SECONDS ?= 60
fuzz:
	@tests/deps build lint
	@$(MAKE) BUILD=fuzz CC=clang build/fuzz/fuzz/$(TARGET)
	@mkdir -p build/fuzz/found/$(TARGET)
	build/fuzz/fuzz/$(TARGET) -max_total_time=$(SECONDS) -timeout=10 -artifact_prefix=build/fuzz/found/ \
		build/fuzz/found/$(TARGET) tests/fuzz/corpus/$(TARGET)

# make property COUNT=10000 SEED=1: that many random tables of each database.
COUNT ?= 100
SEED  ?= 1
property: deps
	@$(MAKE) all unit-programs
	@tests/property/run $(COUNT) $(SEED)

# make rounds COUNT=200 SEED=1: that many syncs of a table of each database, which changes between them.
rounds: deps
	@$(MAKE) all
	@tests/property/rounds $(COUNT) $(SEED)

# Needs Go and, once, the modules of tests/interop/go.mod; and Airflow from PyPI: without them it says so. SUITES: see
# tests/interop/run; AIRFLOW="2.10.5 3.3.2": which, of tests/interop/airflow/run.
interop: deps
	@$(MAKE) all
	$(if $(SUITES),,@tests/interop/airflow/run $(AIRFLOW))
	@tests/interop/run $(SUITES)

bench: deps
	@$(MAKE) all
	@tests/bench/run

man:
	@mandoc -T lint -W warning $(MAN)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/share/man/man1 $(DESTDIR)$(PREFIX)/share/man/man5 \
		$(DESTDIR)$(PREFIX)/share/bash-completion/completions
	install $(filter-out $(B)/bin/localcloud,$(PROGRAMS:%=$(B)/bin/%)) $(DESTDIR)$(PREFIX)/bin
	$(foreach p,$(PIPELINES),install $(p) $(DESTDIR)$(PREFIX)/bin/$(call installed_name,$(p)) &&) :
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/sluice $(PIPELINE_PARTS)
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/sluice/airflow $(DAGS)
	$(foreach m,$(filter %.1,$(MAN)),install -m 644 $(m) \
		$(DESTDIR)$(PREFIX)/share/man/man1/$(call installed_name,$(m)) &&) :
	install -m 644 $(filter %.5,$(MAN)) $(DESTDIR)$(PREFIX)/share/man/man5
	install -m 644 lib/completion.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/sluice
	for name in $(INSTALLED); do \
		ln -sf sluice $(DESTDIR)$(PREFIX)/share/bash-completion/completions/$$name || exit; done

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(INSTALLED)) \
		$(addprefix $(DESTDIR)$(PREFIX)/share/sluice/,$(notdir $(PIPELINE_PARTS))) \
		$(addprefix $(DESTDIR)$(PREFIX)/share/sluice/airflow/,$(notdir $(DAGS))) \
		$(addprefix $(DESTDIR)$(PREFIX)/share/man/man1/,$(call installed_name,$(filter %.1,$(MAN)))) \
		$(addprefix $(DESTDIR)$(PREFIX)/share/man/man5/,$(notdir $(filter %.5,$(MAN)))) \
		$(addprefix $(DESTDIR)$(PREFIX)/share/bash-completion/completions/,sluice $(INSTALLED))

dist:
	@mkdir -p build
	git archive --format=tar.gz --prefix=sluice-$(VERSION)/ -o build/sluice-$(VERSION).tar.gz HEAD

# The tarball alone must build, pass its tests, install and uninstall.
distcheck: dist
	rm -rf build/distcheck && mkdir -p build/distcheck
	tar -C build/distcheck -xzf build/sluice-$(VERSION).tar.gz
	$(MAKE) -C build/distcheck/sluice-$(VERSION) check
	$(MAKE) -C build/distcheck/sluice-$(VERSION) install uninstall DESTDIR=$(CURDIR)/build/distcheck/root
	test -z "$$(find build/distcheck/root -type f)"

# For tests and tools: the lists above, one name a line.
print-programs:
	@printf '%s\n' $(PROGRAMS)
print-pipelines:
	@printf '%s\n' $(notdir $(PIPELINES))
print-man:
	@printf '%s\n' $(MAN)

clean:
	rm -rf build

.PHONY: all deps demo check asan lint fuzz property rounds interop bench man install uninstall dist distcheck clean proto unit-programs \
	print-programs print-pipelines print-man
.DELETE_ON_ERROR:
