/* Functions and markers in ELF images, by name. The images are those of the fuzz target: built from
 * three markers, sample:tick twice (with a semaphore) and sample:tock, in f(), and shop::Cart::fill. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/symbols/elf_find.h"
#include "format/symbols/stapsdt.h"
#include "record/probe.h"
#include "tests/unit/support.h"

#define IMAGES "tests/fuzz/corpus/fuzz_stapsdt/"

static uint8_t *read_image(const char *name, size_t *len)
{
	char path[128];
	uint8_t *bytes = malloc(1 << 16);
	FILE *f;

	snprintf(path, sizeof(path), IMAGES "%s", name);
	f = fopen(path, "re");
	if (!f)
		fail_msg("no %s: run the tests in the repository's folder", path);
	*len = fread(bytes, 1, 1 << 16, f);
	fclose(f);
	return bytes;
}

struct markers {
	unsigned n;
	char names[8][64];
	uint64_t offsets[8], semaphores[8];
};

static void on_marker(void *ctx, const struct stapsdt *m)
{
	struct markers *to = ctx;

	assert_true(to->n < 8);
	snprintf(to->names[to->n], 64, "%s:%s(%s)", m->provider, m->name, m->arguments);
	to->offsets[to->n] = m->offset;
	to->semaphores[to->n++] = m->semaphore;
}

static struct markers markers_of(const uint8_t *bytes, size_t len)
{
	struct markers m = { 0 };
	struct elf_image e;
	struct err err;
	uint32_t n;

	assert_int_equal(elf_image_open_memory(&e, bytes, len, &err), 0);
	n = stapsdt_each(&e, on_marker, &m);
	assert_int_equal(n, m.n);
	elf_image_done(&e);
	return m;
}

static void check_markers(const char *image)
{
	size_t len;
	uint8_t *bytes = read_image(image, &len);
	struct markers m = markers_of(bytes, len);

	assert_int_equal(m.n, 3);
	assert_string_equal(m.names[0], "sample:tick(8@%rdi -4@%eax)");
	assert_string_equal(m.names[1], "sample:tick(8@%rdi -4@%eax)");
	assert_string_equal(m.names[2], "sample:tock(8@%rdi -4@%eax)");
	for (unsigned i = 0; i < 3; i++) {
		assert_true(m.offsets[i] < len);
		assert_int_equal(bytes[m.offsets[i]], 0x90); /* the nop that the marker is */
	}
	assert_int_equal(m.semaphores[0], m.semaphores[1]);
	assert_int_equal(m.semaphores[2], 0);
	assert_int_equal(bytes[m.semaphores[0]], 1); /* it was given the value 1 */
	free(bytes);
}

static void markers_are_found_with_their_semaphores(void **state)
{
	(void)state;
	check_markers("x86.so");
	check_markers("i386");
}

static void a_prelinked_file_is_understood(void **state)
{
	size_t len;
	uint8_t *bytes = read_image("x86.so", &len), *moved = malloc(len);
	struct markers before = markers_of(bytes, len), after;
	struct elf_image e;
	struct err err;
	Elf64_Ehdr h;

	(void)state;
	/* What prelink does: it adds to all addresses in headers, and leaves the notes alone. */
	memcpy(moved, bytes, len);
	memcpy(&h, bytes, sizeof(h));
	assert_int_equal(elf_image_open_memory(&e, bytes, len, &err), 0);
	for (unsigned i = 0; i < e.n_segments; i++)
		((Elf64_Phdr *)(moved + h.e_phoff))[i].p_vaddr += 0x10000;
	for (unsigned i = 0; i < e.n_sections; i++)
		if (e.sections[i].sh_addr)
			((Elf64_Shdr *)(moved + h.e_shoff))[i].sh_addr += 0x10000;
	elf_image_done(&e);
	after = markers_of(moved, len);
	assert_int_equal(after.n, 3);
	assert_memory_equal(after.offsets, before.offsets, sizeof(before.offsets));
	assert_memory_equal(after.semaphores, before.semaphores, sizeof(before.semaphores));
	free(bytes);
	free(moved);
}

static void a_cut_image_gives_what_is_whole(void **state)
{
	size_t len;
	uint8_t *bytes = read_image("x86.so", &len);

	(void)state;
	for (size_t cut = 64; cut < len; cut += 61) {
		struct elf_image e;
		struct markers m = { 0 };
		struct err err;

		if (elf_image_open_memory(&e, bytes, cut, &err))
			continue;
		assert_true(stapsdt_each(&e, on_marker, &m) <= 3);
		elf_image_done(&e);
	}
	free(bytes);
}

/* ---- from the user's words ---- */

static int resolve(const char *spec, struct probe *p, struct arena *a, struct err *err)
{
	struct event_specs l = { 0 };
	int rc = event_specs_add(&l, spec, err);

	err->text[0] = '\0';
	if (!rc)
		rc = probe_resolve(p, &l.specs[0], a, err);
	event_specs_done(&l);
	return rc;
}

static void a_function_is_found_by_both_of_its_names(void **state)
{
	struct arena a = { 0 };
	struct probe p, q;
	struct err err;

	(void)state;
	assert_int_equal(resolve("uprobe:" IMAGES "x86.so:shop::Cart::fill", &p, &a, &err), 0);
	assert_int_equal(resolve("uprobe:" IMAGES "x86.so:_ZN4shop4Cart4fillEl+1", &q, &a, &err),
		0);
	assert_int_equal(p.n, 1);
	assert_int_equal(q.n, 1);
	assert_int_equal(p.sites[0].offset + 1, q.sites[0].offset);
	assert_string_equal(p.name, "uprobe:x86.so:shop::Cart::fill");
	assert_string_equal(q.name, "uprobe:x86.so:_ZN4shop4Cart4fillEl+0x1");
	assert_int_equal(p.path[0], '/');
	arena_done(&a);
}

static void a_marker_with_two_places_is_one_event(void **state)
{
	struct arena a = { 0 };
	struct probe p;
	struct err err;

	(void)state;
	assert_int_equal(resolve("usdt:" IMAGES "x86.so:sample:tick", &p, &a, &err), 0);
	assert_string_equal(p.name, "usdt:sample:tick");
	assert_int_equal(p.n, 2);
	assert_true(p.sites[0].semaphore && p.sites[0].offset != p.sites[1].offset);
	arena_done(&a);
}

static void what_is_not_there_is_said_with_near_names(void **state)
{
	static const struct {
		const char *spec, *says;
	} cases[] = {
		{ "uprobe:" IMAGES "x86.so:shop::Cart::fil", "did you mean shop::Cart::fill?" },
		{ "uprobe:" IMAGES "x86.so:f+4096", "bytes long" },
		{ "uprobe:" IMAGES "nothere:f", "cannot open" },
		{ "uprobe:tests/lint.sh:f", "not an ELF file" },
		{ "usdt:" IMAGES "x86.so:sample:tik", "no marker 'tik'; did you mean sample:tick" },
		{ "usdt:" IMAGES "x86.so:smple:tick", "no provider 'smple'" },
		{ "usdt:tests/fuzz/corpus/fuzz_elf_symbols/x86.so:a:b", "has no USDT markers" },
		{ "uprobe:tests/fuzz/corpus/fuzz_elf_symbols/debug.so:f", "no" },
	};
	struct arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct probe p;
		struct err err;

		if (resolve(cases[i].spec, &p, &a, &err) >= 0 || !strstr(err.text, cases[i].says))
			fail_msg("%s: %s", cases[i].spec, err.text);
	}
	arena_done(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(markers_are_found_with_their_semaphores),
		cmocka_unit_test(a_prelinked_file_is_understood),
		cmocka_unit_test(a_cut_image_gives_what_is_whole),
		cmocka_unit_test(a_function_is_found_by_both_of_its_names),
		cmocka_unit_test(a_marker_with_two_places_is_one_event),
		cmocka_unit_test(what_is_not_there_is_said_with_near_names),
	};

	return cmocka_run_group_tests_name("probes", tests, NULL, NULL);
}
