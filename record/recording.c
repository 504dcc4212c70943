/* The life of one recording: open everything, let the target go, take records in until it is over,
 * close everything. What was recorded reaches the file even when something fails on the way. */
#include "record/recording.h"

#include <errno.h>
#include <inttypes.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "gen/events.h"
#include "record/bpf_refusal.h"
#include "record/bpf_rings.h"
#include "record/hurry.h"
#include "record/jit.h"
#include "record/names.h"
#include "record/perf_user.h"
#include "record/privileges.h"
#include "record/proc_fs.h"
#include "record/segment.h"
#include "record/sideband.h"
#include "record/summary.h"
#include "record/tracepoint_feed.h"
#include "record/unwinding.h"
#include "record/walk.h"
#include "specs/events/recorder.h"

#define SECOND 1000000000ULL
#define SLACK  1000000ULL /* a record is in its ring at the latest so long after its time */

enum {
	STATS_EVERY = 5, /* seconds between recorder events */
	CLOCK_EVERY = 10,
	PATIENCE_MS = 1000, /* that a trace waits for the exit status of a command */
	LOOK_MS = 250,  /* how often the rings are emptied at the least: names are asked for then */
	SETTLE_MS = 20, /* how often a segment that is to end is looked at */
	EXIT_CANNOT = 3,
};

/* A recording without an end in sight says so to a person. */
static void print_how_to_end(const struct recording *r)
{
	if (target_by_cpu(&r->target) && !r->options->duration_ns && !r->options->quiet &&
		isatty(STDERR_FILENO))
		fprintf(stderr, "rec: recording %s; ^C ends it\n",
			r->options->cgroup ? r->options->cgroup : "the whole system");
}

/* Said while the recording runs: if it does not come to that, only the reason matters. */
static void print_notes(struct recording *r)
{
	for (unsigned i = 0; i < r->n_notes; i++) {
		if (!r->options->quiet)
			fprintf(stderr, "rec: %s\n", r->notes[i]);
		free(r->notes[i]);
	}
	r->n_notes = 0;
}

/* ---- opening ---- */

static void new_frame(void *ctx, const struct new_frame *frame)
{
	struct recording *r = ctx;

	if (!jit_request(r->jit, frame))
		names_request(r->names, frame);
}

static void join_words(char *to, size_t size, char **words, int n)
{
	size_t at = 0;

	to[0] = '\0';
	for (int i = 0; i < n && at < size; i++)
		at += (size_t)snprintf(to + at, size - at, "%s%s", i ? " " : "", words[i]);
}

static int count_words(char **words)
{
	int n = 0;

	while (words && words[n])
		n++;
	return n;
}

/* Whether some source takes copies of stacks, to be unwound. */
static bool takes_copies(const struct options *o)
{
	for (unsigned i = 0; i < o->n_sources; i++)
		if ((o->sources[i] == &source_cpu && options_sample_copies(o)) ||
			(o->sources[i] == &source_event && options_event_copies(o)))
			return true;
	return false;
}

/* What was given may have been numbers of their threads. */
static void pids_info(struct recording *r)
{
	const struct target *t = &r->target;
	char text[4096] = "";
	size_t at = 0;

	if (t->kind != TARGET_PIDS)
		return;
	for (uint32_t i = 0; i < t->n_pids && at < sizeof(text) - 12; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%" PRIu32, i ? "," : "",
			t->pids[i]);
	writer_info(r->writer, "target.pids", text);
}

static void write_info(struct recording *r)
{
	const struct options *o = r->options;
	char text[4096];

	writer_info(r->writer, "recorder.version", VERSION);
	join_words(text, sizeof(text), o->argv, o->argc);
	writer_info(r->writer, "recorder.command", text);
	if (o->command) {
		join_words(text, sizeof(text), o->command, count_words(o->command));
		writer_info(r->writer, "target.command", text);
	}
	pids_info(r);
	if (o->cgroup)
		writer_info(r->writer, "target.cgroup", o->cgroup);
	snprintf(text, sizeof(text), "%u", o->stack_bytes);
	if (takes_copies(o) || options_walks(o))
		writer_info(r->writer, "unwind.stack_bytes", text);
	machine_info(r->writer);
}

static int choose_processes(struct recording *r, struct err *err)
{
	if (r->options->pids)
		return target_add_pids(&r->target, r->options->pids, err);
	if (r->options->cgroup)
		return target_cgroup(&r->target, r->options->cgroup, err);
	if (r->options->command)
		return target_prepare(&r->target, r->options->command,
			!r->options->output || strcmp(r->options->output, "-") != 0, err);
	r->target.kind = TARGET_SYSTEM;
	return 0;
}

/* Threads that are not there, or of others, would record nothing and say nothing. */
static int choose_target(struct recording *r, struct err *err)
{
	const struct options *o = r->options;
	int rc;

	memcpy(r->tids, o->tids, sizeof(r->tids));
	target_init(&r->target);
	for (uint32_t i = 0; i < o->n_tids; i++)
		if ((rc = target_find_thread(o->tids[i], err)))
			return rc;
	rc = choose_processes(r, err);
	for (uint32_t i = 0; !rc && i < o->n_tids; i++)
		rc = target_check_thread(&r->target, o->tids[i], err);
	return rc;
}

static void open_writer(struct recording *r)
{
	struct writer_config config = { .stage_bytes = 0 };

	machine_clocks(&config);
	r->start_ns = r->safe_ns = config.start_ns;
	r->sink = retention_sink(r->retention);
	r->writer = writer_new(r->sink, &config);
	/* All known early share one block of the schema. */
	r->lost_type = writer_type(r->writer, &event_lost, NULL);
	r->recorder_type = writer_type(r->writer, &event_recorder, NULL);
	writer_type(r->writer, &event_clock, NULL);
	writer_type(r->writer, &event_cpu_topology, NULL);
	write_info(r);
}

/* BPF programs and tracepoints tell the numbers that processes have in the first pid namespace. In another
 * we know those of our own processes by other numbers. */
static int check_namespace(struct recording *r, const struct source *s, struct err *err)
{
	if (!s->bpf || proc_in_first_namespace())
		return 0;
	if (!target_by_cpu(&r->target) || r->options->n_tids)
		return err_set(err, ENOTSUP,
			"it cannot find a command or process from within a container, where they have "
			"other numbers than for the kernel: record everything (-a), run rec on the host, "
			"or the container with --pid=host");
	recording_note(r, s->name,
		"%s: rec runs in a container: processes have their numbers of outside of it, and names "
		"that are looked up here by these may be missing or wrong",
		s->name);
	return 0;
}

static int open_sources(struct recording *r, struct err *err)
{
	for (unsigned i = 0; i < r->options->n_sources; i++) {
		const struct source *s = r->options->sources[i];
		int rc = check_namespace(r, s, err);

		if (!rc)
			rc = s->open(r, &r->source_state[i], err);

		if (rc)
			return err_step(err, rc, "source %s", s->name);
	}
	return 0;
}

/* Where the kernel does not take what walks stacks in it, that is said once and done without. */
static void try_walks(struct recording *r)
{
	const struct options *o = r->options;
	struct err why = { "" };
	int rc = 0;

	if (!options_walks(o))
		return;
	if (!walk_supported())
		rc = err_set(&why, ENOTSUP, "not on this processor yet");
	else if (!proc_in_first_namespace())
		rc = err_set(&why, ENOTSUP,
			"not within a container, where processes have other "
			"numbers than for the kernel");
	else
		rc = bpf_rings_open(r, &why);
	if (!rc && !r->unwinding)
		r->unwinding = unwinding_new(r, unwinding_few(r->options));
	if (!rc)
		rc = walk_open(r, &why);
	if (rc && o->unwind == UNWIND_BPF)
		recording_note(r, "unwind", "--unwind bpf: %s; unwinding like auto", why.text);
}

/* They are taken, and it is known here how to unwind. */
static bool wants_unwinding(struct recording *r)
{
	const struct options *o = r->options;

	if (!takes_copies(o))
		return false;
	if (perf_user_supported())
		return true;
	if (o->unwind == UNWIND_DWARF)
		recording_note(r, "unwind",
			"--unwind dwarf is not there for this processor yet: stacks are by frame pointers");
	return false;
}

/* Where perf events are refused (kernel.perf_event_paranoid=3), to be allowed these would not do. */
static void explain_for_bpf(const struct recording *r, struct err *err)
{
	for (unsigned i = 0; i < r->options->n_sources; i++) {
		const struct source *s = r->options->sources[i];

		if (s->bpf && bpf_refusal_permitted(err)) {
			err_step(err, -EPERM, "source %s", s->name);
			return;
		}
	}
}

static int open_everything(struct recording *r, struct err *err)
{
	const char *trouble;

	r->loop = loop_new();
	images_init(&r->images);
	r->processes = processes_new(&r->images);
	r->kernel = kernel_map_new(&r->images);
	r->names = names_new(r->writer, !r->options->no_inline);
	r->jit = jit_new(r);
	r->stacks = stacks_new(r->writer, r->kernel, r->jit, new_frame, r);
	if (wants_unwinding(r))
		r->unwinding = unwinding_new(r, unwinding_few(r->options));
	trouble = kernel_map_trouble(r->kernel);
	if (trouble)
		recording_note(r, "kernel", "%s", trouble);
	r->sideband = sideband_open(r, err);
	if (!r->sideband) {
		explain_for_bpf(r, err);
		return -EPERM;
	}
	try_walks(r);
	return open_sources(r, err);
}

/* Conditions speak of the events of all sources, so these are open already. */
static int open_triggers(struct recording *r, struct err *err)
{
	const struct options *o = r->options;

	if (!o->n_triggers)
		return 0;
	r->triggers = triggers_new(o->triggers, o->n_triggers, r->writer, o->ring_ns, err);
	return r->triggers ? 0 : err_step(err, -EINVAL, "--trigger");
}

static void close_everything(struct recording *r)
{
	for (unsigned i = 0; i < r->n_notes; i++)
		free(r->notes[i]);
	for (unsigned i = 0; i < r->options->n_sources; i++)
		r->options->sources[i]->close(r->source_state[i]);
	tracepoint_feed_close(r->execs);
	unwinding_free(r->unwinding); /* its threads fill the maps of walks */
	walk_close(r->walk);
	bpf_rings_close(r->bpf);
	sideband_close(r->sideband);
	stacks_free(r->stacks);
	jit_free(r->jit);
	names_free(r->names);
	kernel_map_free(r->kernel);
	processes_free(r->processes);
	images_done(&r->images);
	loop_free(r->loop);
	triggers_free(r->triggers);
	writer_free(r->writer);
	retention_free(r->retention);
	free(r->topology.cpus);
	target_done(&r->target);
}

/* ---- running ---- */

static void recorder_event(struct recording *r)
{
	struct recorder e = { .time = now_ns() };
	struct writer_stats stats;

	writer_stats(r->writer, &stats);
	e.cpu_time = summary_cpu_ns(r);
	e.written = stats.written;
	e.events = r->n_events;
	e.lost = r->n_lost + stats.dropped;
	e.memory = summary_memory();
	e.images = r->images.n;
	writer_add(r->writer, 0, r->recorder_type, &e);
}

static bool between_records(void *ctx)
{
	segment_end_if_due(ctx);
	return true;
}

/* What is still in the kernel's rings when the disk is full stays there until nothing more comes: there is room
 * for that, but not for what comes while it is written. */
static bool while_there_is_room(void *ctx)
{
	const struct recording *r = ctx;

	return between_records(ctx) && !sink_full(r->sink);
}

/* Takes fewer samples when we cost too much, and more again when there is room. */
static void keep_cost_down(struct recording *r)
{
	uint32_t factor = governor_look(&r->governor, summary_cpu_ns(r), now_ns());

	if (!factor)
		return;
	for (unsigned i = 0; i < r->options->n_sources; i++)
		if (r->options->sources[i]->thin)
			r->options->sources[i]->thin(r->source_state[i], factor);
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Everything before this is with the writer. */
static uint64_t handed_on_until(const struct recording *r)
{
	uint64_t oldest = r->unwinding ? unwinding_oldest_ns(r->unwinding) : UINT64_MAX;

	return earlier(oldest, r->safe_ns);
}

static void cpus_changed(struct recording *r)
{
	machine_read_topology(&r->topology);
	machine_write_topology(&r->topology, r->writer, now_ns());
}

/* Who keeps something by an image has a say here. */
static bool let_go(void *ctx, struct image *image)
{
	struct recording *r = ctx;

	if (!names_let_go(r->names, image))
		return false;
	if (r->walk)
		walk_let_go(r->walk, image);
	if (r->unwinding)
		unwinding_let_go(r->unwinding, image);
	return true;
}

static void each_second(struct recording *r, uint64_t second)
{
	keep_cost_down(r);
	if (loop_check_cpus(r->loop))
		cpus_changed(r);
	print_notes(r);
	if (second % CLOCK_EVERY == 0)
		machine_clock_event(r->writer);
	if (second % STATS_EVERY == 0)
		recorder_event(r);
	names_collect(r->names);
	sideband_tick(r->sideband);
	images_forget(&r->images, let_go, r);
	writer_flush(r->writer, handed_on_until(r));
	retention_tick(r->retention, r->writer);
}

/* The signals that end a recording, and that of a child's end. */
static int open_signals(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	if (signal(SIGHUP, SIG_DFL) == SIG_IGN)
		signal(SIGHUP, SIG_IGN); /* nohup */
	else
		sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigaddset(&set, SIGUSR2);
	sigprocmask(SIG_BLOCK, &set, old);
	signal(SIGINT, SIG_DFL); /* a script's background jobs start with it ignored */
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Why a recording ended. */
enum end {
	NOT_YET,
	TARGET_ENDED,
	TIME_OVER,
	OUTPUT_FAILED,
	DISK_FULL, /* but for what is still to be written */
	SIZE_REACHED,
	INTERRUPTED, /* by ^C: the terminal has told the command as well */
	SIGNALLED,   /* by somebody who told only us */
};

/* What the signals that have come ask for. */
static enum end take_signals(struct recording *r, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGUSR2)
			retention_ask_snapshot(r->retention);
		else if (info.ssi_signo != SIGCHLD) {
			r->asked_by = info;
			return info.ssi_code == SI_KERNEL ? INTERRUPTED : SIGNALLED;
		}
	}
	return NOT_YET;
}

static int wait_ms(uint64_t now, uint64_t next)
{
	return now >= next ? 0 : (int)((next - now + 999999) / 1000000);
}

static enum end is_over(struct recording *r, int signals, uint64_t now)
{
	enum end end = take_signals(r, signals);

	if (end)
		return end;
	if (target_ended(&r->target))
		return TARGET_ENDED;
	if (sink_error(r->sink))
		return OUTPUT_FAILED;
	if (sink_full(r->sink) && !retention_make_room(r->retention))
		return DISK_FULL;
	if (retention_full(r->retention))
		return SIZE_REACHED;
	if (r->options->duration_ns && now >= r->start_ns + r->options->duration_ns)
		return TIME_OVER;
	return NOT_YET;
}

static void check_triggers(struct recording *r, uint64_t now)
{
	const char *why = r->triggers ? triggers_due(r->triggers, now) : NULL;

	if (!why)
		return;
	if (!r->options->quiet)
		fprintf(stderr, "rec: triggered by: %s\n", why);
	retention_ask_snapshot(r->retention);
}

/* Takes records in until the end. */
static enum end run(struct recording *r, int signals)
{
	uint64_t second = 1, now = now_ns(), stop_at = r->start_ns + r->options->duration_ns;
	enum end end;
	bool soon;

	governor_init(&r->governor, r->options->max_cpu, summary_cpu_ns(r), now);
	while (!(end = is_over(r, signals, now))) {
		uint64_t next = r->start_ns + second * SECOND;

		jit_look(r->jit, now);
		loop_drain(r->loop, now - SLACK, while_there_is_room, r);
		if (!sink_full(r->sink))
			r->safe_ns = now - SLACK;
		soon = r->walk && walk_tick(r->walk);
		if (r->unwinding)
			unwinding_collect(r->unwinding);
		if (now >= next) {
			each_second(r, second);
			second = (now - r->start_ns) / SECOND + 1;
			next = r->start_ns + second * SECOND;
		}
		check_triggers(r, now);
		between_records(r);
		if (r->options->duration_ns && stop_at < next)
			next = stop_at;
		next = earlier(next, now + (r->settle_until_ns ? SETTLE_MS : LOOK_MS) * 1000000ULL);
		if (soon)
			next = earlier(next, now + 2 * SLACK);
		loop_wait(r->loop, wait_ms(now_ns(), next));
		now = now_ns();
	}
	return end;
}

/* Of the present thread, which empties the rings. Threads and programs that it starts are as usual: the kernel takes
 * nice 0 for them. */
static int set_realtime(int priority)
{
	const struct sched_param p = { .sched_priority = priority };
	int policy = priority ? SCHED_FIFO : SCHED_OTHER;

	return sched_setscheduler(0, policy | SCHED_RESET_ON_FORK, &p) ? -errno : 0;
}

/* Early, as opening everything takes its time. */
static int check_realtime(const struct options *o, struct err *err)
{
	int rc = o->realtime ? set_realtime(o->realtime) : 0;

	if (rc)
		return err_errno(err, -rc,
			"--realtime %d, which takes root, CAP_SYS_NICE or a limit of that priority "
			"(ulimit -r), and in a control group of cgroup v1 cpu.rt_runtime_us",
			o->realtime);
	if (o->realtime)
		set_realtime(0);
	return 0;
}

/* Everything is open. Threads have the rights that we have when they are started. */
static int start_threads(struct recording *r, struct err *err)
{
	const struct options *o = r->options;
	int rc;

	if (o->realtime)
		set_realtime(o->realtime);
	privileges_drop(o->command != NULL, options_ring(o) || options_rotate(o) || o->working_set);
	rc = sink_start(r->sink);
	if (!rc)
		rc = names_start(r->names);
	if (!rc && r->unwinding)
		rc = unwinding_start(r->unwinding);
	return rc ? err_errno(err, -rc, "starting a thread") : 0;
}

/* Opening everything took its time, of BPF programs on a busy machine seconds: the recording is what comes
 * now. */
static void begin_now(struct recording *r)
{
	struct writer_config config;

	machine_clocks(&config);
	r->start_ns = r->safe_ns = config.start_ns;
	writer_set_start(r->writer, config.start_ns, config.start_real_ns);
}

static int start(struct recording *r, int signals, struct err *err)
{
	int rc = loop_watch(r->loop, signals, err);

	if (!rc)
		rc = start_threads(r, err);
	machine_read_topology(&r->topology);
	begin_now(r);
	machine_write_topology(&r->topology, r->writer, r->start_ns);
	machine_clock_event(r->writer);
	sideband_enable(r->sideband);
	tracepoint_feed_enable(r->execs);
	sideband_scan(r->sideband, r->start_ns);
	if (r->walk && !rc)
		walk_start(r->walk);
	for (unsigned i = 0; i < r->options->n_sources; i++)
		if (r->options->sources[i]->enable)
			r->options->sources[i]->enable(r->source_state[i]);
	if (r->bpf)
		bpf_rings_enable(r->bpf);
	return rc ? rc : target_start(&r->target, err);
}

/* Stops the sources and takes in what they still have. */
static void stop(struct recording *r)
{
	if (r->bpf)
		bpf_rings_disable(r->bpf);
	for (unsigned i = 0; i < r->options->n_sources; i++)
		if (r->options->sources[i]->disable)
			r->options->sources[i]->disable(r->source_state[i]);
	sideband_disable(r->sideband);
	tracepoint_feed_disable(r->execs);
	r->stop_ns = now_ns();
	jit_look(r->jit, r->stop_ns);
	loop_drain(r->loop, UINT64_MAX, between_records, r);
	if (r->options->realtime)
		set_realtime(0); /* nothing more is lost by waiting */
	for (unsigned i = 0; i < r->options->n_sources; i++)
		if (r->options->sources[i]->settle)
			r->options->sources[i]->settle(r->source_state[i]);
	if (r->bpf)
		bpf_rings_settle(r->bpf);
	sideband_settle(r->sideband);
	recorder_event(r);
	machine_clock_event(r->writer);
	if (r->unwinding)
		unwinding_finish(r->unwinding);
	jit_look(r->jit, r->stop_ns);
	jit_settle(r->jit);
}

static void note_troubles(struct recording *r)
{
	char text[512];

	for (uint32_t i = 0; names_trouble(r->names, i, text, sizeof(text)); i++)
		recording_note(r, "names", "%s", text);
}

/* Writes what is there, waiting for a slow disk. Events are safe in the file before names are looked up,
 * which may take a while. */
static void write_rest(struct recording *r)
{
	writer_wait(r->writer);
	writer_flush(r->writer, now_ns());
	if (!names_finish(r->names, hurry_asked))
		recording_note(r, "names",
			"rec was told not to wait for names: ana symbolize finds those of binaries");
	note_troubles(r);
	writer_flush(r->writer, now_ns());
}

struct command {
	pid_t pid, group;
};

static void signal_descendant(void *ctx, struct thread *t)
{
	const struct command *c = ctx;
	pid_t pid = (pid_t)t->pid;

	if (t->pid == t->tid && t->recorded && pid > 0 && pid != c->pid && pid != getpid() &&
		getpgid(pid) == c->group)
		kill(pid, SIGTERM);
}

static void leave_mapping(void *ctx, uint32_t pid, const struct vma *vma)
{
	(void)ctx;
	(void)pid;
	(void)vma;
}

/* Ends the command and what it has started, as ^C would: those that went into a group or session of their own
 * want to stay. */
static void signal_command(struct recording *r)
{
	struct command c = { (pid_t)r->target.pids[0], target_group(&r->target) };
	const struct process_visitor each = { signal_descendant, leave_mapping, &c };

	target_signal(&r->target, SIGTERM);
	processes_each(r->processes, &each);
}

/* Whether the command has ended by then. */
static bool ended_until(struct recording *r, uint64_t until_ns)
{
	uint64_t now;

	while ((now = now_ns()) < until_ns) {
		/* poll takes an int of milliseconds. */
		if (target_ended_within(&r->target,
			    wait_ms(now, earlier(until_ns, now + 3600 * SECOND))))
			return true;
		if (r->target.pidfd < 0)
			usleep(LOOK_MS * 1000);
	}
	return target_ended_within(&r->target, 0);
}

/* The recording had to end before its time: the command goes on, but no longer than it was given. */
static bool outlives_its_time(struct recording *r, enum end end)
{
	uint64_t duration_ns = r->options->duration_ns;

	return duration_ns && (end == DISK_FULL || end == OUTPUT_FAILED) &&
		!ended_until(r, r->start_ns + duration_ns);
}

/* Whether a command is told of the end: nobody else has. */
static bool ends_command(enum end end)
{
	return end == TIME_OVER || end == SIGNALLED || end == SIZE_REACHED;
}

/* Gives the command a moment to end, so that its exit status is in the trace. Longer the trace does not wait. */
static void end_command(struct recording *r, enum end end)
{
	if (r->target.kind != TARGET_COMMAND)
		return;
	if (ends_command(end))
		signal_command(r);
	if (end != DISK_FULL && !hurry_asked()) /* others need the room that the file has */
		target_ended_within(&r->target, PATIENCE_MS);
}

/* The exit status of the command, however long it takes; 0 without one. That it ends by our signal is no
 * failure. */
static int wait_for_command(struct recording *r, enum end end)
{
	bool ours = ends_command(end);
	int status;

	if (r->target.kind != TARGET_COMMAND)
		return 0;
	if (!target_ended_within(&r->target, 0) && !r->options->quiet)
		fprintf(stderr,
			"rec: the recording is complete; waiting for the command to end (^C stops waiting)\n");
	if (outlives_its_time(r, end)) {
		signal_command(r);
		ours = true;
	}
	status = target_wait(&r->target);
	return ours && target_killed_by(&r->target) == SIGTERM ? 0 : status;
}

static void exit_status_info(struct recording *r)
{
	int killed_by = target_killed_by(&r->target);
	char text[32];

	if (!r->target.reaped)
		return;
	snprintf(text, sizeof(text), killed_by ? "signal %d" : "%d",
		killed_by ? killed_by : target_wait(&r->target));
	writer_info(r->writer, "target.exit_status", text);
}

static int finish(struct recording *r)
{
	exit_status_info(r);
	summary_info(r);
	if (r->unwinding)
		unwinding_info(r->unwinding, r->writer);
	if (r->walk)
		walk_info(r->walk, r->writer);
	return writer_close(r->writer, now_ns());
}

static int explain_write_error(struct recording *r, int code, struct err *err)
{
	struct retention_result k;

	retention_result(r->retention, &k);
	if (code == EPIPE)
		return err_set(err, code, "the reader of %s has gone: recording ended", k.file);
	return err_errno(err, code, "recording ended, what is in %s can be read: writing failed",
		k.file);
}

/* Said before we wait for a command to end. */
static void tell_disk_full(struct recording *r)
{
	double seconds = (double)(r->stop_ns - r->start_ns) / 1e9;
	struct retention_result k;
	char text[80];

	retention_result(r->retention, &k);
	fprintf(stderr,
		"rec: the disk is full: recording ended after %.1f s, what is in %s can be read: %s\n",
		seconds, k.file, strerror(sink_full(r->sink)));
	snprintf(text, sizeof(text), "the disk was full after %.1f s, which ended the recording",
		seconds);
	writer_info(r->writer, "source.output.note", text);
}

/* What a shell says of a command that could not be started. */
static int not_started(int rc)
{
	return rc == -ENOENT ? 127 : 126;
}

static void say_error(struct err *err)
{
	if (err->text[0])
		fprintf(stderr, "rec: %s\n", err->text);
	err->text[0] = '\0';
}

/* The trace gets its end, and what was reserved and not needed is given back. */
static int finish_files(struct recording *r, int rc, struct err *err)
{
	if (!rc && (rc = finish(r)))
		explain_write_error(r, -rc, err);
	print_notes(r);
	if (retention_finish(r->retention, rc, err))
		rc = -EIO;
	if (!rc && !r->options->quiet)
		summary_print(r);
	say_error(err);
	return rc ? EXIT_CANNOT : 0;
}

/* Whether it is the signal that ended the recording, from the same process: timeout(1) tells its command, and then
 * its process group, so that it comes twice and asks once. */
static bool is_echo(const struct recording *r, const struct signalfd_siginfo *info)
{
	return info->ssi_signo == r->asked_by.ssi_signo && info->ssi_pid &&
		info->ssi_pid == r->asked_by.ssi_pid;
}

/* Takes what came while the recording was ended; what asks for haste comes again. */
static void take_echoes(const struct recording *r, int signals)
{
	struct signalfd_siginfo info;
	int again = 0;

	while (read(signals, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo != SIGCHLD && info.ssi_signo != SIGUSR2 && !is_echo(r, &info))
			again = (int)info.ssi_signo;
	if (again)
		raise(again);
}

/* From now on a signal is no part of the recording: see hurry.h. */
static void end_signals(const struct recording *r, int signals, const sigset_t *old_mask)
{
	take_echoes(r, signals);
	hurry_watch();
	signal(SIGUSR2, SIG_IGN); /* too late for a snapshot: the whole ring is written */
	sigprocmask(SIG_SETMASK, old_mask, NULL);
}

/* Takes records in until the end and makes the trace whole, before the command, which may take its time or heed no
 * signal, is waited for. */
static int record(struct recording *r, int signals, const sigset_t *old_mask, struct err *err)
{
	int status, failed, rc = start(r, signals, err);
	enum end end;

	if (rc) {
		retention_discard(r->retention);
		return r->target.kind == TARGET_COMMAND ? not_started(rc) : EXIT_CANNOT;
	}
	err->text[0] = '\0'; /* of a way that did not do, before another that did */
	print_notes(r);
	print_how_to_end(r);
	end = run(r, signals);
	stop(r);
	end_signals(r, signals, old_mask);
	write_rest(r);
	print_notes(r);
	rc = -sink_error(r->sink);
	if (rc)
		explain_write_error(r, -rc, err);
	else if (end == DISK_FULL)
		tell_disk_full(r);
	say_error(err);
	end_command(r, end);
	failed = finish_files(r, rc, err);
	hurry_end();
	status = wait_for_command(r, end);
	return end == DISK_FULL ? EXIT_CANNOT : failed ? failed : status;
}

int recording_run(const struct options *options)
{
	struct recording r = { .options = options, .opened_ns = now_ns() };
	struct err err = { "" };
	sigset_t old_mask;
	int signals = open_signals(&old_mask), status = EXIT_CANNOT;

	if (choose_target(&r, &err) == 0 && (r.retention = retention_open(options, &err))) {
		open_writer(&r);
		if (check_realtime(options, &err) == 0 && open_everything(&r, &err) == 0 &&
			open_triggers(&r, &err) == 0)
			status = record(&r, signals, &old_mask, &err);
		else
			retention_discard(r.retention);
	}
	say_error(&err);
	close_everything(&r);
	close(signals);
	return status;
}
