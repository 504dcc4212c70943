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
	int outer_fd; /* borrowed */
	int fds[2];   /* owned */
	unsigned now; /* which is counted in */
	uint32_t n_cpus;
	struct syscall_key keys[BATCH];
	struct syscall_counts *values; /* owned; of a batch, each of every CPU */
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

struct syscall_tally *syscall_tally_new(int outer_fd, uint32_t entries, struct err *err)
{
	struct syscall_tally *t = xcalloc(1, sizeof(*t));
	int rc = 0;

	t->outer_fd = outer_fd;
	t->n_cpus = cpus_possible();
	t->values = xcalloc((size_t)BATCH * t->n_cpus, sizeof(*t->values));
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
	free(t->values);
	free(t);
}

static struct syscall_counts sum(const struct syscall_counts *of_cpu, uint32_t n_cpus)
{
	struct syscall_counts s = of_cpu[0];

	for (uint32_t c = 1; c < n_cpus; c++) {
		const struct syscall_counts *o = &of_cpu[c];

		if (!s.comm[0])
			memcpy(s.comm, o->comm, sizeof(s.comm));
		s.calls += o->calls;
		s.errors += o->errors;
		s.total_ns += o->total_ns;
		s.longest_ns = o->longest_ns > s.longest_ns ? o->longest_ns : s.longest_ns;
		for (int b = 0; b < SYSCALL_BUCKETS; b++)
			s.buckets[b] += o->buckets[b];
	}
	return s;
}

/* Empties a map that no program uses any more. */
static int take_all(struct syscall_tally *t, int fd, syscall_tally_call call, void *ctx)
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
		for (uint32_t i = 0; i < n; i++) {
			struct syscall_counts s = sum(t->values + (size_t)i * t->n_cpus, t->n_cpus);

			call(ctx, &t->keys[i], &s);
		}
		if (code) /* ENOENT: that was all */
			return 0;
		from = position;
	}
}

int syscall_tally_read(struct syscall_tally *t, syscall_tally_call call, void *ctx)
{
	unsigned old = t->now;
	int rc = put(t, !old);

	if (rc)
		return rc;
	t->now = !old;
	return take_all(t, t->fds[old], call, ctx);
}
