# rec and ana. `make help` lists the targets.
#
# Everything is built under $(B). Options: V=1 shows commands, SAN=address,undefined builds with
# sanitizers (in a folder of its own), CC and CLANG choose compilers.

V ?= 0
SAN ?=
CC := $(if $(filter default,$(origin CC)),gcc,$(CC))
CLANG ?= clang
BPFTOOL ?= $(or $(shell PATH=$$PATH:/usr/sbin:/sbin command -v bpftool),bpftool)
PREFIX ?= /usr/local
LIBDIR ?= $(PREFIX)/lib
VERSION := 0.1
DATE := 2026-11-23# of the manuals

comma := ,
BPF_ARCH := $(subst x86_64,x86,$(subst aarch64,arm64,$(shell uname -m)))
B ?= build$(if $(SAN),/san)

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wno-unused-parameter \
	-Wno-missing-field-initializers # what is left out is 0
# Fuzzing builds use clang's coverage; see the target `fuzz`.
FUZZING ?=
override CFLAGS += $(if $(FUZZING),-fsanitize=fuzzer-no-link) -std=gnu11 $(WARN) -fno-omit-frame-pointer -fvisibility=hidden \
	-DVERSION='"$(VERSION)"' -D_GNU_SOURCE -I. -I$(B) $(if $(SAN),-fsanitize=$(SAN) -fno-sanitize-recover=all)
override LDFLAGS += $(if $(SAN),-fsanitize=$(SAN))
BPF_CFLAGS := -g -O2 -Wall -target bpf -D__TARGET_ARCH_$(BPF_ARCH) -I. -I/usr/include/$(subst -pc-,-,$(shell $(CC) -dumpmachine))

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
LIBS_SYMBOLS := -ldw -lelf -llzma -lz -liberty
LIBS_RECORD := -lbpf $(LIBS_SYMBOLS) $(LIBS_FORMAT)
# The same for a server that has libc and nothing else. What the static libraries need themselves:
# zlib, xz and bzip2, and from libelf 0.189 on zstd.
LIBS_STATIC = -Wl,-Bstatic $(filter-out -lpthread,$(LIBS_RECORD)) -lbz2 -lz \
	$(filter /%,$(shell $(CC) -print-file-name=libzstd.a)) -Wl,-Bdynamic -lpthread -static-libgcc
LIBS_ANALYZE := -lnettle $(LIBS_SYMBOLS) $(LIBS_FORMAT)

objects = $(patsubst %,$(B)/obj/%.o,$(1))

.DELETE_ON_ERROR:
.SUFFIXES:
.SECONDARY:

.PHONY: all
all: $(B)/rec $(B)/ana $(B)/librectrace.a docs ## build everything (needs no network)

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

# ---- programs for the kernel, each embedded in a header that opens and loads it ----

$(B)/gen/syscalls.bpf.o: BPF_CFLAGS += -mcpu=v3 # for compare and swap

$(B)/gen/%.bpf.o: bpf/%.bpf.c
	$(call say,BPF,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CLANG) $(BPF_CFLAGS) -MMD -MP -c $< -o $@

$(B)/gen/%.skel.h: $(B)/gen/%.bpf.o
	$(call say,GEN,$@)
	$(Q)$(BPFTOOL) gen skeleton $< name $*_bpf > $@

# ---- objects, libraries, programs ----

SKELETONS := $(patsubst bpf/%.bpf.c,$(B)/gen/%.skel.h,$(filter-out bpf/events.bpf.c,$(wildcard bpf/*.bpf.c)))

$(call objects,$(RECORD)): | $(SKELETONS)

$(B)/obj/%.o: %.c | $(B)/gen/events.h
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

$(B)/obj/gen/events.o: $(B)/gen/events.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -MMD -MP -c $< -o $@

# The scripts that a page may run, for its Content-Security-Policy.
$(B)/gen/page_hashes.h: $(PAGES)
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)for f in $^; do printf '{ "%s", "sha256-%s" },\n' $${f##*/} $$(sha256sum < $$f | \
		cut -c1-64 | tr a-f A-F | basenc --base16 -d | base64); done > $@

$(B)/obj/render/assets.o: $(PAGES) $(B)/gen/page_hashes.h

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

# What other programs read traces with (format/rectrace.h): one object in which only the public
# names are visible, so that ours cannot clash with theirs.
$(B)/librectrace.a: $(call objects,$(FORMAT) gen/events)
	$(call say,AR,$@)
	$(Q)$(LD) -r $^ -o $(B)/rectrace.o
	$(Q)objcopy --localize-hidden $(B)/rectrace.o
	$(Q)rm -f $@ && ar rcs $@ $(B)/rectrace.o

$(B)/rec: $(B)/obj/record/main.o $(B)/librecord.a $(B)/libsymbols.a $(B)/libformat.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_RECORD) -o $@

$(B)/rec-static: $(B)/obj/record/main.o $(B)/librecord.a $(B)/libsymbols.a $(B)/libformat.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_STATIC) -o $@

$(B)/ana: $(B)/obj/analyze/main.o $(B)/libanalyze.a $(B)/librender.a $(B)/libsymbols.a $(B)/libformat.a
	$(call say,LINK,$@)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_ANALYZE) -o $@

ALL_LIBS = $(B)/librecord.a $(B)/libanalyze.a $(B)/librender.a $(B)/libsymbols.a $(B)/libformat.a

$(B)/unit/%: $(B)/obj/tests/unit/%.o $(B)/obj/tests/unit/support.o $(B)/obj/tests/unit/analysis.o \
		$(B)/obj/tests/unit/built.o $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_RECORD) $(LIBS_ANALYZE) -larchive -lcmocka -lm -o $@

$(B)/bench/%: $(B)/obj/tests/bench/%.o $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_RECORD) $(LIBS_ANALYZE) -lm -o $@

$(B)/browser/make_pages: $(B)/obj/tests/browser/make_pages.o $(B)/librender.a $(B)/libformat.a
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) $^ $(LIBS_ANALYZE) -o $@

$(B)/fuzz/%: $(B)/obj/tests/fuzz/%.o $(ALL_LIBS)
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(LDFLAGS) -fsanitize=fuzzer $^ $(LIBS_RECORD) $(LIBS_ANALYZE) -lm -o $@

# Samples are what gets recorded: with frame pointers, and not so optimized that calls vanish. But for
# what stands for the code of distributions.
SAMPLE_CFLAGS := -O1 -fno-omit-frame-pointer -fno-optimize-sibling-calls -fno-inline
$(B)/samples/frames: SAMPLE_CFLAGS := -O2 -fomit-frame-pointer
$(B)/samples/%: samples/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -g -Wall -Wextra $(SAMPLE_CFLAGS) -D_GNU_SOURCE $< -o $@ -lpthread -llz4

$(B)/e2e/%: tests/e2e/%.c
	$(call say,CC,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -O1 -g -Wall -Wextra -D_GNU_SOURCE $< -o $@

.PHONY: samples
samples: $(patsubst %,$(B)/samples/%,$(SAMPLES))

.PHONY: unit
unit: $(patsubst %,$(B)/unit/%,$(UNIT))

# ---- manuals and completion, made from what the programs themselves take ----

$(B)/gen/rec.tables: $(B)/rec
	$(call say,GEN,$@)
	$(Q)$(B)/rec --tables > $@

$(B)/gen/ana.tables: $(B)/ana
	$(call say,GEN,$@)
	$(Q)$(B)/ana --tables > $@ && for c in $$(sed -n 's/^command\t\([^\t]*\).*/\1/p' $@); do \
		printf 'of\t%s\n' $$c && $(B)/ana $$c --tables || exit 1; done >> $@

$(B)/man/%.1: $(B)/gen/%.tables specs/man/%.1.in specs/man/roff.awk specs/man/fill.awk Makefile
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)awk -v version=$(VERSION) -v date=$(DATE) -f specs/man/roff.awk -f specs/man/fill.awk \
		$< specs/man/$*.1.in > $@

# One for each command of ana; `man ana report` finds ana-report(1).
$(B)/man/commands: $(B)/gen/ana.tables specs/man/ana.1.in specs/man/roff.awk specs/man/fill.awk Makefile
	$(call say,MAN,$(B)/man/ana-*.1)
	$(Q)mkdir -p $(@D) && rm -f $(B)/man/ana-*.1
	$(Q)sed -n 's/^command\t\([^\t]*\).*/\1/p' $< > $@
	$(Q)while read -r c; do awk -v only=$$c -v version=$(VERSION) -v date=$(DATE) -f specs/man/roff.awk \
		-f specs/man/fill.awk $< specs/man/ana.1.in > $(B)/man/ana-$$c.1 || exit 1; done < $@

$(B)/man/trace.5: specs/trace-format.md specs/man/roff.awk specs/man/markdown.awk Makefile
	$(call say,MAN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)awk -v version=$(VERSION) -v date=$(DATE) -f specs/man/roff.awk -f specs/man/markdown.awk \
		$< > $@

$(B)/completion/%: $(B)/gen/%.tables specs/completion/table.awk specs/completion/common.bash \
		specs/completion/%.bash
	$(call say,GEN,$@)
	$(Q)mkdir -p $(@D)
	$(Q)awk -v name=$* -f specs/completion/table.awk $< > $@
	$(Q)sed '/^# shellcheck/d' specs/completion/common.bash specs/completion/$*.bash >> $@

MANUALS := $(B)/man/rec.1 $(B)/man/ana.1 $(B)/man/commands $(B)/man/trace.5
COMPLETIONS := $(B)/completion/rec $(B)/completion/ana

.PHONY: docs
docs: $(MANUALS) $(COMPLETIONS)

# ---- what people type ----

.PHONY: deps
deps: ## install what the build needs (apt, as root or through sudo)
	@.ci/deps build

.PHONY: demo
demo: ## record a service with slow requests, make its report, say where it is
	@.ci/deps demo
	@$(MAKE) --no-print-directory all samples
	@samples/demo.sh $(B)

.PHONY: check
check: ## install what the tests need, build, run every test
	@.ci/deps test
	@$(MAKE) --no-print-directory -j$(shell nproc) all samples unit rec-static
	@$(MAKE) --no-print-directory test-unit test-e2e test-vm test-san test-fuzz test-browser lint
	@echo "all tests passed; skipped: $$(cat $(B)/logs/*.skips | wc -l)"

.PHONY: test-unit
test-unit: unit samples ## unit tests
	@TEST_LOGS=$(B)/logs tests/run.sh unit $(patsubst %,$(B)/unit/%,$(UNIT))

.PHONY: test-e2e
test-e2e: all samples rec-static $(B)/e2e/refuse ## real recordings, commands as typed, golden outputs
	@TEST_LOGS=$(B)/logs BUILD=$(B) tests/run.sh e2e $(sort $(wildcard tests/e2e/test_*.sh))

.PHONY: test-vm
test-vm: all samples $(B)/e2e/refuse ## tests of all sources on another kernel, which qemu emulates
	@TEST_LOGS=$(B)/logs BUILD=$(B) tests/vm/run.sh

.PHONY: test-san
test-san: ## unit tests again under AddressSanitizer and UBSan
	@$(MAKE) --no-print-directory -j$(shell nproc) SAN=address,undefined unit
	@TEST_LOGS=$(B)/logs UBSAN_OPTIONS=print_stacktrace=1 tests/run.sh san \
		$(patsubst %,$(B)/san/unit/%,$(UNIT))

FUZZ_MAKE = $(MAKE) --no-print-directory B=build/fuzzing CC=$(CLANG) SAN=address,undefined FUZZING=1

.PHONY: fuzzers
fuzzers: $(patsubst %,$(B)/fuzz/%,$(FUZZ))

.PHONY: test-fuzz
test-fuzz: ## the committed inputs of every fuzz target
	@$(FUZZ_MAKE) -j$(shell nproc) fuzzers
	@TEST_LOGS=$(B)/logs tests/run.sh fuzz $(patsubst %,"tests/fuzz/replay.sh %",$(FUZZ))

FUZZ_TIME ?= 60
.PHONY: fuzz
fuzz: ## search for inputs that break a parser, FUZZ_TIME seconds each (60)
	@$(FUZZ_MAKE) -j$(shell nproc) fuzzers
	@for f in $(FUZZ); do tests/fuzz/run.sh $$f $(FUZZ_TIME) || exit 1; done

.PHONY: test-browser
test-browser: all samples $(B)/browser/make_pages ## the pages in headless Chromium
	@cd tests/browser && [ -x node_modules/.bin/eslint ] || npm ci --silent --no-audit --no-fund
	@TEST_LOGS=$(B)/logs BUILD=$(abspath $(B)) tests/run.sh browser tests/browser/run.sh

.PHONY: lint
lint: all ## format, static analysis, shell scripts, the include rule
	@tests/lint.sh

.PHONY: bench
bench: ## measure beside perf (and FLAMEGRAPH=/path/to/flamegraph.pl), as ratios
	@.ci/deps bench
	@$(MAKE) --no-print-directory all samples $(patsubst %,$(B)/bench/%,$(BENCH))
	@BUILD=$(B) tests/bench/run.sh

.PHONY: golden
golden: all ## make the golden outputs anew (look at the difference before committing)
	@BUILD=$(B) tests/e2e/golden.sh

CHROMIUM ?= chromium
# The part of a page that the README shows: which parts of the report, how many pixels of it.
PICTURE_PARTS ?= timeline,flame,offcpu
PICTURE_SIZE ?= 1100,1745
.PHONY: picture
picture: all ## make the picture in the README anew, of the report of samples/orders.rec
	$(Q)mkdir -p $(B)/demo
	$(Q)$(B)/ana report samples/orders.rec --only $(PICTURE_PARTS) -o $(B)/demo/picture.html
	$(Q)$(CHROMIUM) --headless --no-sandbox --disable-gpu --hide-scrollbars --force-device-scale-factor=1 \
		--force-prefers-no-reduced-motion --window-size=$(PICTURE_SIZE) \
		--screenshot=$(abspath specs/report.png) file://$(abspath $(B)/demo/picture.html) 2>/dev/null
	@ls -l specs/report.png

BINDIR := $(DESTDIR)$(PREFIX)/bin
INCLUDEDIR := $(DESTDIR)$(PREFIX)/include
MANDIR := $(DESTDIR)$(PREFIX)/share/man
COMPLETIONDIR := $(DESTDIR)$(PREFIX)/share/bash-completion/completions
SCHEMADIR := $(DESTDIR)$(PREFIX)/share/rectrace/schema

.PHONY: install
install: all ## install programs, manuals, completion, schemas and the reading library (DESTDIR, PREFIX)
	install -D -m 755 -t $(BINDIR) $(B)/rec $(B)/ana
	install -D -m 644 -t $(MANDIR)/man1 $(B)/man/rec.1 $(B)/man/ana.1 $(B)/man/ana-*.1
	install -D -m 644 -t $(MANDIR)/man5 $(B)/man/trace.5
	install -D -m 644 -t $(COMPLETIONDIR) $(COMPLETIONS)
	install -D -m 644 -t $(SCHEMADIR) specs/schema/README.md specs/schema/*.json
	install -D -m 644 -t $(INCLUDEDIR) format/rectrace.h
	install -D -m 644 -t $(DESTDIR)$(LIBDIR) $(B)/librectrace.a
	sed 's|@PREFIX@|$(PREFIX)|; s|@LIBDIR@|$(LIBDIR:$(PREFIX)/%=$${prefix}/%)|; s|@VERSION@|$(VERSION)|' \
		format/rectrace.pc.in | install -D -m 644 /dev/stdin $(DESTDIR)$(LIBDIR)/pkgconfig/rectrace.pc

.PHONY: uninstall
uninstall: ## remove what `install` installed (the same DESTDIR and PREFIX)
	rm -f $(BINDIR)/rec $(BINDIR)/ana $(MANDIR)/man1/rec.1 $(MANDIR)/man1/ana.1 \
		$(addprefix $(MANDIR)/man1/,$(notdir $(wildcard $(B)/man/ana-*.1))) \
		$(MANDIR)/man5/trace.5 $(COMPLETIONDIR)/rec $(COMPLETIONDIR)/ana \
		$(INCLUDEDIR)/rectrace.h $(DESTDIR)$(LIBDIR)/librectrace.a \
		$(DESTDIR)$(LIBDIR)/pkgconfig/rectrace.pc
	rm -rf $(SCHEMADIR)
	rmdir --ignore-fail-on-non-empty $(DESTDIR)$(PREFIX)/share/rectrace 2>/dev/null || true

.PHONY: rec-static
rec-static: $(B)/rec-static ## build/rec-static, which needs nothing but libc: copy it to a server

.PHONY: deb
deb: ## Debian packages in build/deb: rec, ana, librectrace-dev
	@.ci/deps deb
	@$(MAKE) --no-print-directory all
	@.ci/deb $(B) $(VERSION)

.PHONY: clean
clean: ## remove what was built
	rm -rf build

.PHONY: help
help: ## show this
	@sed -n 's/^\([a-z0-9-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

-include $(shell find $(B)/obj $(B)/gen -name '*.d' 2>/dev/null)
