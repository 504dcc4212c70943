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
#include "format/symbols/debug_file.h"

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
	int alternate_fd;
	bool only_lines; /* names are in an alternate file that is not there */
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
	dwarf_frame_handler handler;
	void *ctx;
};

/* ---- who has an address ---- */

static size_t first_at(const struct walk *w, uint64_t address)
{
	size_t low = 0, high = w->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (w->at[middle] < address)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

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
		for (size_t i = first_at(w, start); i < w->n && w->at[i] < end; i++) {
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

/* Where in the function around it an inlined one stands. */
static void set_call_place(struct dwarf_frame *f, Dwarf_Die *inlined)
{
	Dwarf_Word number = number_of(inlined, DW_AT_call_file);
	Dwarf_Word line = number_of(inlined, DW_AT_call_line);
	Dwarf_Files *files;
	Dwarf_Die unit;
	size_t n;

	f->file = NULL;
	f->line = line <= UINT32_MAX ? (uint32_t)line : 0;
	if (f->line && dwarf_diecu(inlined, &unit, NULL, NULL) &&
		dwarf_getsrcfiles(&unit, &files, &n) == 0 && number < n)
		f->file = dwarf_filesrc(files, number, NULL, NULL);
}

static void set_line(struct dwarf_frame *f, Dwarf_Die *unit, uint64_t address)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, address);
	int number;

	f->file = NULL;
	f->line = 0;
	if (!line || dwarf_lineno(line, &number) || number <= 0)
		return;
	f->line = (uint32_t)number;
	f->file = dwarf_linesrc(line, NULL, NULL);
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
		set_line(&f, unit, w->at[i]);
		w->handler(w->ctx, &f);
		return;
	}
	for (; depth; depth--) {
		Dwarf_Die *die = &w->nodes[chain[depth - 1]].die;

		f.linkage = linkage_of(die);
		f.name = text_of(die, DW_AT_name);
		if (depth > 1)
			set_call_place(&f, &w->nodes[chain[depth - 2]].die);
		else
			set_line(&f, unit, w->at[i]);
		w->handler(w->ctx, &f);
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
		for (size_t i = first_at(w, start); i < w->n && w->at[i] < end; i++) {
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
		for (size_t i = first_at(w, start); i < w->n && w->at[i] < end; i++) {
			w->steps_left--;
			if (w->unit_of[i] == w->unit)
				tell(w, unit, i);
		}
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
}

static bool is_split(const Dwarf_Die *functions, uint8_t type)
{
	return type == DW_UT_skeleton && functions->addr;
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

		if (w->steps_left <= 0 ||
			dwarf_get_units(w->dwarf, cu, &cu, NULL, &type, &unit, &functions))
			return 0;
		if (number < first || dwarf_tag(&unit) == DW_TAG_partial_unit ||
			!claim_unit(w, &unit))
			continue;
		take_unit(w, &unit, is_split(&functions, type) ? &functions : &unit);
		if (++n_taken == UNITS_AT_ONCE)
			return number + 1;
	}
}

/* ---- files ---- */

static int alternate_open(const char *path, const struct build_id *id)
{
	struct build_id found;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd >= 0 && build_id_of_file(fd, &found, NULL) == 0 && build_id_equal(&found, id))
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

/* Where dwz put what several debug files have in common: named by its path, relative to the debug
 * file, and by its build id. */
static int find_alternate(int fd, const char *name, const struct build_id *id)
{
	char self[64], path[PATH_MAX];
	ssize_t len;
	char *slash;
	int found = debug_file_open("", id, NULL);

	if (found >= 0)
		return found;
	if (name[0] == '/')
		return alternate_open(name, id);
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	len = readlink(self, path, sizeof(path) - 1);
	if (len <= 0)
		return -1;
	path[len] = '\0';
	slash = strrchr(path, '/');
	if (!slash || strlen(name) >= sizeof(path) - (size_t)(slash + 1 - path))
		return -1;
	strcpy(slash + 1, name);
	return alternate_open(path, id);
}

/* libdw itself would take a file of that name whatever its build id; so without the right one nothing
 * is read that could lead there. */
static void attach_alternate(struct walk *w)
{
	const char *name;
	const void *bytes;
	ssize_t len = dwelf_dwarf_gnu_debugaltlink(w->dwarf, &name, &bytes);
	struct build_id id = { .len = 0 };

	if (len == 0)
		return;
	w->only_lines = true;
	if (len < 0 || (size_t)len > sizeof(id.bytes))
		return;
	id.len = (uint32_t)len;
	memcpy(id.bytes, bytes, id.len);
	if (w->alternate_fd < 0)
		w->alternate_fd = find_alternate(w->fd, name, &id);
	if (w->alternate_fd < 0)
		return;
	w->alternate = dwarf_begin(w->alternate_fd, DWARF_C_READ);
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

int dwarf_frames(int fd, const uint64_t *addresses, size_t n, dwarf_frame_handler handler,
	void *ctx, struct err *err)
{
	struct walk w = { .fd = fd,
		.alternate_fd = -1,
		.at = addresses,
		.n = n,
		.steps_left = MAX_STEPS,
		.handler = handler,
		.ctx = ctx };
	int rc;

	if (!n)
		return 0;
	w.innermost = xcalloc(n, sizeof(*w.innermost));
	w.unit_of = xcalloc(n, sizeof(*w.unit_of));
	w.start = xcalloc(n, sizeof(*w.start));
	w.end = xcalloc(n, sizeof(*w.end));
	rc = read_elf(&w, err);
	if (w.alternate_fd >= 0)
		close(w.alternate_fd);
	free(w.innermost);
	free(w.unit_of);
	free(w.start);
	free(w.end);
	free(w.nodes);
	return rc;
}
