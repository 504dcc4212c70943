/* Processes whose mappings have changed are noted, and told to the kernel when records have been taken in: a
 * program that starts maps a dozen files one after the other. */
#include "record/walk.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "gen/walk.skel.h"
#include "record/bpf_rings.h"
#include "record/recording.h"
#include "record/unwinding.h"
#include "record/walk_maps.h"
#include "specs/ring_exec.h"

/* What a program asks for is told to us as well, a little later. If we have looked so often and know nothing new
 * it cannot be helped; it may ask again after a while. */
enum { LOOKS = 3 };
#define PATIENCE_NS 50000000ULL

struct process {
	uint32_t pid; /* 0: this place is free */
	bool changed;
	uint64_t exec_ns;
};

struct walk {
	struct recording *recording; /* borrowed */
	struct walk_bpf *skel;       /* owned */
	struct walk_maps *maps;      /* owned */
	struct map by_pid;           /* -> place in processes, plus 1; 0: gone */
	struct process *processes;   /* owned */
	uint32_t n_processes, cap_processes, n_free;
	uint32_t *changed; /* owned; places in processes */
	uint32_t n_changed, cap_changed;
	struct image **images; /* owned list; by number */
	bool *asked;           /* owned; images whose rules are being made, or are */
	uint32_t n_images;
	uint64_t answered_ns;
	uint32_t n_looks; /* since a program asked */
	uint32_t left_out, n_cleared;
	struct walk_space space; /* in the making */
};

bool walk_supported(void)
{
#if defined(__x86_64__)
	return true;
#else
	return false;
#endif
}

struct walk_maps *walk_maps_of(struct walk *w)
{
	return w ? w->maps : NULL;
}

/* ---- processes that changed ---- */

static uint32_t new_place(struct walk *w)
{
	for (uint32_t i = 0; w->n_free && i < w->n_processes; i++) {
		if (w->processes[i].pid)
			continue;
		w->n_free--;
		return i;
	}
	if (w->n_processes == w->cap_processes) {
		w->cap_processes = w->cap_processes ? 2 * w->cap_processes : 64;
		w->processes = xrealloc(w->processes, w->cap_processes, sizeof(*w->processes));
	}
	return w->n_processes++;
}

/* A map cannot forget single keys: those of processes that are gone have value 0. */
static void rebuild_map(struct walk *w)
{
	map_clear(&w->by_pid);
	for (uint32_t i = 0; i < w->n_processes; i++)
		if (w->processes[i].pid)
			*map_put(&w->by_pid, w->processes[i].pid, NULL) = i + 1;
}

static struct process *process_of(struct walk *w, uint32_t pid)
{
	uint32_t *at = map_put(&w->by_pid, pid, NULL), place;

	if (!*at) {
		place = new_place(w);
		*at = place + 1;
		w->processes[place] = (struct process){ .pid = pid };
	}
	return &w->processes[*at - 1];
}

static void space_changed(void *ctx, uint32_t pid)
{
	struct walk *w = ctx;
	struct process *p;

	if (!pid)
		return;
	p = process_of(w, pid);
	if (p->changed)
		return;
	p->changed = true;
	if (w->n_changed == w->cap_changed) {
		w->cap_changed = w->cap_changed ? 2 * w->cap_changed : 64;
		w->changed = xrealloc(w->changed, w->cap_changed, sizeof(*w->changed));
	}
	w->changed[w->n_changed++] = (uint32_t)(p - w->processes);
}

static void on_exec(void *ctx, const struct bpf_event *b)
{
	struct walk *w = ctx;
	struct ring_exec e;

	memcpy(&e, b->data, sizeof(e));
	if (w->recording->target.kind != TARGET_SYSTEM &&
		!processes_find(w->recording->processes, e.pid))
		return; /* not one that is recorded */
	process_of(w, e.pid)->exec_ns = e.time;
	space_changed(w, e.pid);
}

/* ---- images ---- */

/* Numbers of images that were forgotten are given anew. */
static uint32_t new_number(struct walk *w)
{
	if (w->n_images < WALK_IMAGES)
		return w->n_images++;
	for (uint32_t i = 1; i < WALK_IMAGES; i++)
		if (!w->images[i])
			return i;
	w->left_out++;
	return 0;
}

/* 0: of code that has no rules. */
static uint32_t number_of(struct walk *w, struct image *image)
{
	if (image->kind != MAPPING_FILE && image->kind != MAPPING_VDSO)
		return 0;
	if (!image->walked) {
		image->walked = new_number(w);
		w->images[image->walked] = image->walked ? image : NULL;
	}
	return image->walked;
}

static bool ask_for(struct walk *w, uint32_t number)
{
	if (!number || w->asked[number])
		return false;
	w->asked[number] = true;
	unwinding_prepare(w->recording->unwinding, w->images[number]);
	return true;
}

/* In a thread of unwinding.c. The image is held meanwhile, so its number stays. */
static void on_rules(void *ctx, struct image *image, const struct cfi *cfi)
{
	struct walk *w = ctx;

	walk_maps_add_image(w->maps, image->walked, cfi);
}

void walk_let_go(struct walk *w, struct image *image)
{
	if (!image->walked)
		return;
	walk_maps_remove_image(w->maps, image->walked);
	w->images[image->walked] = NULL;
	w->asked[image->walked] = false;
	image->walked = 0;
}

/* ---- telling the kernel ---- */

static bool goes_on(const struct walk_mapping *last, const struct vma *v, uint32_t image)
{
	return last->end == v->start && last->image == image &&
		(!image ||
			((uint64_t)last->page << WALK_MAPPING_SHIFT) + (last->end - last->start) ==
				v->offset);
}

static void add_mapping(struct walk *w, const struct vma *v)
{
	struct walk_space *s = &w->space;
	struct walk_mapping *last = s->n ? &s->mappings[s->n - 1] : NULL;
	uint32_t image = number_of(w, v->image);
	uint64_t page = v->offset >> WALK_MAPPING_SHIFT;

	if (page > UINT32_MAX || v->offset & ((1U << WALK_MAPPING_SHIFT) - 1))
		image = 0;
	if (last && goes_on(last, v, image))
		last->end = v->end;
	else if (s->n == WALK_MAPPINGS)
		w->left_out++;
	else
		s->mappings[s->n++] = (struct walk_mapping){ v->start, v->end, image,
			(uint32_t)page };
}

/* What nearly every program has: its rules are made before the first one starts. */
static bool is_common(const struct image *image)
{
	const char *slash = strrchr(image->path, '/'), *name = slash ? slash + 1 : image->path;

	return image->kind == MAPPING_VDSO || strncmp(name, "libc.so", 7) == 0 ||
		strncmp(name, "ld-linux", 8) == 0;
}

/* Of a whole system most code is never met; of processes that somebody asked for much is. A command is a
 * copy of ourselves until it starts. */
static bool is_wanted_soon(const struct walk *w, const struct process *p, const struct image *image)
{
	const struct target *t = &w->recording->target;

	if (t->kind == TARGET_SYSTEM)
		return false;
	return t->kind != TARGET_COMMAND || p->exec_ns || is_common(image);
}

static void tell(struct walk *w, struct process *p, const struct space *from)
{
	uint64_t exec_ns = walk_maps_exec_ns(w->maps, p->pid);

	w->space.exec_ns = exec_ns & WALK_EXEC_UNTOLD ? exec_ns : p->exec_ns;
	w->space.n = w->space.n_astray = 0;
	for (uint32_t i = 0; i < from->n; i++) {
		add_mapping(w, &from->vmas[i]);
		if (is_wanted_soon(w, p, from->vmas[i].image))
			ask_for(w, number_of(w, from->vmas[i].image));
	}
	walk_maps_set_space(w->maps, p->pid, &w->space);
}

static void forget(struct walk *w, struct process *p)
{
	walk_maps_remove_space(w->maps, p->pid);
	*map_put(&w->by_pid, p->pid, NULL) = 0;
	p->pid = 0;
	w->n_free++;
	if (w->by_pid.count > 2 * (w->n_processes - w->n_free) + 1024)
		rebuild_map(w);
}

static bool tell_changes(struct walk *w)
{
	uint32_t n = w->n_changed;

	for (uint32_t i = 0; i < n; i++) {
		struct process *p = &w->processes[w->changed[i]];
		const struct space *s = processes_space(w->recording->processes, p->pid);

		p->changed = false;
		if (s)
			tell(w, p, s);
		else if (!processes_find(w->recording->processes, p->pid))
			forget(w, p);
	}
	w->n_changed = 0;
	return n > 0;
}

static bool answer(struct walk *w)
{
	uint32_t n_cleared = walk_maps_cleared(w->maps);
	bool any = false;

	if (n_cleared != w->n_cleared)
		memset(w->asked, 0, WALK_IMAGES * sizeof(*w->asked));
	w->n_cleared = n_cleared;

	for (uint32_t i = 1; i < w->n_images; i++)
		if (w->images[i] && walk_maps_wants_image(w->maps, i))
			any |= ask_for(w, i);
	return any;
}

/* Where a command will be found: as execvp looks for it. NULL: nowhere; else the caller's to free. */
static char *find_command(const char *name)
{
	const char *at = getenv("PATH");
	char path[PATH_MAX];

	if (strchr(name, '/'))
		return realpath(name, NULL);
	for (; at && *at; at += strspn(at, ":")) {
		int len = (int)strcspn(at, ":");

		snprintf(path, sizeof(path), "%.*s/%s", len, at, name);
		if (!access(path, X_OK))
			return realpath(path, NULL);
		at += len;
	}
	return NULL;
}

/* It has nothing mapped yet. */
static void ask_for_command(struct walk *w)
{
	struct recording *r = w->recording;
	char *path = r->options->command ? find_command(r->options->command[0]) : NULL;
	struct image like = { .kind = MAPPING_FILE, .path = path, .pid = (uint32_t)getpid() };
	struct stat st;

	if (path && !stat(path, &st) && S_ISREG(st.st_mode)) {
		like.dev = st.st_dev;
		like.inode = st.st_ino;
		ask_for(w, number_of(w, images_get(&r->images, &like)));
	}
	free(path);
}

void walk_start(struct walk *w)
{
	ask_for_command(w);
	walk_tick(w);
	if (w->recording->target.kind == TARGET_COMMAND)
		unwinding_wait_prepared(w->recording->unwinding);
}

bool walk_tick(struct walk *w)
{
	bool changed = tell_changes(w);
	uint64_t now;

	if (!walk_maps_asked(w->maps))
		return false;
	now = now_ns();
	if (!answer(w) && !changed) {
		if (w->n_looks++ < LOOKS)
			return true;
		if (now - w->answered_ns < PATIENCE_NS)
			return false;
	}
	walk_maps_answered(w->maps);
	w->answered_ns = now;
	w->n_looks = 0;
	return false;
}

/* ---- the outside ---- */

static void note_known(void *ctx, struct thread *t)
{
	if (t->pid == t->tid)
		space_changed(ctx, t->pid);
}

static void ignore_map(void *ctx, uint32_t pid, const struct vma *vma)
{
}

static int load(struct walk *w, struct err *err)
{
	struct recording *r = w->recording;

	w->maps = walk_maps_open(err);
	if (!w->maps)
		return -EPERM;
	w->skel = walk_bpf__open();
	if (!w->skel)
		return err_errno(err, errno, "opening BPF programs");
	w->skel->rodata->walk_enabled = true;
	/* A program of samples alone tells as much when it is loaded. */
	bpf_program__set_autoload(w->skel->progs.walk_probe, options_walks_events(r->options));
	w->skel->rodata->ring_wake_bytes = bpf_rings_filter(r->bpf)->wake_bytes;
	bpf_rings_share(r->bpf, w->maps);
	bpf_rings_handle(r->bpf, RING_EXEC, "exec", sizeof(struct ring_exec), on_exec, w);
	return bpf_rings_load(r->bpf, w->skel->skeleton, "unwind", err);
}

int walk_open(struct recording *r, struct err *err)
{
	const struct process_visitor known = { note_known, ignore_map, NULL };
	struct process_visitor v = known;
	struct walk *w = xcalloc(1, sizeof(*w));
	int rc;

	w->recording = r;
	map_init(&w->by_pid, 256);
	w->images = xcalloc(WALK_IMAGES, sizeof(*w->images));
	w->asked = xcalloc(WALK_IMAGES, sizeof(*w->asked));
	w->n_images = 1;
	rc = load(w, err);
	if (rc) {
		bpf_rings_share(r->bpf, NULL);
		bpf_rings_handle(r->bpf, RING_EXEC, NULL, 0, NULL, NULL);
		walk_close(w);
		return rc;
	}
	v.ctx = w;
	processes_each(r->processes, &v);
	processes_on_space(r->processes, space_changed, w);
	unwinding_on_rules(r->unwinding, on_rules, w);
	r->walk = w;
	return 0;
}

void walk_close(struct walk *w)
{
	if (!w)
		return;
	processes_on_space(w->recording->processes, NULL, NULL);
	walk_bpf__destroy(w->skel);
	walk_maps_close(w->maps);
	map_done(&w->by_pid);
	free(w->processes);
	free(w->changed);
	free(w->images);
	free(w->asked);
	free(w);
}

static void write_fact(struct writer *out, const char *key, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	writer_info(out, key, text);
}

void walk_info(struct walk *w, struct writer *out)
{
	struct walk_stats s;

	walk_maps_stats(w->maps, &s);
	write_fact(out, "unwind.kernel_tables", s.images);
	write_fact(out, "unwind.kernel_bytes", s.bytes);
	write_fact(out, "unwind.kernel_left_out", s.left_out + w->left_out);
	if (s.left_out + w->left_out)
		recording_note(w->recording, "unwind",
			"%u pieces of code or of what tells of its callers found no room in the kernel's tables "
			"(%zu MiB): stacks through such code are by frame pointers",
			s.left_out + w->left_out, WALK_CHUNKS * sizeof(struct walk_chunk) >> 20);
}
