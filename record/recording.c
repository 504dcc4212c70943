/* The life of one recording: open everything, let the target go, take records in until it is over,
 * close everything. What was recorded reaches the file even when something fails on the way. */
#include "record/recording.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "gen/events.h"
#include "record/bpf_rings.h"
#include "record/names.h"
#include "record/perf_user.h"
#include "record/privileges.h"
#include "record/proc_fs.h"
#include "record/segment.h"
#include "record/sideband.h"
#include "record/summary.h"
#include "record/unwinding.h"
#include "specs/events/recorder.h"

#define SECOND 1000000000ULL
#define SLACK  1000000ULL /* a record is in its ring at the latest so long after its time */

enum {
	STATS_EVERY = 5, /* seconds between recorder events */
	CLOCK_EVERY = 10,
	PATIENCE_MS = 1000, /* until it is said that a command does not end */
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
	if (o->pids)
		writer_info(r->writer, "target.pids", o->pids);
	if (o->cgroup)
		writer_info(r->writer, "target.cgroup", o->cgroup);
	snprintf(text, sizeof(text), "%u", o->stack_bytes);
	if (takes_copies(o))
		writer_info(r->writer, "unwind.stack_bytes", text);
	machine_info(r->writer);
}

static int choose_target(struct recording *r, struct err *err)
{
	target_init(&r->target);
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
	if (!target_by_cpu(&r->target))
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

		if (s->bpf && bpf_rings_permitted(err)) {
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
	r->stacks = stacks_new(r->writer, r->kernel, new_frame, r);
	if (wants_unwinding(r))
		r->unwinding = unwinding_new(r);
	trouble = kernel_map_trouble(r->kernel);
	if (trouble)
		recording_note(r, "kernel", "%s", trouble);
	r->sideband = sideband_open(r, err);
	if (!r->sideband) {
		explain_for_bpf(r, err);
		return -EPERM;
	}
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
	bpf_rings_close(r->bpf);
	sideband_close(r->sideband);
	unwinding_free(r->unwinding);
	stacks_free(r->stacks);
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

static void between_records(void *ctx)
{
	segment_end_if_due(ctx);
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
	int blind = sideband_blind_cpu(r->sideband);

	machine_read_topology(&r->topology);
	machine_write_topology(&r->topology, r->writer, now_ns());
	if (blind < 0 || r->told_blind)
		return;
	r->told_blind = true;
	recording_note(r, "process",
		"CPU %d came while recording: what runs there is not seen, but for counts (-a would "
		"see it)",
		blind);
}

/* Who keeps something by an image has a say here. */
static bool let_go(void *ctx, struct image *image)
{
	struct recording *r = ctx;

	if (!names_let_go(r->names, image))
		return false;
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
		else if (info.ssi_signo != SIGCHLD)
			return info.ssi_code == SI_KERNEL ? INTERRUPTED : SIGNALLED;
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

	governor_init(&r->governor, r->options->max_cpu, summary_cpu_ns(r), now);
	while (!(end = is_over(r, signals, now))) {
		uint64_t next = r->start_ns + second * SECOND;

		loop_drain(r->loop, now - SLACK, between_records, r);
		r->safe_ns = now - SLACK;
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
		loop_wait(r->loop, wait_ms(now_ns(), next));
		now = now_ns();
	}
	return end;
}

/* Everything is open. Threads have the rights that we have when they are started. */
static int start_threads(struct recording *r, struct err *err)
{
	const struct options *o = r->options;
	int rc;

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
	sideband_scan(r->sideband, r->start_ns);
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
	r->stop_ns = now_ns();
	loop_drain(r->loop, UINT64_MAX, between_records, r);
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
}

/* Writes what is there, waiting for a slow disk. Events are safe in the file before names are looked up,
 * which may take a while. */
static void write_rest(struct recording *r)
{
	writer_wait(r->writer);
	writer_flush(r->writer, now_ns());
	names_finish(r->names);
	writer_flush(r->writer, now_ns());
}

/* The command's exit status; -1 without a command. One that nobody has told of the end is told; that it
 * then ends by our signal is no failure. */
static int end_command(struct recording *r, enum end end)
{
	bool ours = end == TIME_OVER || end == SIGNALLED || end == SIZE_REACHED;
	int status;

	if (r->target.kind != TARGET_COMMAND)
		return -1;
	if (ours)
		target_signal(&r->target, SIGTERM);
	if (!target_ended_within(&r->target, PATIENCE_MS) && !r->options->quiet)
		fprintf(stderr,
			"rec: the recording is complete; waiting for the command to end (^C stops waiting)\n");
	status = target_wait(&r->target);
	return ours && target_killed_by(&r->target) == SIGTERM ? 0 : status;
}

static int finish(struct recording *r, int exit_status)
{
	char text[32];
	int killed_by = target_killed_by(&r->target);

	if (exit_status >= 0) {
		snprintf(text, sizeof(text), killed_by ? "signal %d" : "%d",
			killed_by ? killed_by : exit_status);
		writer_info(r->writer, "target.exit_status", text);
	}
	summary_info(r);
	if (r->unwinding)
		unwinding_info(r->unwinding, r->writer);
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

/* What a shell says of a command that could not be started. */
static int not_started(int rc)
{
	return rc == -ENOENT ? 127 : 126;
}

static int record(struct recording *r, int signals, const sigset_t *old_mask, struct err *err)
{
	int status, rc = start(r, signals, err);
	enum end end;

	if (rc) {
		retention_discard(r->retention);
		return r->target.kind == TARGET_COMMAND ? not_started(rc) : EXIT_CANNOT;
	}
	print_notes(r);
	print_how_to_end(r);
	end = run(r, signals);
	stop(r);
	sigprocmask(SIG_SETMASK, old_mask, NULL); /* from now on ^C ends the program at once */
	write_rest(r);
	print_notes(r);
	rc = -sink_error(r->sink);
	if (rc)
		fprintf(stderr, "rec: %s\n", (explain_write_error(r, -rc, err), err->text));
	err->text[0] = '\0';
	status = end_command(r, end);
	if (!rc && (rc = finish(r, status)))
		explain_write_error(r, -rc, err);
	if (retention_finish(r->retention, rc, err) || rc)
		return EXIT_CANNOT;
	if (!r->options->quiet)
		summary_print(r);
	return status > 0 ? status : 0;
}

int recording_run(const struct options *options)
{
	struct recording r = { .options = options, .opened_ns = now_ns() };
	struct err err = { "" };
	sigset_t old_mask;
	int signals = open_signals(&old_mask), status = EXIT_CANNOT;

	if (choose_target(&r, &err) == 0 && (r.retention = retention_open(options, &err))) {
		open_writer(&r);
		if (open_everything(&r, &err) == 0 && open_triggers(&r, &err) == 0)
			status = record(&r, signals, &old_mask, &err);
		else
			retention_discard(r.retention);
	}
	if (err.text[0])
		fprintf(stderr, "rec: %s\n", err.text);
	close_everything(&r);
	close(signals);
	return status;
}
