/* Units, functions, inlined functions: a walk down the tree of entries, in which an entry with code
 * claims the addresses in its ranges from the entry around it.
 *
 * So an address hangs on the innermost entry that has it, and on no entry whose parent does not have
 * it: chains are as deep as the tree, whatever a damaged file says. The form of the data is told in
 * DWARF 5, 3.3 (functions and inlined ones) and 6.2 (lines). */
#include "format/symbols/dwarf_frames.h"

#include <assert.h>
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwelf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/base/sorted.h"
#include "format/base/map.h"
#include "format/symbols/debug_file.h"
#include "format/symbols/dwp.h"

enum {
	MAX_NESTING = 256,   /* entries inside each other */
	UNITS_AT_ONCE = 64,  /* with addresses; then what libdw keeps of them is freed */
	MAX_NODES = 1 << 24, /* entries that had an address */
};

/* Instead of an address's unit. */
#define TOLD UINT32_MAX

/* Entries and ranges that are read at the most: Chromium's library has some 200 million. */
#define MAX_STEPS (1LL << 30)

/* A function or an inlined function that has an address. */
struct node {
	Dwarf_Die die;
	uint32_t parent; /* that it was inlined into; 0: it is a function itself */
	uint32_t depth;
};

struct walk {
	Elf *elf;
	int fd;
	Dwarf *dwarf, *alternate;
	int alternate_fd; /* owned; found by ourselves, or -1 */
	bool only_lines;  /* names are in an alternate file that is not there */
	const uint64_t *at;
	size_t n;
	uint32_t *innermost;   /* owned; for each address a node, or 0 */
	uint32_t *unit_of;     /* owned; for each address the first unit that has it, or 0 */
	uint32_t unit;         /* the present one, counted from 1 */
	uint64_t *start, *end; /* owned; of the function's piece that has it */
	struct node *nodes;    /* owned; of this unit; the first is nobody's */
	uint32_t n_nodes, cap_nodes;
	long long steps_left;
	int found;
	bool damaged;
	struct dwp *beside; /* owned; the package next to the program, NULL: there is none */
	bool beside_tried;
	const struct dwarf_parts *parts; /* borrowed; or NULL */
	struct map place_of;             /* id -> number in the places of parts */
	struct dwp *given;               /* owned; the one of parts that was used last, or NULL */
	uint64_t given_file;             /* its number; UINT64_MAX: none was */
	const struct dwarf_listener *listener;
};

/* ---- who has an address ---- */

static uint32_t add_node(struct walk *w, const Dwarf_Die *die, uint32_t parent)
{
	if (w->n_nodes == w->cap_nodes) {
		w->cap_nodes = w->cap_nodes ? 2 * w->cap_nodes : 1024;
		w->nodes = xrealloc(w->nodes, w->cap_nodes, sizeof(*w->nodes));
	}
	w->nodes[w->n_nodes] = (struct node){ .die = *die,
		.parent = parent,
		.depth = parent ? w->nodes[parent].depth + 1 : 0 };
	return w->n_nodes++;
}

/* Next range of an entry that holds something; false behind the last. */
static bool next_range(struct walk *w, Dwarf_Die *die, ptrdiff_t *at, Dwarf_Addr *base,
	Dwarf_Addr *start, Dwarf_Addr *end)
{
	while (w->steps_left-- > 0) {
		*at = dwarf_ranges(die, *at, base, start, end);
		if (*at <= 0)
			return false;
		if (*start < *end)
			return true;
	}
	return false;
}

/* Gives the addresses in its ranges that hang on parent to the entry: its new node, 0 if there are
 * none. */
static uint32_t claim(struct walk *w, Dwarf_Die *die, uint32_t parent)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	uint32_t node = 0;

	while (w->n_nodes < MAX_NODES && next_range(w, die, &at, &base, &start, &end)) {
		for (size_t i = sorted_from(w->at, w->n, start); i < w->n && w->at[i] < end; i++) {
			w->steps_left--;
			if (w->innermost[i] != parent || w->unit_of[i] != w->unit)
				continue;
			node = node ? node : add_node(w, die, parent);
			w->innermost[i] = node;
			if (parent)
				continue;
			w->start[i] = start;
			w->end[i] = end;
		}
	}
	return node;
}

/* Whether code may be somewhere below an entry that has none of its own. Functions below types there
 * are in Rust, say, but not in C, whose types would be much to walk through. */
static bool may_hold_functions(int tag, bool is_c)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_module: return true;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
	case DW_TAG_enumeration_type:
	case DW_TAG_variant_part:
	case DW_TAG_variant: return !is_c;
	default: return false;
	}
}

static bool is_block(int tag)
{
	return tag == DW_TAG_lexical_block || tag == DW_TAG_try_block ||
		tag == DW_TAG_catch_block || tag == DW_TAG_with_stmt;
}

/* The node below which an entry's children are to be looked at; false: not at all. */
static bool enter(struct walk *w, Dwarf_Die *die, uint32_t parent, bool is_c, uint32_t *node)
{
	int tag = dwarf_tag(die);

	*node = parent;
	if (tag == DW_TAG_subprogram) {
		*node = claim(w, die, 0);
		return *node != 0;
	}
	if (tag == DW_TAG_inlined_subroutine) {
		if (!parent || w->nodes[parent].depth == DWARF_MAX_DEPTH)
			return false;
		*node = claim(w, die, parent);
		return *node != 0;
	}
	return parent ? is_block(tag) : may_hold_functions(tag, is_c);
}

/* Children lie behind their parent and each other: a file that says otherwise is left there. */
static void walk_children(struct walk *w, Dwarf_Die *of, uint32_t parent, bool is_c, int nesting)
{
	Dwarf_Off last = dwarf_dieoffset(of);
	Dwarf_Die die;
	int rc = nesting < MAX_NESTING ? dwarf_child(of, &die) : 1;

	while (rc == 0 && dwarf_dieoffset(&die) > last && w->steps_left-- > 0) {
		uint32_t node;

		last = dwarf_dieoffset(&die);
		if (enter(w, &die, parent, is_c, &node))
			walk_children(w, &die, node, is_c, nesting + 1);
		rc = dwarf_siblingof(&die, &die);
	}
	w->damaged |= rc != 1 && w->steps_left > 0;
}

/* ---- what is told of it ---- */

static const char *text_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	const char *text = dwarf_formstring(dwarf_attr_integrate(die, name, &attr));

	return text && *text ? text : NULL;
}

static const char *linkage_of(Dwarf_Die *die)
{
	const char *text = text_of(die, DW_AT_linkage_name);

	return text ? text : text_of(die, DW_AT_MIPS_linkage_name);
}

static Dwarf_Word number_of(Dwarf_Die *die, unsigned name)
{
	Dwarf_Attribute attr;
	Dwarf_Word v;

	return dwarf_formudata(dwarf_attr(die, name, &attr), &v) ? 0 : v;
}

/* The table of files that an entry's numbers are from. A split unit has one of its own, or that of its
 * skeleton. */
static bool files_of(Dwarf_Die *die, Dwarf_Die *skeleton, Dwarf_Files **files, size_t *n)
{
	Dwarf_Die unit;

	return dwarf_diecu(die, &unit, NULL, NULL) &&
		(dwarf_getsrcfiles(&unit, files, n) == 0 ||
			(skeleton->cu != unit.cu && dwarf_getsrcfiles(skeleton, files, n) == 0));
}

/* Where in the function around it an inlined one stands. */
static void set_call_place(struct dwarf_frame *f, Dwarf_Die *inlined, Dwarf_Die *skeleton)
{
	Dwarf_Word number = number_of(inlined, DW_AT_call_file);
	Dwarf_Word line = number_of(inlined, DW_AT_call_line);
	Dwarf_Files *files;
	size_t n;

	f->file = NULL;
	f->line = line <= UINT32_MAX ? (uint32_t)line : 0;
	if (f->line && files_of(inlined, skeleton, &files, &n) && number < n)
		f->file = dwarf_filesrc(files, number, NULL, NULL);
}

/* Whether a unit names lines that cannot be read. */
static bool lines_damaged(Dwarf_Die *unit)
{
	Dwarf_Lines *lines;
	size_t n;

	return dwarf_hasattr(unit, DW_AT_stmt_list) && dwarf_getsrclines(unit, &lines, &n) < 0;
}

static void set_line(struct walk *w, struct dwarf_frame *f, Dwarf_Die *unit, uint64_t address)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number;

	f->file = NULL;
	f->line = 0;
	if (!line)
		w->damaged |= lines_damaged(unit);
	if (!line || dwarf_lineno(line, &number) || number <= 0)
		return;
	f->line = (uint32_t)number;
	f->file = dwarf_linesrc(line, NULL, NULL);
}

/* With the folder of the compiler, if the name counts from there. */
static void tell_source(struct walk *w, Dwarf_Die *unit, const char *file)
{
	const char *folder = text_of(unit, DW_AT_comp_dir);
	char full[PATH_MAX];
	int len;

	if (!w->listener->source || !file)
		return;
	if (*file == '/' || !folder || *folder != '/') {
		w->listener->source(w->listener->ctx, file);
		return;
	}
	len = snprintf(full, sizeof(full), "%s/%s", folder, file);
	if (len > 0 && len < (int)sizeof(full))
		w->listener->source(w->listener->ctx, full);
}

static void tell_frame(struct walk *w, Dwarf_Die *unit, const struct dwarf_frame *f)
{
	w->listener->frame(w->listener->ctx, f);
	tell_source(w, unit, f->file);
}

static void tell(struct walk *w, Dwarf_Die *unit, size_t i)
{
	uint32_t chain[DWARF_MAX_DEPTH + 1], depth = 0;
	struct dwarf_frame f = { .number = i, .start = w->start[i], .end = w->end[i] };

	for (uint32_t at = w->innermost[i]; at; at = w->nodes[at].parent)
		chain[depth++] = at;
	w->unit_of[i] = TOLD;
	w->found++;
	if (!depth) {
		set_line(w, &f, unit, w->at[i]);
		tell_frame(w, unit, &f);
		return;
	}
	for (; depth; depth--) {
		Dwarf_Die *die = &w->nodes[chain[depth - 1]].die;

		f.linkage = linkage_of(die);
		f.name = text_of(die, DW_AT_name);
		if (depth > 1)
			set_call_place(&f, &w->nodes[chain[depth - 2]].die, unit);
		else
			set_line(w, &f, unit, w->at[i]);
		tell_frame(w, unit, &f);
		f.depth++;
	}
}

/* ---- units ---- */

/* Gives the addresses in its ranges that no other unit has to a unit. Returns how many. */
static size_t claim_unit(struct walk *w, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;
	size_t n = 0;

	w->unit++;
	while (next_range(w, unit, &at, &base, &start, &end)) {
		for (size_t i = sorted_from(w->at, w->n, start); i < w->n && w->at[i] < end; i++) {
			w->steps_left--;
			if (w->unit_of[i])
				continue;
			w->unit_of[i] = w->unit;
			n++;
		}
	}
	return n;
}

static void tell_all(struct walk *w, Dwarf_Die *unit)
{
	Dwarf_Addr base, start, end;
	ptrdiff_t at = 0;

	while (next_range(w, unit, &at, &base, &start, &end)) {
		for (size_t i = sorted_from(w->at, w->n, start); i < w->n && w->at[i] < end; i++) {
			w->steps_left--;
			if (w->unit_of[i] == w->unit)
				tell(w, unit, i);
		}
	}
}

/* ---- sources ---- */

/* The first of a unit's lines, which are sorted by address, at or behind an address. */
static size_t first_line(Dwarf_Lines *lines, size_t n, Dwarf_Addr address)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		Dwarf_Addr at = 0;

		dwarf_lineaddr(dwarf_onesrcline(lines, middle), &at);
		if (at < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void tell_sources_between(struct walk *w, Dwarf_Die *unit, Dwarf_Lines *lines, size_t n,
	Dwarf_Addr start, Dwarf_Addr end)
{
	const char *before = NULL;

	for (size_t i = first_line(lines, n, start); i < n && w->steps_left-- > 0; i++) {
		Dwarf_Line *line = dwarf_onesrcline(lines, i);
		const char *file = dwarf_linesrc(line, NULL, NULL);
		Dwarf_Addr at;

		if (dwarf_lineaddr(line, &at) || at >= end)
			break;
		if (file != before)
			tell_source(w, unit, file);
		before = file;
	}
}

/* Of the functions that have addresses all the code: what was inlined elsewhere in them, too. */
static void tell_sources(struct walk *w, Dwarf_Die *unit)
{
	Dwarf_Lines *lines;
	size_t n;

	if (!w->listener->source || dwarf_getsrclines(unit, &lines, &n))
		return;
	for (uint32_t i = 1; i < w->n_nodes; i++) {
		Dwarf_Addr base, start, end;
		ptrdiff_t at = 0;

		while (!w->nodes[i].parent &&
			next_range(w, &w->nodes[i].die, &at, &base, &start, &end))
			tell_sources_between(w, unit, lines, n, start, end);
	}
}

static bool is_c(Dwarf_Die *unit)
{
	switch (dwarf_srclang(unit)) {
	case DW_LANG_C:
	case DW_LANG_C89:
	case DW_LANG_C99:
	case DW_LANG_C11: return true;
	default: return false;
	}
}

/* `functions`: the unit with the functions; that of a split one is in another file. */
static void take_unit(struct walk *w, Dwarf_Die *unit, Dwarf_Die *functions)
{
	w->n_nodes = 0;
	add_node(w, unit, 0);
	if (!w->only_lines)
		walk_children(w, functions, 0, is_c(functions), 0);
	tell_all(w, unit);
	tell_sources(w, unit);
}

static struct dwp *open_split(struct walk *w, int fd)
{
	struct elf_image program;
	struct dwp *p = NULL;

	if (elf_image_open(&program, w->fd, NULL) == 0)
		p = dwp_new(fd, &program);
	elf_image_done(&program);
	return p;
}

/* The package next to the program, when the first unit is not found elsewhere. */
static struct dwp *package_beside(struct walk *w)
{
	char self[64], path[PATH_MAX + 8];
	ssize_t len;
	int fd;

	if (w->beside_tried)
		return w->beside;
	w->beside_tried = true;
	snprintf(self, sizeof(self), "/proc/self/fd/%d", w->fd);
	len = readlink(self, path, PATH_MAX - 1);
	if (len <= 0 || path[0] != '/')
		return NULL;
	memcpy(path + len, ".dwp", sizeof(".dwp"));
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return NULL;
	w->beside = open_split(w, fd);
	close(fd);
	return w->beside;
}

static void note_places(struct walk *w)
{
	map_init(&w->place_of, 64);
	w->given_file = UINT64_MAX;
	for (uint32_t i = 0; w->parts && i < w->parts->n_places; i++)
		*map_put(&w->place_of, w->parts->places[i].id, NULL) = i;
}

/* Of what was given the file that has the unit. One is open at a time, as each takes a copy of the program's
 * addresses. */
static struct dwp *given_with(struct walk *w, uint64_t id)
{
	const uint32_t *at = map_get(&w->place_of, id);
	uint64_t file = at ? w->parts->places[*at].file : UINT64_MAX;

	if (!at || file >= w->parts->n_split)
		return NULL;
	if (file != w->given_file) {
		dwp_free(w->given);
		w->given = open_split(w, w->parts->split[file]);
		w->given_file = file;
	}
	return w->given;
}

static uint64_t base_of(Dwarf_Die *skeleton, unsigned name, unsigned gnu_name)
{
	uint64_t v = name ? number_of(skeleton, name) : 0;

	return v ? v : number_of(skeleton, gnu_name);
}

static bool take_half(struct dwp *p, uint64_t id, Dwarf_Die *skeleton, Dwarf_Die *functions)
{
	struct dwp_unit unit;
	Dwarf_CU *found = NULL;
	Dwarf *dwarf;

	if (!p || !dwp_find(p, id, &unit))
		return false;
	dwarf = dwp_begin(p, &unit, base_of(skeleton, DW_AT_addr_base, DW_AT_GNU_addr_base),
		base_of(skeleton, 0, DW_AT_GNU_ranges_base));
	return dwarf && dwarf_get_units(dwarf, NULL, &found, NULL, NULL, functions, NULL) == 0;
}

static void tell_split(struct walk *w, Dwarf_Die *skeleton, uint64_t id, bool found)
{
	const char *name = text_of(skeleton, DW_AT_dwo_name);
	const struct dwarf_split s = { id, text_of(skeleton, DW_AT_comp_dir),
		name ? name : text_of(skeleton, DW_AT_GNU_dwo_name), found };

	if (w->listener->split)
		w->listener->split(w->listener->ctx, &s);
}

/* Where the functions of a unit are: in itself, if it is not split, or its other half is nowhere. That has the
 * skeleton's id, which is a hash of it. */
static Dwarf_Die *functions_of(struct walk *w, Dwarf_CU *cu, Dwarf_Die *unit, uint8_t type,
	Dwarf_Die *split)
{
	uint64_t id;
	bool found;

	if (type != DW_UT_skeleton || dwarf_cu_info(cu, NULL, NULL, NULL, NULL, &id, NULL, NULL))
		return unit;
	found = split->addr || take_half(given_with(w, id), id, unit, split) ||
		take_half(package_beside(w), id, unit, split);
	tell_split(w, unit, id, found);
	return found ? split : unit;
}

/* Takes units from number `first` on, until so many had addresses that libdw is to be emptied.
 * Returns the number of the next, 0 behind the last. */
static size_t take_units(struct walk *w, size_t first)
{
	Dwarf_CU *cu = NULL;
	unsigned n_taken = 0;

	for (size_t number = 0;; number++) {
		Dwarf_Die unit, functions = { 0 };
		uint8_t type = 0;
		int rc = w->steps_left <= 0
			? 1
			: dwarf_get_units(w->dwarf, cu, &cu, NULL, &type, &unit, &functions);

		w->damaged |= rc < 0 || (rc == 0 && dwarf_tag(&unit) == DW_TAG_invalid);
		if (rc)
			return 0;
		if (number < first || dwarf_tag(&unit) == DW_TAG_partial_unit ||
			!claim_unit(w, &unit))
			continue;
		take_unit(w, &unit, functions_of(w, cu, &unit, type, &functions));
		if (++n_taken == UNITS_AT_ONCE)
			return number + 1;
	}
}

/* ---- files ---- */

static int find_alternate(const struct walk *w)
{
	struct elf_image e;
	int fd = -1;

	if (elf_image_open(&e, w->fd, NULL) == 0)
		fd = alternate_file_open("", &e, NULL);
	elf_image_done(&e);
	return fd;
}

/* libdw itself would take a file of that name whatever its build id; so without the right one nothing
 * is read that could lead there. */
static void attach_alternate(struct walk *w)
{
	int given = w->parts ? w->parts->alternate : -1;
	const char *name;
	const void *bytes;

	if (dwelf_dwarf_gnu_debugaltlink(w->dwarf, &name, &bytes) == 0)
		return;
	w->only_lines = true;
	if (given < 0 && w->alternate_fd < 0)
		w->alternate_fd = find_alternate(w);
	if (given < 0 && w->alternate_fd < 0)
		return;
	w->alternate = dwarf_begin(given >= 0 ? given : w->alternate_fd, DWARF_C_READ);
	if (!w->alternate)
		return;
	dwarf_setalt(w->dwarf, w->alternate);
	w->only_lines = false;
}

static int begin(struct walk *w, struct err *err)
{
	w->dwarf = dwarf_begin_elf(w->elf, DWARF_C_READ, NULL);
	if (!w->dwarf)
		return err_set(err, ENOENT, "no DWARF that can be read: %s", dwarf_errmsg(-1));
	attach_alternate(w);
	return 0;
}

static void end(struct walk *w)
{
	dwarf_end(w->dwarf);
	dwarf_end(w->alternate);
	w->dwarf = w->alternate = NULL;
}

static int take_all(struct walk *w, struct err *err)
{
	size_t next = 0;

	do {
		int rc = begin(w, err);

		if (rc)
			return rc;
		next = take_units(w, next);
		end(w);
	} while (next);
	return w->found;
}

static int read_elf(struct walk *w, struct err *err)
{
	int rc;

	elf_version(EV_CURRENT);
	w->elf = elf_begin(w->fd, ELF_C_READ_MMAP, NULL);
	if (!w->elf)
		return err_set(err, EINVAL, "no ELF file: %s", elf_errmsg(-1));
	rc = take_all(w, err);
	elf_end(w->elf);
	return rc;
}

int dwarf_frames(int fd, const struct dwarf_parts *parts, const uint64_t *addresses, size_t n,
	const struct dwarf_listener *listener, struct err *err)
{
	struct walk w = { .fd = fd,
		.alternate_fd = -1,
		.at = addresses,
		.n = n,
		.steps_left = MAX_STEPS,
		.parts = parts,
		.listener = listener };
	int rc;

	if (!n)
		return 0;
	w.innermost = xcalloc(n, sizeof(*w.innermost));
	w.unit_of = xcalloc(n, sizeof(*w.unit_of));
	w.start = xcalloc(n, sizeof(*w.start));
	w.end = xcalloc(n, sizeof(*w.end));
	note_places(&w);
	rc = read_elf(&w, err);
	if (rc >= 0 && w.damaged)
		err_set(err, EBADMSG, "some of its DWARF is damaged");
	else if (rc >= 0 && w.steps_left <= 0)
		err_set(err, E2BIG, "there is more DWARF than is looked at");
	if (w.alternate_fd >= 0)
		close(w.alternate_fd);
	dwp_free(w.beside);
	dwp_free(w.given);
	map_done(&w.place_of);
	free(w.innermost);
	free(w.unit_of);
	free(w.start);
	free(w.end);
	free(w.nodes);
	return rc;
}
