/* Kernel text and modules from kallsyms and /proc/modules, BPF programs from records. Anything else
 * in the kernel's half counts as the kernel itself, whose names come from kallsyms, where BPF
 * programs older than the recording are found as well. */
#include "record/kernel_map.h"

#include <stdlib.h>
#include <string.h>

#include "format/symbols/kallsyms.h"

#define SECOND 1000000000ULL

struct range {
	uint64_t start, end;
	struct image *image; /* held */
};

struct kernel_map {
	struct images *images; /* borrowed */
	struct image *kernel;  /* held */
	struct range *ranges;  /* owned; modules and BPF programs, ascending, without overlap */
	uint32_t n, cap;
	uint64_t modules_read_ns;
	struct err trouble;
	bool troubled;
};

/* The first range that ends behind the address. */
static uint32_t search(const struct kernel_map *k, uint64_t address)
{
	uint32_t low = 0, high = k->n;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (k->ranges[mid].end <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static void remove_range(struct kernel_map *k, uint32_t i)
{
	image_release(k->ranges[i].image);
	memmove(k->ranges + i, k->ranges + i + 1, (k->n - i - 1) * sizeof(*k->ranges));
	k->n--;
}

/* What it overlaps has gone. */
static void add_range(struct kernel_map *k, uint64_t start, uint64_t end, struct image *image)
{
	uint32_t i = search(k, start);

	while (i < k->n && k->ranges[i].start < end)
		remove_range(k, i);
	if (k->n == k->cap) {
		k->cap = k->cap ? k->cap * 2 : 64;
		k->ranges = xrealloc(k->ranges, k->cap, sizeof(*k->ranges));
	}
	memmove(k->ranges + i + 1, k->ranges + i, (k->n - i) * sizeof(*k->ranges));
	k->ranges[i] = (struct range){ start, end, image };
	image_hold(image);
	k->n++;
}

static void add_module(struct kernel_map *k, const struct kernel_module *m, struct arena *a)
{
	struct image like = { .kind = MAPPING_MODULE, .path = arena_printf(a, "[%s]", m->name) };
	struct build_id id;

	if (!m->base || !m->size)
		return;
	if (build_id_of_module("/sys", m->name, &id, NULL) == 0)
		image_set_build_id(&like, &id);
	add_range(k, m->base, m->base + m->size, images_get(k->images, &like));
}

static void read_modules(struct kernel_map *k, uint64_t now_ns)
{
	struct kernel_module *list;
	struct arena a = { 0 };
	int n = kernel_modules(MODULES_PATH, &list, &a, NULL);

	for (int i = 0; i < n; i++)
		add_module(k, &list[i], &a);
	arena_done(&a);
	k->modules_read_ns = now_ns;
}

struct kernel_map *kernel_map_new(struct images *images)
{
	struct kernel_map *k = xcalloc(1, sizeof(*k));
	struct image like = { .kind = MAPPING_KERNEL, .path = "[kernel]" };
	struct build_id id;

	k->images = images;
	k->troubled = kallsyms_base(KALLSYMS_PATH, &like.base, &k->trouble) != 0;
	if (build_id_of_notes_file(KERNEL_NOTES_PATH, &id, NULL) == 0)
		image_set_build_id(&like, &id);
	k->kernel = images_get(images, &like);
	image_hold(k->kernel);
	read_modules(k, 0);
	return k;
}

void kernel_map_free(struct kernel_map *k)
{
	if (!k)
		return;
	for (uint32_t i = 0; i < k->n; i++)
		image_release(k->ranges[i].image);
	image_release(k->kernel);
	free(k->ranges);
	free(k);
}

const char *kernel_map_trouble(const struct kernel_map *k)
{
	return k->troubled ? k->trouble.text : NULL;
}

static bool in_kernel_text(const struct kernel_map *k, uint64_t address)
{
	/* The kernel's image is mapped with 1 GiB at the most; modules come behind (x86-64). */
	return address >= k->kernel->base && address - k->kernel->base < 1ULL << 30;
}

struct image *kernel_map_find(struct kernel_map *k, uint64_t address, uint64_t now_ns,
	uint64_t *offset)
{
	uint32_t i = search(k, address);
	bool found = i < k->n && k->ranges[i].start <= address;

	if (!found && !in_kernel_text(k, address) && now_ns > k->modules_read_ns + SECOND) {
		read_modules(k, now_ns);
		i = search(k, address);
		found = i < k->n && k->ranges[i].start <= address;
	}
	if (!found) {
		*offset = address - k->kernel->base;
		return k->kernel;
	}
	*offset = address - k->ranges[i].start;
	return k->ranges[i].image;
}

void kernel_map_symbol(struct kernel_map *k, uint64_t address, uint32_t len, const char *name,
	bool gone)
{
	struct image like = { .kind = MAPPING_BPF, .path = name, .base = address };
	uint32_t i = search(k, address);

	if (gone && i < k->n && k->ranges[i].start == address)
		remove_range(k, i);
	else if (!gone && len)
		add_range(k, address, address + len, images_get(k->images, &like));
}

void kernel_map_each(struct kernel_map *k,
	void (*call)(void *ctx, struct image *image, uint64_t start, uint64_t size), void *ctx)
{
	call(ctx, k->kernel, k->kernel->base, 0);
	for (uint32_t i = 0; i < k->n; i++)
		call(ctx, k->ranges[i].image, k->ranges[i].start,
			k->ranges[i].end - k->ranges[i].start);
}
