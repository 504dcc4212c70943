#include "record/fault_spaces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/map.h"
#include "record/proc_fs.h"

enum {
	MAX_SPACES = 65536, /* with more processes it begins anew */
	MAX_AREAS = 262144, /* of a process; the kernel's own limit is 65530 by default */
};

#define STACK_GROWTH \
	(1ULL << 23) /* a stack grows without a record, by so much at the usual limit */

struct space {
	uint32_t pid;
	struct fault_area_known *areas; /* owned; in order, without overlap */
	uint32_t n, cap;
};

struct fault_spaces {
	struct map by_pid; /* number in all */
	struct space *all; /* owned */
	uint32_t n, cap;
};

struct fault_spaces *fault_spaces_new(void)
{
	struct fault_spaces *s = xcalloc(1, sizeof(*s));

	map_init(&s->by_pid, 256);
	return s;
}

static void forget_all(struct fault_spaces *s)
{
	for (uint32_t i = 0; i < s->n; i++)
		free(s->all[i].areas);
	map_clear(&s->by_pid);
	s->n = 0;
}

void fault_spaces_free(struct fault_spaces *s)
{
	if (!s)
		return;
	forget_all(s);
	map_done(&s->by_pid);
	free(s->all);
	free(s);
}

static struct space *known(const struct fault_spaces *s, uint32_t pid)
{
	const uint32_t *at = map_get(&s->by_pid, pid);

	return at && *at < s->n && s->all[*at].pid == pid ? &s->all[*at] : NULL;
}

static struct space *add_space(struct fault_spaces *s, uint32_t pid)
{
	if (s->n == MAX_SPACES || s->by_pid.count > 2 * MAX_SPACES)
		forget_all(s);
	if (s->n == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 64;
		s->all = xrealloc(s->all, s->cap, sizeof(*s->all));
	}
	*map_put(&s->by_pid, pid, NULL) = s->n;
	s->all[s->n] = (struct space){ .pid = pid };
	return &s->all[s->n++];
}

/* ---- areas ---- */

/* The first that ends behind the address. */
static uint32_t search(const struct space *p, uint64_t address)
{
	uint32_t low = 0, high = p->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (p->areas[mid].end <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void insert_at(struct space *p, uint32_t i, const struct fault_area_known *a)
{
	if (p->n == MAX_AREAS)
		return;
	if (p->n == p->cap) {
		p->cap = p->cap ? p->cap * 2 : 32;
		p->areas = xrealloc(p->areas, p->cap, sizeof(*p->areas));
	}
	memmove(p->areas + i + 1, p->areas + i, (p->n - i) * sizeof(*p->areas));
	p->areas[i] = *a;
	p->n++;
}

static void cut_front(struct fault_area_known *a, uint64_t start)
{
	a->offset += start - a->start;
	a->start = start;
}

/* Puts an area over what was there. */
static void insert(struct space *p, const struct fault_area_known *a)
{
	uint32_t i = search(p, a->start), n = 0;

	if (i < p->n && p->areas[i].start < a->start) {
		struct fault_area_known rest = p->areas[i];

		p->areas[i++].end = a->start;
		if (rest.end > a->end) {
			cut_front(&rest, a->end);
			insert_at(p, i, &rest);
		}
	}
	while (i + n < p->n && p->areas[i + n].end <= a->end)
		n++;
	if (n)
		memmove(p->areas + i, p->areas + i + n, (p->n - i - n) * sizeof(*p->areas));
	p->n -= n;
	if (i < p->n && p->areas[i].start < a->end)
		cut_front(&p->areas[i], a->end);
	insert_at(p, i, a);
}

static enum fault_area area_of(const char *name)
{
	if (strcmp(name, "[heap]") == 0)
		return FAULT_AREA_HEAP;
	if (strcmp(name, "[stack]") == 0)
		return FAULT_AREA_STACK;
	return !name[0] || name[0] == '[' || strcmp(name, "//anon") == 0 ? FAULT_AREA_ANONYMOUS
									 : FAULT_AREA_FILE;
}

static void put(struct space *p, const struct fault_area_known *a, const char *name)
{
	struct fault_area_known x = *a;
	const char *slash = strrchr(name, '/');

	if (x.end <= x.start)
		return;
	x.area = area_of(name);
	memset(x.name, 0, sizeof(x.name));
	if (x.area == FAULT_AREA_FILE)
		snprintf(x.name, sizeof(x.name), "%s", slash ? slash + 1 : name);
	insert(p, &x);
}

/* ---- what was there before ---- */

bool fault_spaces_parse(char *line, struct fault_area_known *a, const char **name)
{
	unsigned maj, min;
	char shared;
	int at = 0;

	memset(a, 0, sizeof(*a));
	/* "start-end perms offset major:minor inode   path" */
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %*3c%c %" SCNx64 " %x:%x %" SCNu64 " %n",
		    &a->start, &a->end, &shared, &a->offset, &maj, &min, &a->inode, &at) < 7 ||
		!at)
		return false;
	a->shared = shared == 's';
	a->device = maj << 20 | (min & 0xfffff);
	line += at;
	line[strcspn(line, "\n")] = '\0';
	proc_strip_deleted(line);
	*name = line;
	return true;
}

static void read_maps(struct space *p)
{
	struct fault_area_known a;
	char path[64], *line = NULL;
	const char *name;
	size_t cap = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%u/maps", p->pid);
	f = fopen(path, "re");
	while (f && getline(&line, &cap, f) > 0)
		if (fault_spaces_parse(line, &a, &name))
			put(p, &a, name);
	free(line);
	if (f)
		fclose(f);
}

static struct space *space_of(struct fault_spaces *s, uint32_t pid)
{
	struct space *p = known(s, pid);

	if (p)
		return p;
	p = add_space(s, pid);
	read_maps(p);
	return p;
}

/* ---- records ---- */

void fault_spaces_map(struct fault_spaces *s, uint32_t pid, const struct fault_area_known *a,
	const char *name)
{
	put(space_of(s, pid), a, name);
}

void fault_spaces_exit(struct fault_spaces *s, uint32_t pid)
{
	struct space *p = known(s, pid), *last;

	if (!p)
		return;
	last = &s->all[s->n - 1];
	free(p->areas);
	*p = *last;
	s->n--;
	if (p != last)
		*map_put(&s->by_pid, p->pid, NULL) = (uint32_t)(p - s->all);
}

void fault_spaces_exec(struct fault_spaces *s, uint32_t pid)
{
	fault_spaces_exit(s, pid);
	add_space(s, pid);
}

void fault_spaces_fork(struct fault_spaces *s, uint32_t pid, uint32_t parent)
{
	struct space *from, *to;

	if (pid == parent)
		return;
	fault_spaces_exit(s, pid);
	space_of(s, parent);
	to = add_space(s, pid);
	from = known(s, parent); /* there is none if there were too many */
	if (!from || !from->n)
		return;
	to->areas = xcalloc(from->n, sizeof(*to->areas));
	memcpy(to->areas, from->areas, from->n * sizeof(*to->areas));
	to->n = to->cap = from->n;
}

const struct fault_area_known *fault_spaces_find(struct fault_spaces *s, uint32_t pid,
	uint64_t address)
{
	const struct space *p = space_of(s, pid);
	uint32_t i = search(p, address);
	const struct fault_area_known *a = i < p->n ? &p->areas[i] : NULL;

	if (!a || address >= a->start)
		return a;
	return a->area == FAULT_AREA_STACK && a->start - address < STACK_GROWTH ? a : NULL;
}
