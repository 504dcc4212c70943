#include "analyze/each.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/inputs.h"
#include "analyze/out.h"
#include "render/escape.h"

enum { N_STATUS = 4 };

/* One trace. */
struct job {
	const char *trace, *output;
	FILE *printed, *said; /* owned while it runs and until it is its turn */
	pid_t pid;            /* 0: not started, or ended */
	int status;           /* of its end */
};

struct batch {
	const struct analyze_options *options;
	const struct each *each;
	struct job *jobs; /* owned */
	uint32_t n, next, shown, running;
	uint32_t n_status[N_STATUS];
	struct arena arena;
};

/* ---- which file becomes which ---- */

/* "x/run.rec" is "run". */
static const char *stem(const char *path, struct arena *a)
{
	const char *name = basename(path);
	size_t len = strlen(name);

	if (len > 4 && strcmp(name + len - 4, ".rec") == 0)
		len -= 4;
	return arena_strndup(a, name, len);
}

static const char *output_of(struct batch *b, const char *trace)
{
	const char *folder = b->options->output;
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	return arena_printf(&b->arena, "%.*s/%s%s", (int)len, folder, stem(trace, &b->arena),
		b->each->suffix);
}

static int by_output(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* a/run.rec and b/run.rec would be one file. */
static int check_outputs(struct batch *b, struct err *err)
{
	const char **names = arena_alloc(&b->arena, (b->n + 1) * sizeof(*names));

	for (uint32_t i = 0; i < b->n; i++)
		names[i] = b->jobs[i].output;
	qsort(names, b->n, sizeof(*names), by_output);
	for (uint32_t i = 1; i < b->n; i++)
		if (strcmp(names[i - 1], names[i]) == 0)
			return err_set(err, EEXIST,
				"two of the traces would both be written to '%s': give them other names",
				names[i]);
	return 0;
}

static void add_job(struct batch *b, const char *trace)
{
	b->jobs = xrealloc(b->jobs, b->n + 1, sizeof(*b->jobs));
	b->jobs[b->n++] = (struct job){ .trace = trace };
}

/* The traces in it, which have names of their own, and the archives, each of which is one. */
static int add_folder(struct batch *b, const char *folder, struct err *err)
{
	struct file_list list;
	int rc = inputs_list(&list, &folder, 1, &b->arena, err);

	for (uint32_t i = 0; !rc && i < list.n; i++) {
		const char *archive = list.files[i].archive;

		if (!archive || i == 0 || list.files[i - 1].archive != archive)
			add_job(b, archive ? archive : list.files[i].name);
	}
	inputs_unlist(&list);
	return rc;
}

/* An archive is one: what was packed together belongs together. */
static int list_jobs(struct batch *b, struct err *err)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < b->options->n_files; i++) {
		const char *word = b->options->files[i];

		if (strcmp(word, "-") == 0)
			rc = err_set(err, EINVAL,
				"--each needs files: standard input is only one trace");
		else if (out_is_folder(word))
			rc = add_folder(b, word, err);
		else
			add_job(b, word);
	}
	for (uint32_t i = 0; !rc && b->options->output && i < b->n; i++)
		b->jobs[i].output = output_of(b, b->jobs[i].trace);
	return rc || !b->options->output ? rc : check_outputs(b, err);
}

/* ---- processes ---- */

static uint32_t n_cpus(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (uint32_t)n : 1;
}

static uint32_t at_a_time(const struct analyze_options *o)
{
	return o->jobs ? o->jobs : n_cpus();
}

/* What the processes leave each other of the CPUs. */
static uint32_t threads_each(const struct batch *b)
{
	uint32_t jobs = at_a_time(b->options) < b->n ? at_a_time(b->options) : b->n;

	return n_cpus() > jobs ? n_cpus() / jobs : 1;
}

__attribute__((noreturn)) static void work(const struct batch *b, const struct job *job)
{
	struct analyze_options o = *b->options;
	int status;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (dup2(fileno(job->printed), STDOUT_FILENO) < 0 ||
		dup2(fileno(job->said), STDERR_FILENO) < 0)
		_exit(EXIT_CANNOT);
	o.files = (const char **)&job->trace;
	o.n_files = 1;
	o.output = job->output;
	o.threads = o.threads ? o.threads : threads_each(b);
	status = b->each->one(&o, b->each->ctx);
	_exit(fflush(stdout) ? EXIT_CANNOT : status);
}

static int start(struct batch *b, struct err *err)
{
	struct job *job = &b->jobs[b->next];

	job->printed = tmpfile();
	job->said = tmpfile();
	if (!job->printed || !job->said)
		return err_errno(err, errno, "a temporary file");
	fflush(NULL);
	job->pid = fork();
	if (job->pid < 0)
		return err_errno(err, errno, "a process for '%s'", job->trace);
	if (job->pid == 0)
		work(b, job);
	b->next++;
	b->running++;
	return 0;
}

/* What a signal ended has not said so itself. */
static int exit_status(const struct job *job, int status)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) < N_STATUS)
		return WEXITSTATUS(status);
	if (WIFSIGNALED(status))
		fprintf(job->said, "ana: ended by a signal: %s\n", strsignal(WTERMSIG(status)));
	return EXIT_CANNOT;
}

static int reap(struct batch *b, struct err *err)
{
	int status;
	pid_t pid = wait(&status);

	if (pid < 0)
		return err_errno(err, errno, "waiting for a process");
	for (uint32_t i = b->shown; i < b->next; i++) {
		struct job *job = &b->jobs[i];

		if (job->pid != pid)
			continue;
		fseek(job->said, 0, SEEK_END);
		job->status = exit_status(job, status);
		job->pid = 0;
		b->running--;
		b->n_status[job->status]++;
	}
	return 0;
}

/* ---- what they have to say ---- */

static void copy(FILE *from, FILE *to)
{
	char buf[1 << 16];
	size_t n;

	rewind(from);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
		fwrite(buf, 1, n, to);
}

/* "ana: damaged" becomes "ana: run.rec: damaged". */
static void tell(const struct job *job)
{
	static const char own[] = "ana: ";
	char *line = NULL;
	size_t size = 0;

	rewind(job->said);
	while (getline(&line, &size, job->said) > 0) {
		bool ours = strncmp(line, own, sizeof(own) - 1) == 0;

		if (ours) {
			fputs(own, stderr);
			escape_put(stderr, ESCAPE_TEXT, job->trace);
			fputs(": ", stderr);
		}
		fputs(ours ? line + sizeof(own) - 1 : line, stderr);
	}
	free(line);
}

static void show(const struct batch *b, struct job *job)
{
	if (b->each->headed && !job->output) {
		fputs(b->shown ? "\n==> " : "==> ", stdout);
		escape_put(stdout, ESCAPE_TEXT, job->trace);
		fputs(" <==\n", stdout);
	}
	copy(job->printed, stdout);
	fflush(stdout);
	tell(job);
	fclose(job->printed);
	fclose(job->said);
	job->printed = job->said = NULL;
}

static void show_finished(struct batch *b)
{
	while (b->shown < b->next && !b->jobs[b->shown].pid) {
		show(b, &b->jobs[b->shown]);
		b->shown++;
	}
}

/* ---- all of them ---- */

/* Results that wait for their turn hold files: no more than this are ahead of the one that is due. */
static bool may_start(const struct batch *b)
{
	uint32_t jobs = at_a_time(b->options);

	return b->next < b->n && b->running < jobs && b->next - b->shown < 2 * jobs + 16;
}

static int run_jobs(struct batch *b, struct err *err)
{
	int rc = 0;

	while (!rc && b->shown < b->n) {
		while (!rc && may_start(b))
			rc = start(b, err);
		if (!rc && b->running)
			rc = reap(b, err);
		show_finished(b);
	}
	while (b->running && reap(b, err) == 0)
		;
	show_finished(b);
	return rc;
}

static int worst(const struct batch *b)
{
	int status = N_STATUS - 1;

	while (status > EXIT_OK && !b->n_status[status])
		status--;
	if (status != EXIT_OK)
		fprintf(stderr, "ana: of %u traces %u done, %u failed a check, %u not done\n", b->n,
			b->n_status[EXIT_OK], b->n_status[EXIT_CHECK],
			b->n_status[EXIT_USAGE] + b->n_status[EXIT_CANNOT]);
	return status;
}

static int check(const struct analyze_options *o, const struct each *e, struct err *err)
{
	if (!o->output && !e->printable)
		return err_set(err, EINVAL, "--each with such an output needs a folder: -o FOLDER");
	if (o->output && strcmp(o->output, "-") == 0)
		return err_set(err, EINVAL,
			"--each makes a file for each trace: -o names their folder");
	return o->output ? out_make_folder(o->output, err) : 0;
}

int each_run(const struct analyze_options *o, const struct each *e)
{
	struct batch b = { .options = o, .each = e };
	struct err err = { "" };
	int rc = check(o, e, &err);

	if (!rc)
		rc = list_jobs(&b, &err);
	if (!rc)
		rc = run_jobs(&b, &err);
	rc = rc ? command_failed(&err, rc == -EINVAL ? EXIT_USAGE : EXIT_CANNOT) : worst(&b);
	free(b.jobs);
	arena_done(&b.arena);
	return rc;
}
