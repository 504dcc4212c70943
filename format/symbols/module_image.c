#include "format/symbols/module_image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/base/arena.h"

#define MAX_SIZE (1ULL << 30)

/* Where sections are that are not in the text of the module: each far from all others. */
#define FAR(number) ((1ULL << 40) + ((uint64_t)(number) << 32))

struct link {
	const struct elf_image *file;
	uint8_t *bytes;           /* mapped: the copy, and behind it a program header */
	uint64_t size, end;       /* of the file; of all */
	uint64_t *address;        /* owned; by section */
	uint64_t text;            /* bytes of code */
	uint64_t to_apply;        /* bytes of relocations that may still come */
	const GElf_Shdr *symbols; /* borrowed; or NULL */
};

/* ---- where sections lie ---- */

static bool is_init(const struct elf_image *e, const GElf_Shdr *s)
{
	static const char prefix[] = ".init";
	const GElf_Shdr *names = elf_image_section(e, e->section_names);
	char name[SYMBOL_NAME_MAX + 1];
	GElf_Shdr strings;

	if (!names)
		return false;
	strings = *names;
	strings.sh_type = SHT_STRTAB;
	elf_image_text(e, &strings, s->sh_name, name);
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

static void lay_out(struct link *l)
{
	for (uint32_t i = 1; i < l->file->n_sections; i++) {
		const GElf_Shdr *s = &l->file->sections[i];
		uint64_t align = s->sh_addralign ? s->sh_addralign : 1;

		if (!(s->sh_flags & SHF_ALLOC))
			continue;
		l->address[i] = FAR(i);
		if (!(s->sh_flags & SHF_EXECINSTR) || is_init(l->file, s) || align & (align - 1) ||
			align > MAX_SIZE || s->sh_size > MAX_SIZE || l->text > MAX_SIZE)
			continue;
		l->text = (l->text + align - 1) & ~(align - 1);
		l->address[i] = l->text;
		l->text += s->sh_size;
	}
}

/* ---- the copy ---- */

static bool inside(const struct link *l, uint64_t offset, uint64_t size)
{
	return offset <= l->size && size <= l->size - offset;
}

static void set_headers(struct link *l)
{
	Elf64_Phdr p = { .p_type = PT_LOAD,
		.p_flags = PF_R | PF_X,
		.p_filesz = l->text,
		.p_memsz = l->text,
		.p_align = 1 };
	Elf64_Ehdr e;
	Elf64_Shdr s;

	memcpy(&e, l->bytes, sizeof(e));
	e.e_type = ET_DYN;
	e.e_phoff = l->end - sizeof(p);
	e.e_phnum = 1;
	e.e_phentsize = sizeof(p);
	memcpy(l->bytes, &e, sizeof(e));
	memcpy(l->bytes + e.e_phoff, &p, sizeof(p));
	for (uint32_t i = 1; i < l->file->n_sections; i++) {
		uint64_t at = e.e_shoff + i * sizeof(s);

		if (!inside(l, at, sizeof(s)))
			return;
		memcpy(&s, l->bytes + at, sizeof(s));
		s.sh_addr = l->address[i];
		memcpy(l->bytes + at, &s, sizeof(s));
	}
}

/* A module has one table. A file may have any number of headers, all of them over the same bytes. */
static void find_symbols(struct link *l)
{
	for (uint32_t i = 1; i < l->file->n_sections && !l->symbols; i++) {
		const GElf_Shdr *s = &l->file->sections[i];

		if (s->sh_type == SHT_SYMTAB && inside(l, s->sh_offset, s->sh_size))
			l->symbols = s;
	}
}

static void move_symbols(struct link *l)
{
	const GElf_Shdr *table = l->symbols;
	Elf64_Sym y;

	if (!table)
		return;
	for (uint64_t at = 0; at + sizeof(y) <= table->sh_size; at += sizeof(y)) {
		memcpy(&y, l->bytes + table->sh_offset + at, sizeof(y));
		if (y.st_shndx >= l->file->n_sections)
			continue;
		y.st_value += l->address[y.st_shndx];
		memcpy(l->bytes + table->sh_offset + at, &y, sizeof(y));
	}
}

/* Bytes that a relocation of debug information sets; 0: of another kind. */
static size_t width_of(uint16_t machine, uint32_t type)
{
	if (machine == EM_X86_64)
		return type == R_X86_64_64                            ? 8
			: type == R_X86_64_32 || type == R_X86_64_32S ? 4
								      : 0;
	return type == R_AARCH64_ABS64 ? 8 : type == R_AARCH64_ABS32 ? 4 : 0;
}

static void relocate(struct link *l, const GElf_Shdr *section, const GElf_Shdr *symbols,
	const Elf64_Rela *r)
{
	size_t width = width_of(l->file->machine, (uint32_t)ELF64_R_TYPE(r->r_info));
	uint64_t at = ELF64_R_SYM(r->r_info) * sizeof(Elf64_Sym), value;
	Elf64_Sym y;

	if (!width || r->r_offset > section->sh_size || width > section->sh_size - r->r_offset ||
		at > symbols->sh_size || sizeof(y) > symbols->sh_size - at)
		return;
	memcpy(&y, l->bytes + symbols->sh_offset + at, sizeof(y));
	value = y.st_value + (uint64_t)r->r_addend;
	memcpy(l->bytes + section->sh_offset + r->r_offset, &value, width);
}

/* Only of sections that are not loaded: of debug information. All tables together are no larger than the file. */
static void apply(struct link *l, const GElf_Shdr *table)
{
	const GElf_Shdr *section = elf_image_section(l->file, table->sh_info);
	const GElf_Shdr *symbols = elf_image_section(l->file, table->sh_link);
	Elf64_Rela r;

	if (!section || !symbols || symbols != l->symbols || section->sh_type != SHT_PROGBITS ||
		section->sh_flags & (SHF_ALLOC | SHF_COMPRESSED) ||
		!inside(l, table->sh_offset, table->sh_size) || table->sh_size > l->to_apply ||
		!inside(l, section->sh_offset, section->sh_size))
		return;
	l->to_apply -= table->sh_size;
	for (uint64_t at = 0; at + sizeof(r) <= table->sh_size; at += sizeof(r)) {
		memcpy(&r, l->bytes + table->sh_offset + at, sizeof(r));
		relocate(l, section, symbols, &r);
	}
}

static void link_all(struct link *l)
{
	lay_out(l);
	find_symbols(l);
	move_symbols(l);
	for (uint32_t i = 1; i < l->file->n_sections; i++)
		if (l->file->sections[i].sh_type == SHT_RELA)
			apply(l, &l->file->sections[i]);
	set_headers(l);
}

/* Debug information names further files, which are opened with the rights of a file's owner (inline_worker.h). */
static int keep_owner(const struct elf_image *file, int fd)
{
	struct stat st;

	if (fstat(file->fd, &st) ||
		(st.st_uid != geteuid() && fchown(fd, st.st_uid, st.st_gid) && geteuid() == 0))
		return -errno;
	return 0;
}

static int make_copy(struct link *l, int fd)
{
	int rc = ftruncate(fd, (off_t)l->end) ? -errno : keep_owner(l->file, fd);

	if (rc)
		return rc;
	l->bytes = mmap(NULL, l->end, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (l->bytes == MAP_FAILED) {
		l->bytes = NULL;
		return -errno;
	}
	/* What is missing, as the file became shorter, stays zero. */
	elf_image_read(l->file, 0, l->bytes, l->size);
	l->address = xcalloc(l->file->n_sections + 1, sizeof(*l->address));
	link_all(l);
	munmap(l->bytes, l->end);
	free(l->address);
	return 0;
}

static bool is_module(const struct elf_image *e)
{
	return e->type == ET_REL && e->class == ELFCLASS64 && e->encoding == ELFDATA2LSB &&
		(e->machine == EM_X86_64 || e->machine == EM_AARCH64) &&
		e->size >= sizeof(Elf64_Ehdr) && e->fd >= 0;
}

int module_image_open(struct module_image *m, const struct elf_image *file, struct err *err)
{
	struct link l = { .file = file, .size = file->size, .to_apply = file->size };
	int rc;

	m->fd = -1;
	if (!is_module(file))
		return err_set(err, ENOEXEC, "no kernel module of a known kind");
	if (l.size > MAX_SIZE)
		return err_set(err, E2BIG, "more than %llu bytes", MAX_SIZE);
	l.end = (l.size + 7) / 8 * 8 + sizeof(Elf64_Phdr);
	m->fd = memfd_create("module", MFD_CLOEXEC);
	if (m->fd < 0)
		return err_errno(err, errno, "no memory for a copy");
	rc = make_copy(&l, m->fd);
	if (rc)
		err_errno(err, -rc, "a copy in memory");
	else
		rc = elf_image_open(&m->elf, m->fd, err);
	if (rc) {
		close(m->fd);
		m->fd = -1;
	}
	return rc;
}

void module_image_close(struct module_image *m)
{
	if (m->fd < 0)
		return;
	elf_image_done(&m->elf);
	close(m->fd);
	m->fd = -1;
}
