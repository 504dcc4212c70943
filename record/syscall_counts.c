#include "record/syscall_counts.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "record/cpus.h"

enum {
	BATCH = 64,
	MEMORY = 64 << 20, /* of both maps, as long as that is not too few entries */
	LEAST_ENTRIES = 1024,
	MOST_ENTRIES = 16384,
};

struct syscall_tally {
	int outer_fd;            /* borrowed */
	int slots_fd;            /* borrowed */
	volatile uint32_t *half; /* borrowed */
	int fds[2];              /* owned */
	unsigned now;            /* which is counted in */
	uint32_t n_cpus;
	struct syscall_key keys[BATCH];
	struct syscall_counts *values;    /* owned; of a batch, each of every CPU */
	struct syscall_slot *slot, *free; /* owned; of every CPU; as it was read, and empty */
	struct syscall_sums *sums;        /* owned */
};

uint32_t syscall_tally_entries(uint32_t n_cpus)
{
	uint64_t n = MEMORY / (2 * sizeof(struct syscall_counts) * (n_cpus ? n_cpus : 1));

	if (n < LEAST_ENTRIES)
		return LEAST_ENTRIES;
	return n < MOST_ENTRIES ? (uint32_t)n : MOST_ENTRIES;
}

static int put(struct syscall_tally *t, unsigned which)
{
	uint32_t zero = 0;

	return bpf_map_update_elem(t->outer_fd, &zero, &t->fds[which], BPF_ANY) ? -errno : 0;
}

struct syscall_tally *syscall_tally_new(int outer_fd, uint32_t entries, int slots_fd,
	volatile uint32_t *half, struct err *err)
{
	struct syscall_tally *t = xcalloc(1, sizeof(*t));
	int rc = 0;

	t->outer_fd = outer_fd;
	t->n_cpus = cpus_possible();
	t->slots_fd = slots_fd;
	t->half = half;
	t->values = xcalloc((size_t)BATCH * t->n_cpus, sizeof(*t->values));
	t->slot = xcalloc(t->n_cpus, sizeof(*t->slot));
	t->free = xcalloc(t->n_cpus, sizeof(*t->free));
	t->sums = syscall_sums_new();
	t->fds[1] = -1;
	for (int i = 0; !rc && i < 2; i++) {
		t->fds[i] = bpf_map_create(BPF_MAP_TYPE_PERCPU_HASH, "rec_counts",
			sizeof(struct syscall_key), sizeof(struct syscall_counts), entries, NULL);
		rc = t->fds[i] < 0 ? -errno : 0;
	}
	if (!rc)
		rc = put(t, 0);
	if (!rc)
		return t;
	err_errno(err, -rc, "making maps to count in");
	syscall_tally_free(t);
	return NULL;
}

void syscall_tally_free(struct syscall_tally *t)
{
	if (!t)
		return;
	for (int i = 0; i < 2; i++)
		if (t->fds[i] >= 0)
			close(t->fds[i]);
	syscall_sums_free(t->sums);
	free(t->values);
	free(t->slot);
	free(t->free);
	free(t);
}

/* Empties a map that no program uses any more. */
static int take_map(struct syscall_tally *t, int fd)
{
	uint64_t position[2] = { 0, 0 };
	void *from = NULL;

	for (;;) {
		uint32_t n = BATCH;
		int rc = bpf_map_lookup_and_delete_batch(fd, from, position, t->keys, t->values, &n,
			NULL);
		int code = rc ? errno : 0;

		if (code && code != ENOENT)
			return -code;
		for (uint32_t i = 0; i < n * t->n_cpus; i++)
			syscall_sums_add(t->sums, &t->keys[i / t->n_cpus], &t->values[i]);
		if (code) /* ENOENT: that was all */
			return 0;
		from = position;
	}
}

/* One place of the array, which is another's on each CPU. */
static int take_slot(struct syscall_tally *t, uint32_t at)
{
	bool used = false;

	if (bpf_map_lookup_elem(t->slots_fd, &at, t->slot))
		return -errno;
	for (uint32_t c = 0; c < t->n_cpus; c++) {
		if (!t->slot[c].key.pid)
			continue;
		syscall_sums_add(t->sums, &t->slot[c].key, &t->slot[c].counts);
		used = true;
	}
	return used && bpf_map_update_elem(t->slots_fd, &at, t->free, BPF_ANY) ? -errno : 0;
}

int syscall_tally_read(struct syscall_tally *t, syscall_sums_call call, void *ctx)
{
	unsigned old = t->now;
	int rc;

	*t->half = !old;
	rc = put(t, !old); /* when this is done no program uses the old half any more, either */
	if (rc)
		return rc;
	t->now = !old;
	rc = take_map(t, t->fds[old]);
	for (uint32_t i = 0; !rc && i < SYSCALL_SLOTS; i++)
		rc = take_slot(t, old * SYSCALL_SLOTS + i);
	syscall_sums_take(t->sums, call, ctx);
	return rc;
}
