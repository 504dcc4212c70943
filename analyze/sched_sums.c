#include "analyze/sched_sums.h"

#include "analyze/tables.h"

enum {
	MAX_THREADS = 32768, /* that are told apart, and processes */
	MAX_CPUS = 4096,
	MAX_PRIORITIES = 256,
};

struct sched_name sched_name_of(const struct sched_thread *t)
{
	return (struct sched_name){ t->tid ? SCHED_NAMED : SCHED_IDLE_NAME, t->comm, t->segment };
}

const char *sched_name_text(const struct sched_name *n, struct arena *a)
{
	struct text t;

	switch (n->kind) {
	case SCHED_NO_NAME: return "";
	case SCHED_IDLE_NAME: return "idle";
	case SCHED_INTERRUPT_NAME: return "interrupt";
	case SCHED_MORE_NAMES: return "(more)";
	default: break;
	}
	t = segment_string(n->segment, n->comm);
	return t.len ? arena_strndup(a, t.s, t.len) : "?";
}

const char *sched_sums_name(const struct sched_sums *s, struct arena *a)
{
	return s->id == UINT64_MAX ? "(more)" : sched_name_text(&s->name, a);
}

void sched_groups_init(struct sched_groups *g)
{
	static const uint32_t max[] = { [OF_THREAD] = MAX_THREADS,
		[OF_PROCESS] = MAX_THREADS,
		[OF_CPU] = MAX_CPUS,
		[OF_PRIO] = MAX_PRIORITIES };

	g->budget = (struct histogram_budget){ .left = TABLES_HISTOGRAMS };
	for (int i = 0; i < N_SCHED_GROUPS; i++)
		keyed_init(&g->of[i], sizeof(struct sched_sums), max[i]);
}

void sched_groups_done(struct sched_groups *g)
{
	for (int i = 0; i < N_SCHED_GROUPS; i++) {
		for (uint32_t k = 0; k < g->of[i].n; k++)
			histogram_done(&((struct sched_sums *)keyed_get(&g->of[i], k))->waits);
		keyed_done(&g->of[i]);
	}
}

static struct sched_sums *sums_of(struct sched_groups *g, int group, uint64_t id)
{
	struct keyed *k = &g->of[group];
	bool is_new;
	struct sched_sums *s = keyed_find(k, id, &is_new);

	if (!s) {
		s = keyed_rest(k, &is_new);
		id = UINT64_MAX;
	}
	if (is_new) {
		s->id = id;
		s->waits.budget = &g->budget;
	}
	return s;
}

/* Names change; the last one is shown, of a process that of its first thread if that is seen. */
void sched_groups_find(struct sched_groups *g, const struct sched_thread *t, uint32_t cpu,
	struct sched_sums *of[N_SCHED_GROUPS])
{
	uint64_t host = (uint64_t)t->reader << 32;

	of[OF_THREAD] = sums_of(g, OF_THREAD, host | t->tid);
	of[OF_PROCESS] = sums_of(g, OF_PROCESS, host | t->pid);
	of[OF_CPU] = sums_of(g, OF_CPU, host | cpu);
	of[OF_PRIO] = sums_of(g, OF_PRIO, (uint32_t)t->prio);
	of[OF_THREAD]->pid = of[OF_PROCESS]->pid = t->pid;
	of[OF_THREAD]->tid = t->tid;
	of[OF_THREAD]->name = sched_name_of(t);
	if (of[OF_PROCESS]->name.kind == SCHED_NO_NAME || t->tid == t->pid)
		of[OF_PROCESS]->name = of[OF_THREAD]->name;
}
