/* Call frame information: an ELF image is put together here, section by section, so that each byte of
 * its tables is known; and what readelf says about the C library is compared with what we say. */
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "format/symbols/cfi.h"
#include "format/symbols/cfi_expression.h"
#include "format/symbols/walk_rule.h"
#include "tests/unit/support.h"

enum {
	CODE = 0x1000, /* offset and address of the code in the image */
	CODE_SIZE = 0x40000,
	FRAME_AT = CODE + CODE_SIZE,
	RBX = 3,
	RBP = 6,
	RSP = 7,
	R12 = 12,
	SPACE = 1 << 20,
};

/* ---- making an image ---- */

struct image {
	uint8_t *bytes;
	struct buf frame; /* of .eh_frame or .debug_frame */
	const char *name; /* of the section; NULL: only a program header tells */
	uint64_t flags;
};

static void image_init(struct image *m, const char *name)
{
	m->bytes = calloc(1, SPACE);
	m->frame = buf_of(m->bytes + FRAME_AT, SPACE - FRAME_AT - 4096);
	m->name = name;
	m->flags = 0;
}

static bool is_eh(const struct image *m)
{
	return !m->name || strcmp(m->name, ".eh_frame") == 0;
}

/* Puts an entry's length in front of it. */
static void end_entry(struct image *m, size_t at)
{
	uint32_t len = (uint32_t)(m->frame.len - at - 4);

	memcpy(m->frame.data + at, &len, 4);
}

/* A common part: code aligned to 1, data to -8; with the usual rows if there is no program. */
static size_t put_common(struct image *m, const char *augmentation, const void *program, size_t len)
{
	static const uint8_t usual[] = { 0x0c, RSP, 8, 0x80 | 16, 1 }; /* def_cfa, offset */
	struct buf *b = &m->frame;
	size_t at = b->len;

	buf_uint(b, 0, 4);
	buf_uint(b, is_eh(m) ? 0 : UINT32_MAX, 4);
	buf_uint(b, is_eh(m) ? 1 : 3, 1);
	buf_put(b, augmentation, strlen(augmentation) + 1);
	buf_uint(b, 1, 1);
	buf_uint(b, 0x78, 1); /* -8 */
	buf_uint(b, 16, 1);
	if (augmentation[0] == 'z') {
		buf_uint(b, strchr(augmentation, 'R') != NULL, 1);
		if (strchr(augmentation, 'R'))
			buf_uint(b, 0x1b, 1); /* relative to itself, 4 bytes */
	}
	buf_put(b, program ? program : usual, program ? len : sizeof(usual));
	end_entry(m, at);
	return at;
}

static void put_function(struct image *m, size_t common, uint64_t start, uint32_t size,
	const void *program, size_t len)
{
	struct buf *b = &m->frame;
	size_t at = b->len;

	buf_uint(b, 0, 4);
	buf_uint(b, is_eh(m) ? b->len - common : common, 4);
	if (is_eh(m)) {
		buf_uint(b, CODE + start - (FRAME_AT + b->len), 4);
		buf_uint(b, size, 4);
		buf_uint(b, 0, 1);
	} else {
		buf_uint(b, CODE + start, 8);
		buf_uint(b, size, 8);
	}
	buf_put(b, program, len);
	end_entry(m, at);
}

static void put_header(struct image *m)
{
	Elf64_Ehdr h = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				 EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = m->name ? 3 : 0,
		.e_shoff = 512,
		.e_shstrndx = m->name ? 1 : 0 };
	/* In front of the code, what .eh_frame_hdr begins with: where .eh_frame is, relative to there. */
	uint8_t eh_header[8] = { 1, 0x1b, 0xff, 0xff };
	int32_t to_frame = FRAME_AT - (CODE - 8 + 4);
	Elf64_Phdr segments[2] = {
		{ .p_type = PT_LOAD, .p_flags = PF_R | PF_X, .p_filesz = SPACE, .p_memsz = SPACE },
		{ .p_type = m->name ? PT_NULL : PT_GNU_EH_FRAME,
			.p_offset = CODE - 8,
			.p_vaddr = CODE - 8,
			.p_filesz = 8 }
	};
	Elf64_Shdr sections[3] = { { .sh_type = SHT_NULL },
		{ .sh_type = SHT_STRTAB, .sh_offset = 1024, .sh_size = 64 },
		{ .sh_name = 1,
			.sh_type = SHT_PROGBITS,
			.sh_flags = m->flags,
			.sh_addr = FRAME_AT,
			.sh_offset = FRAME_AT,
			.sh_size = m->frame.len } };

	memcpy(eh_header + 4, &to_frame, 4);
	memcpy(m->bytes, &h, sizeof(h));
	memcpy(m->bytes + sizeof(h), segments, sizeof(segments));
	memcpy(m->bytes + 512, sections, sizeof(sections));
	memcpy(m->bytes + CODE - 8, eh_header, sizeof(eh_header));
	if (m->name)
		strcpy((char *)m->bytes + 1025, m->name);
}

static struct cfi *compile(struct image *m)
{
	struct elf_image e;
	struct cfi *c;

	assert_false(m->frame.full);
	put_header(m);
	assert_int_equal(elf_image_open_memory(&e, m->bytes, SPACE, NULL), 0);
	c = cfi_compile(&e, NULL);
	elf_image_done(&e);
	free(m->bytes);
	return c;
}

/* ---- what a rule says ---- */

static void check_cfa(const struct cfi *c, uint64_t at, uint32_t reg, int offset)
{
	const struct cfi_rule *r = cfi_find(c, CODE + at);

	assert_non_null(r);
	assert_int_equal(r->cfa_how, CFI_REGISTER);
	assert_int_equal(r->cfa_reg, reg);
	assert_int_equal(r->cfa_at, offset);
	assert_true(r->flags & CFI_USUAL);
}

/* Where the register is saved, from the CFA; 0: it is not. */
static int saved(const struct cfi *c, uint64_t at, uint32_t reg)
{
	const struct cfi_rule *r = cfi_find(c, CODE + at);

	for (uint32_t i = 0; i < r->n_regs; i++)
		if (r->regs[i].reg == reg && r->regs[i].how == CFI_SAVED)
			return r->regs[i].at;
	return 0;
}

/* push rbp; mov rbp, rsp; push rbx; ...; leave; ret */
static const uint8_t with_fp[] = { 0x41, 0x0e, 16, 0x80 | RBP, 2, /* 1: CFA is at 16, rbp saved */
	0x43, 0x0d, RBP,                                          /* 4: CFA counts from rbp */
	0x41, 0x80 | RBX, 3,                                      /* 5: rbx saved */
	0x02, 40, 0x0a, 0x0c, RSP, 8,                             /* 45: remember; CFA is rsp + 8 */
	0x41, 0x0b };                                             /* 46: as it was remembered */

static void rows_of_a_function_hold_from_where_they_begin(void **state)
{
	static const char *const names[] = { ".eh_frame", ".debug_frame", NULL };

	for (size_t i = 0; i < 3; i++) {
		struct image m;
		struct cfi *c;

		image_init(&m, names[i]);
		put_function(&m, put_common(&m, is_eh(&m) ? "zR" : "", NULL, 0), 0, 100, with_fp,
			sizeof(with_fp));
		c = compile(&m);
		assert_non_null(c);
		check_cfa(c, 0, RSP, 8);
		check_cfa(c, 1, RSP, 16);
		check_cfa(c, 3, RSP, 16);
		check_cfa(c, 4, RBP, 16);
		assert_int_equal(saved(c, 0, RBP), 0);
		assert_int_equal(saved(c, 1, RBP), -16);
		assert_int_equal(saved(c, 4, RBX), 0);
		assert_int_equal(saved(c, 5, RBX), -24);
		check_cfa(c, 44, RBP, 16);
		check_cfa(c, 45, RSP, 8);
		check_cfa(c, 46, RBP, 16);
		check_cfa(c, 99, RBP, 16);
		assert_null(cfi_find(c, CODE + 100));
		assert_null(cfi_find(c, CODE - 1));
		assert_null(cfi_find(c, UINT64_MAX));
		cfi_free(c);
	}
}

static void functions_far_apart_are_found_and_what_is_between_is_not(void **state)
{
	struct image m;
	struct cfi *c;
	size_t common;
	uint8_t adjust[] = { 0x0e, 0 };

	image_init(&m, ".eh_frame");
	common = put_common(&m, "zR", NULL, 0);
	/* Not in order, over several times 64 KiB, one of them across such a border. */
	for (uint32_t i = 0; i < 101; i++) {
		uint32_t n = i * 37 % 101;

		adjust[1] = (uint8_t)(8 + n);
		put_function(&m, common, 0x800 * (uint64_t)n + 0x3f0, 1009, adjust, 2);
	}
	c = compile(&m);
	for (uint32_t n = 0; n < 101; n++) {
		uint64_t at = 0x800 * (uint64_t)n + 0x3f0;

		assert_null(cfi_find(c, CODE + at - 1));
		check_cfa(c, at, RSP, (int)(8 + n));
		check_cfa(c, at + 500, RSP, (int)(8 + n));
		check_cfa(c, at + 1008, RSP, (int)(8 + n));
		assert_null(cfi_find(c, CODE + at + 1009));
	}
	cfi_free(c);
}

static void of_two_functions_at_a_place_the_first_counts(void **state)
{
	static const uint8_t first[] = { 0x0e, 24 }, second[] = { 0x0e, 40 };
	struct image m;
	struct cfi *c;
	size_t common;

	image_init(&m, ".eh_frame");
	common = put_common(&m, "zR", NULL, 0);
	put_function(&m, common, 0x200, 64, first, 2);
	put_function(&m, common, 0x210, 64, second, 2);
	put_function(&m, common, 0x240, 64, second, 2);
	c = compile(&m);
	check_cfa(c, 0x220, RSP, 24);
	check_cfa(c, 0x240, RSP, 40);
	cfi_free(c);
}

static void ends_of_stacks_and_signal_frames_are_told(void **state)
{
	static const uint8_t end[] = { 0x07, 16 }; /* the return address is undefined */
	struct image m;
	struct cfi *c;

	image_init(&m, ".eh_frame");
	put_function(&m, put_common(&m, "zR", NULL, 0), 0, 16, end, 2);
	put_function(&m, put_common(&m, "zRS", NULL, 0), 64, 16, "", 0);
	c = compile(&m);
	assert_int_equal(cfi_find(c, CODE)->flags, CFI_END);
	assert_int_equal(cfi_find(c, CODE + 64)->flags, CFI_SIGNAL | CFI_USUAL);
	cfi_free(c);
}

/* ---- rules for the kernel's walker ---- */

/* The rule of a function with this program. */
static struct walk_rule rule_for_kernel(const char *augmentation, const void *program, size_t len)
{
	struct walk_rule r;
	struct image m;
	struct cfi *c;

	image_init(&m, ".eh_frame");
	put_function(&m, put_common(&m, augmentation, NULL, 0), 0, 16, program, len);
	c = compile(&m);
	assert_non_null(c);
	walk_rule_make(c, cfi_find(c, CODE), &r);
	cfi_free(c);
	return r;
}

static void the_kernel_is_told_of_registers_and_places(void **state)
{
	static const uint8_t program[] = { 0x0c, RBP, 16, 0x80 | RBP, 2, 0x80 | RBX, 3, 0x07,
		13 /* r13 is undefined */ };
	struct walk_rule r = rule_for_kernel("zR", program, sizeof(program));

	assert_int_equal(r.cfa, WALK_CFA_REGISTER);
	assert_int_equal(r.cfa_reg, RBP);
	assert_int_equal(r.at, 16);
	assert_int_equal(r.base, WALK_BASE_CFA);
	assert_int_equal(r.ra, -8);
	assert_int_equal(r.kept[0], -24); /* rbx */
	assert_int_equal(r.kept[1], -16); /* rbp */
	assert_int_equal(r.kept[2], WALK_SAME);
	assert_int_equal(r.kept[3], WALK_LOST);
	assert_int_equal(r.flags, 0);
}

static void the_kernel_is_told_of_linkage_tables_and_aligned_stacks(void **state)
{
	/* rsp + 8 + ((rip & 15) >= 10) * 8 */
	static const uint8_t linkage[] = { 0x0f, 11, 0x77, 8, 0x80, 0, 0x3f, 0x1a, 0x3a, 0x2a, 0x33,
		0x24, 0x22 };
	/* What rbp - 16 points to; rbx at rbp - 24, rbp at rbp + 0. */
	static const uint8_t aligned[] = { 0x0f, 3, 0x76, 0x70, 0x06, 0x10, RBX, 2, 0x76, 0x68,
		0x10, RBP, 2, 0x76, 0 };
	static const uint8_t by_hand[] = { 0x0f, 5, 0x77, 40, 0x06, 0x23, 8 }; /* ...plus 8 */
	struct walk_rule r = rule_for_kernel("zR", linkage, sizeof(linkage));

	assert_int_equal(r.cfa, WALK_CFA_LINKAGE);
	assert_int_equal(r.cfa_reg, RSP);
	assert_int_equal(r.at, 8);
	assert_int_equal(r.more, 10);
	r = rule_for_kernel("zR", aligned, sizeof(aligned));
	assert_int_equal(r.cfa, WALK_CFA_DEREF);
	assert_int_equal(r.cfa_reg, RBP);
	assert_int_equal(r.at, -16);
	assert_int_equal(r.base, RBP);
	assert_int_equal(r.kept[0], -24);
	assert_int_equal(r.kept[1], 0);
	assert_int_equal(r.flags, 0); /* the return address is counted from the CFA */
	r = rule_for_kernel("zR", by_hand, sizeof(by_hand));
	assert_int_equal(r.cfa, WALK_CFA_DEREF);
	assert_int_equal(r.at, 40);
	assert_int_equal(r.more, 8);
}

static void the_kernel_is_told_of_signal_frames(void **state)
{
	/* As of glibc's __restore_rt: registers by their places from rsp. */
	static const uint8_t restore[] = { 0x0f, 4, 0x77, 0xa0, 1, 0x06, 0x10, RBP, 3, 0x77, 0xf8,
		0, 0x10, 16, 3, 0x77, 0xa8, 1 };
	struct walk_rule r = rule_for_kernel("zRS", restore, sizeof(restore));

	assert_int_equal(r.cfa, WALK_CFA_DEREF);
	assert_int_equal(r.at, 160);
	assert_int_equal(r.base, RSP);
	assert_int_equal(r.kept[1], 120);
	assert_int_equal(r.ra, 168);
	assert_int_equal(r.flags, WALK_SIGNAL | WALK_RA_BY_BASE);
}

static void what_the_kernel_cannot_be_told_is_said(void **state)
{
	static const uint8_t end[] = { 0x07, 16 };
	/* A CFA by multiplication; places from two registers; a return address in a register. */
	static const uint8_t others[][12] = { { 0x0f, 5, 0x77, 8, 0x33, 0x1e, 0x06 },
		{ 0x10, RBX, 2, 0x76, 0x68, 0x10, RBP, 2, 0x77, 8, 0x80 | R12, 5 },
		{ 0x09, 16, RBX } };

	assert_int_equal(rule_for_kernel("zR", end, sizeof(end)).cfa, WALK_CFA_END);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(rule_for_kernel("zR", others[i], sizeof(others[i])).cfa,
			WALK_CFA_OTHER);
}

static void pages_of_a_table_say_what_it_says(void **state)
{
	struct image m;
	struct cfi *c;
	size_t common;
	uint8_t adjust[] = { 0x0e, 0 };

	image_init(&m, ".eh_frame");
	common = put_common(&m, "zR", NULL, 0);
	for (uint32_t n = 0; n < 101; n++) {
		adjust[1] = (uint8_t)(8 + n);
		put_function(&m, common, 0x800 * (uint64_t)n + 0x3f0, 1009, adjust, 2);
	}
	c = compile(&m);
	for (uint64_t at = CODE; at < (uint64_t)cfi_n_pages(c) << 16; at += 97) {
		uint16_t rule;
		uint32_t n;
		const struct cfi_row *rows = cfi_page(c, (uint32_t)(at >> 16), &n, &rule);

		for (uint32_t i = 0; i < n && rows[i].low <= (at & 0xffff); i++)
			rule = rows[i].rule;
		assert_ptr_equal(rule ? cfi_rule_number(c, rule) : NULL, cfi_find(c, at));
	}
	cfi_free(c);
}

static void a_program_that_makes_no_sense_ends_its_rows(void **state)
{
	static const uint8_t bad[][4] = {
		{ 0x48, 0x3f, 0, 0 },       /* no such instruction */
		{ 0x48, 0x0b, 0, 0 },       /* nothing was remembered */
		{ 0x48, 0x04, 200, 0 },     /* behind the end of the function, and cut */
		{ 0x48, 0x0c, 200, 1 },     /* a CFA from a register that there is not */
		{ 0x48, 0x0f, 100, 0 },     /* an expression longer than the program */
		{ 0x48, 0x0e, 0x80, 0x80 }, /* a number without an end */
	};
	static const uint8_t good[] = { 0x0e, 32 };

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct image m;
		struct cfi *c;
		size_t common;

		image_init(&m, ".eh_frame");
		common = put_common(&m, "zR", NULL, 0);
		put_function(&m, common, 0, 100, bad[i], 4);
		put_function(&m, common, 100, 16, good, 2);
		c = compile(&m);
		check_cfa(c, 7, RSP, 8);
		assert_null(cfi_find(c, CODE + 8));
		check_cfa(c, 100, RSP, 32);
		cfi_free(c);
	}
}

static void what_cannot_be_known_is_left_out(void **state)
{
	struct image m;

	/* No common part there, one of a version to come, an augmentation without a length. */
	image_init(&m, ".eh_frame");
	put_common(&m, "zR", NULL, 0);
	put_function(&m, 3, 0, 16, "", 0);
	m.frame.data[8] = 77;
	put_function(&m, 0, 0, 16, "", 0);
	put_function(&m, put_common(&m, "eh", NULL, 0), 0, 16, "", 0);
	assert_null(compile(&m));
	/* Code that is not in the file. */
	image_init(&m, ".eh_frame");
	put_function(&m, put_common(&m, "zR", NULL, 0), SPACE, 16, "", 0);
	assert_null(compile(&m));
}

static void another_machine_has_no_table(void **state)
{
	struct image m;
	struct elf_image e;

	image_init(&m, ".eh_frame");
	put_function(&m, put_common(&m, "zR", NULL, 0), 0, 16, "", 0);
	put_header(&m);
	((Elf64_Ehdr *)m.bytes)->e_machine = EM_RISCV;
	assert_int_equal(elf_image_open_memory(&e, m.bytes, SPACE, NULL), 0);
	assert_null(cfi_compile(&e, NULL));
	elf_image_done(&e);
	free(m.bytes);
}

static void a_compressed_section_is_read(void **state)
{
	Elf64_Chdr h = { .ch_type = ELFCOMPRESS_ZLIB, .ch_addralign = 8 };
	uLongf len = 4096;
	uint8_t packed[4096];
	struct image m;
	struct cfi *c;

	image_init(&m, ".debug_frame");
	put_function(&m, put_common(&m, "", NULL, 0), 0, 100, with_fp, sizeof(with_fp));
	assert_int_equal(compress(packed, &len, m.frame.data, m.frame.len), Z_OK);
	h.ch_size = m.frame.len;
	m.frame.len = 0;
	m.flags = SHF_COMPRESSED;
	buf_put(&m.frame, &h, sizeof(h));
	buf_put(&m.frame, packed, len);
	c = compile(&m);
	assert_non_null(c);
	check_cfa(c, 4, RBP, 16);
	cfi_free(c);
}

static void more_rules_than_numbers_keep_what_matters(void **state)
{
	enum { RULES = 70001, STEP = 3 };
	uint8_t *program = malloc(RULES * 9);
	struct buf b = buf_of(program, (size_t)RULES * 9);
	struct image m;
	struct cfi *c;
	struct cfi_stats stats;

	/* A row every 3 bytes; all with another place of r12. */
	buf_put(&b, (const uint8_t[]){ 0x0e, 64, 0x80 | RBP, 2 }, 4);
	for (uint32_t i = 1; i < RULES; i++) {
		buf_uint(&b, 0x40 | STEP, 1);
		buf_uint(&b, 0x80 | R12, 1);
		buf_varint(&b, i + 2);
	}
	image_init(&m, ".eh_frame");
	put_function(&m, put_common(&m, "zR", NULL, 0), 0, RULES * STEP, program, b.len);
	free(program);
	c = compile(&m);
	cfi_stats(c, &stats);
	assert_int_equal(stats.rules, 65535);
	assert_int_equal(saved(c, 10007 * STEP, R12), -8 * 10009);
	check_cfa(c, 10007 * STEP, RSP, 64);
	cfi_free(c);
}

/* ---- expressions ---- */

static bool evaluate(const void *bytes, size_t len, uint64_t *v)
{
	static const uint64_t words[] = { 1009, 2003, 3001 };
	struct unwind_stack stack = { .start = 0x7000, .bytes = (const uint8_t *)words, .len = 24 };
	struct unwind_regs regs = { .value = { [RSP] = 0x7000, [RBP] = 0x7010 },
		.known = 1u << RSP | 1u << RBP };
	uint64_t outside = 0, first = 0x7008;

	return cfi_evaluate(bytes, len, &regs, &stack, &first, v, &outside);
}

static void expressions_compute(void **state)
{
	static const struct {
		uint8_t bytes[12];
		uint8_t len;
		uint64_t value;
	} cases[] = {
		{ { 0 }, 0, 0x7008 },                                   /* what is on the stack */
		{ { 0x06 }, 1, 2003 },                                  /* deref */
		{ { 0x77, 16, 0x06 }, 3, 3001 },                        /* [rsp + 16] */
		{ { 0x76, 0x70, 0x06, 0x23, 7 }, 5, 1016 },             /* [rbp - 16] + 7 */
		{ { 0x77, 8, 0x94, 1 }, 4, 2003 & 255 },                /* one byte of it */
		{ { 0x35, 0x33, 0x1c }, 3, 2 },                         /* 5 - 3 */
		{ { 0x09, 0xf9, 0x33, 0x1b }, 4, (uint64_t)-2 },        /* -7 / 3 */
		{ { 0x37, 0x3b, 0x1a, 0x3b, 0x2a, 0x33, 0x24 }, 7, 0 }, /* as of a linkage table */
		{ { 0x31, 0x28, 1, 0, 0x06, 0x32 }, 6, 2 }, /* jumps over what would fail */
		{ { 0x31, 0x32, 0x33, 0x17 }, 4, 2 },       /* rot */
		{ { 0x0a, 0xff, 0x7f, 0x1f }, 4, (uint64_t)-32767 }, /* neg */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t v = 0;

		assert_true(evaluate(cases[i].bytes, cases[i].len, &v));
		assert_int_equal(v, cases[i].value);
	}
}

static void expressions_that_make_no_sense_have_no_value(void **state)
{
	static const struct {
		uint8_t bytes[8];
		uint8_t len;
	} cases[] = {
		{ { 0x13, 0x13 }, 2 },             /* drop what is not there */
		{ { 0x13 }, 1 },                   /* nothing is left */
		{ { 0x30, 0x06 }, 2 },             /* memory that was not copied */
		{ { 0x77, 17, 0x06 }, 3 },         /* half of it */
		{ { 0x70, 0 }, 2 },                /* a register that is not known */
		{ { 0x92, 0x90, 1, 0 }, 4 },       /* one that there is not */
		{ { 0x31, 0x30, 0x1b }, 3 },       /* a division by 0 */
		{ { 0x2f, 0xfd, 0xff }, 3 },       /* for ever */
		{ { 0x2f, 5, 0 }, 3 },             /* a jump out of it */
		{ { 0x12, 0x2f, 0xfc, 0xff }, 4 }, /* a stack that grows */
		{ { 0x03, 1, 2, 3 }, 4 },          /* addresses are not known here */
		{ { 0xff }, 1 },                   /* no such operation */
		{ { 0x08 }, 1 },                   /* cut */
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t v = 97;

		assert_false(evaluate(cases[i].bytes, cases[i].len, &v));
		assert_int_equal(v, 97);
	}
}

/* ---- beside readelf ---- */

/* The CFA as readelf -wF prints it; "" for expressions. */
static void print_cfa(const struct cfi_rule *r, char text[32])
{
	static const char *const names[] = { "rax", "rdx", "rcx", "rbx", "rsi", "rdi", "rbp", "rsp",
		"r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "ra" };

	if (r->cfa_how == CFI_REGISTER)
		snprintf(text, 32, "%s+%d", names[r->cfa_reg], r->cfa_at);
	else
		snprintf(text, 32, "exp");
}

static void rows_of_the_c_library_are_as_readelf_reads_them(void **state)
{
	struct elf_image e;
	struct cfi *c;
	Dl_info info;
	char command[512], line[512];
	unsigned n = 0;
	bool function = false;
	FILE *f;
	int fd;

	assert_true(dladdr((void *)(uintptr_t)qsort, &info));
	fd = open(info.dli_fname, O_RDONLY | O_CLOEXEC);
	assert_int_equal(elf_image_open(&e, fd, NULL), 0);
	c = cfi_compile(&e, NULL);
	assert_non_null(c);
	snprintf(command, sizeof(command), "readelf -wF %s 2>/dev/null", info.dli_fname);
	f = popen(command, "r");
	while (fgets(line, sizeof(line), f)) {
		unsigned long at;
		char cfa[32], ours[32];
		uint64_t offset;

		if (strstr(line, " FDE ") || strstr(line, " CIE "))
			function = strstr(line, " FDE ") != NULL;
		if (!function || sscanf(line, "%16lx %31s", &at, cfa) != 2 || strlen(line) < 18 ||
			line[16] != ' ' || strchr("0123456789abcdef", line[15]) == NULL ||
			strcmp(cfa, "CFA") == 0 || strstr(line, "FDE"))
			continue;
		assert_true(elf_image_offset(&e, at, &offset));
		assert_non_null(cfi_find(c, offset));
		print_cfa(cfi_find(c, offset), ours);
		assert_string_equal(ours, cfa);
		n++;
	}
	pclose(f);
	cfi_free(c);
	elf_image_done(&e);
	close(fd);
	if (!n) {
		print_message("SKIP: no readelf, or no C library that it reads\n");
		skip();
	}
	assert_true(n > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_a_function_hold_from_where_they_begin),
		cmocka_unit_test(functions_far_apart_are_found_and_what_is_between_is_not),
		cmocka_unit_test(of_two_functions_at_a_place_the_first_counts),
		cmocka_unit_test(ends_of_stacks_and_signal_frames_are_told),
		cmocka_unit_test(the_kernel_is_told_of_registers_and_places),
		cmocka_unit_test(the_kernel_is_told_of_linkage_tables_and_aligned_stacks),
		cmocka_unit_test(the_kernel_is_told_of_signal_frames),
		cmocka_unit_test(what_the_kernel_cannot_be_told_is_said),
		cmocka_unit_test(pages_of_a_table_say_what_it_says),
		cmocka_unit_test(a_program_that_makes_no_sense_ends_its_rows),
		cmocka_unit_test(what_cannot_be_known_is_left_out),
		cmocka_unit_test(another_machine_has_no_table),
		cmocka_unit_test(a_compressed_section_is_read),
		cmocka_unit_test(more_rules_than_numbers_keep_what_matters),
		cmocka_unit_test(expressions_compute),
		cmocka_unit_test(expressions_that_make_no_sense_have_no_value),
		cmocka_unit_test(rows_of_the_c_library_are_as_readelf_reads_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
