# rec and ana. `make help` lists the targets.
#
# Everything is built under $(B). Options: V=1 shows commands, SAN=address,undefined builds with
# sanitizers (in a folder of its own), CC and CLANG choose compilers.

V ?= 0
SAN ?=
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG ?= clang
PREFIX ?= /usr/local
VERSION := 0.1

comma := ,
B ?= build$(if $(SAN),/san)

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter
override CFLAGS += -std=gnu11 $(WARN) -fno-omit-frame-pointer -fvisibility=hidden \
	-DVERSION='"$(VERSION)"' -D_GNU_SOURCE -I. -I$(B) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
override LDFLAGS += $(if $(SAN),-fsanitize=$(SAN))
BPF_CFLAGS := -g -O2 -target bpf -I. -I/usr/include/$(shell $(CC) -dumpmachine)

Q := $(if $(filter 1,$(V)),,@)
say = $(if $(filter 1,$(V)),,@printf '  %-5s %s\n' $(1) $(2);)

# ---- what there is ----

FORMAT := $(patsubst %.c,%,$(wildcard format/base/*.c format/*.c))
SYMBOLS := $(patsubst %.c,%,$(wildcard format/symbols/*.c))
RENDER := $(patsubst %.c,%,$(wildcard render/*.c))
RECORD := $(patsubst %.c,%,$(filter-out record/main.c,$(wildcard record/*.c)))
ANALYZE := $(patsubst %.c,%,$(filter-out analyze/main.c,$(wildcard analyze/*.c)))
SAMPLES := $(patsubst samples/%.c,%,$(wildcard samples/*.c))
UNIT := $(patsubst tests/unit/%.c,%,$(wildcard tests/unit/test_*.c))
FUZZ := $(patsubst tests/fuzz/%.c,%,$(wildcard tests/fuzz/fuzz_*.c))
BENCH := $(patsubst tests/bench/%.c,%,$(wildcard tests/bench/*.c))
PAGES := $(wildcard render/page/*)

LIBS_FORMAT := -llz4 -lpthread
LIBS_SYMBOLS := -lelf -liberty
LIBS_RECORD := $(LIBS_SYMBOLS) $(LIBS_FORMAT)
LIBS_ANALYZE := $(LIBS_FORMAT)

objects = $(patsubst %,$(B)/obj/%.o,$(1))

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

.PHONY: all
all: $(B)/rec $(B)/ana $(B)/librectrace.a ## build everything (needs no network)

# ---- the schema: event structs -> type information -> C table ----

$(B)/gen/events.bpf.o: bpf/events.bpf.c $(wildcard specs/events/*.h)
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -c $< -o $@

$(B)/gen/schema_gen: specs/schema_gen.c specs/layout.h
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 -g -Wall -Wextra -I. $< -lbpf -o $@

$(B)/gen/events.c $(B)/gen/events.h &: $(B)/gen/events.bpf.o $(B)/gen/schema_gen
	$(call say,GEN,$(B)/gen/events.c)
	$(Q)$(B)/gen/schema_gen $(B)/gen/events.bpf.o $(B)/gen/events.h $(B)/gen/events.c

# ---- objects, libraries, programs ----

$(B)/obj/%.o: %.c | $(B)/gen/events.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/obj/gen/events.o: $(B)/gen/events.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/obj/render/assets.o: $(PAGES)

define library
$(B)/lib$(1).a: $(call objects,$(2))
	$$(call say,AR,$$@)
	$$(Q)rm -f $$@ && ar rcs $$@ $$^
endef
$(eval $(call library,format,$(FORMAT) gen/events))
$(eval $(call library,symbols,$(SYMBOLS)))
$(eval $(call library,render,$(RENDER)))
$(eval $(call library,record,$(RECORD)))
$(eval $(call library,analyze,$(ANALYZE)))
# What other programs read traces with (format/rectrace.h).
$(eval $(call library,rectrace,$(FORMAT) gen/events))

link = $(call say,LINK,$@) $(if $(Q),,)$(CC) $(LDFLAGS)

$(B)/rec: $(B)/obj/record/main.o $(B)/librecord.a $(B)/libsymbols.a $(B)/libformat.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_RECORD) -o $@

$(B)/ana: $(B)/obj/analyze/main.o $(B)/libanalyze.a $(B)/librender.a $(B)/libformat.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_ANALYZE) -o $@

ALL_LIBS = $(B)/librecord.a $(B)/libanalyze.a $(B)/librender.a $(B)/libsymbols.a $(B)/libformat.a

$(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/obj/tests/unit/support.o $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_RECORD) $(LIBS_ANALYZE) -lcmocka -lm -o $@

$(B)/bench/%: $(B)/obj/tests/bench/%.o $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_RECORD) $(LIBS_ANALYZE) -lm -o $@

# Samples are what gets recorded: with frame pointers, and not so optimized that calls vanish.
$(B)/samples/%: samples/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 -g -Wall -Wextra -fno-omit-frame-pointer -fno-optimize-sibling-calls \
		-fno-inline -D_GNU_SOURCE $< -o $@ -lpthread -llz4

.PHONY: samples
samples: $(patsubst %,$(B)/samples/%,$(SAMPLES))

.PHONY: unit
unit: $(patsubst %,$(B)/unit/%,$(UNIT))

-include $(shell find $(B)/obj -name '*.d' 2>/dev/null)

.PHONY: clean
clean: ## remove what was built
	rm -rf build

.PHONY: help
help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
