#include "record/chosen_threads.h"

#include "record/tracepoint_feed.h"

enum { PID, OLD_PID };

static void on_exec(void *ctx, const struct tracepoint_record *t)
{
	struct recording *r = ctx;
	uint32_t now = (uint32_t)tracepoint_number(t, PID);
	uint32_t old = (uint32_t)tracepoint_number(t, OLD_PID);

	for (uint32_t i = 0; i < r->options->n_tids; i++)
		if (r->tids[i] == old)
			r->tids[i] = now;
}

void chosen_threads_follow(struct recording *r, const char *source)
{
	static const struct tracepoint_use use = { .name = "sched:sched_process_exec",
		.event = "exec of a thread",
		.fields = { "pid", "old_pid" },
		.call = on_exec,
		.rare = true,
		.by_target = true };
	struct err err = { "" };

	if (!r->options->n_tids || r->follows_execs)
		return;
	r->follows_execs = true;
	r->execs = tracepoint_feed_open(r, source, &use, 1, r, &err);
	if (!r->execs)
		recording_note(r, source,
			"a thread of --tid that starts another program is lost, where it was not the "
			"first of its process: %.300s",
			err.text);
}
