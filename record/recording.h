/* Everything that one recording holds together: whom, into what, and what is known so far. */
#ifndef RECORD_RECORDING_H
#define RECORD_RECORDING_H

#include <sys/signalfd.h>

#include "format/writer.h"
#include "record/governor.h"
#include "record/loop.h"
#include "record/machine.h"
#include "record/now.h"
#include "record/options.h"
#include "record/process.h"
#include "record/retention.h"
#include "record/source.h"
#include "record/stacks.h"
#include "record/target.h"
#include "record/trigger.h"
#include "specs/events/recorder.h"

enum { MAX_NOTES = 16 };

struct bpf_rings;
struct tracepoint_feed;

struct recording {
	const struct options *options; /* borrowed */
	struct target target;
	struct loop *loop;
	struct retention *retention;
	struct sink *sink; /* the retention's */
	struct writer *writer;
	struct images images;
	struct processes *processes;
	struct kernel_map *kernel;
	struct stacks *stacks;
	struct names *names;
	struct jit *jit;
	struct unwinding *unwinding; /* NULL: stacks come from the kernel as they are */
	struct sideband *sideband;
	struct bpf_rings *bpf; /* NULL until a source asks for it */
	/* --tid: the threads' present numbers, for what is chosen here, and what keeps them; NULL: nothing is, or all
	 * are recorded, or it was not possible. */
	uint32_t tids[FILTER_TIDS];
	struct tracepoint_feed *execs;
	bool follows_execs; /* that was tried */
	struct walk *walk;  /* NULL: BPF programs do not walk user stacks */
	struct topology topology;
	void *source_state[MAX_SOURCES];
	int lost_type, recorder_type;
	uint64_t opened_ns;               /* when we began to open everything */
	uint64_t start_ns, stop_ns;       /* stop_ns: when the sources were stopped; 0: not yet */
	struct signalfd_siginfo asked_by; /* the signal that ended it */
	struct triggers *triggers;        /* NULL: none */
	struct governor governor;
	/* Until then the segment's end waits for names; 0: no end is due. */
	uint64_t settle_until_ns;
	uint64_t safe_ns;        /* everything before this has been taken in */
	uint64_t n_events;       /* of the sources: what the user came for */
	uint64_t n_lost, n_late; /* n_late: of them those that found the kernel's buffers full */
	char *notes[MAX_NOTES];  /* owned; to be said when the recording runs */
	unsigned n_notes;
};

/* Records as the options say; the exit status of the program. */
int recording_run(const struct options *options);

/* Hands one event of a source to the writer, and to the triggers. */
void recording_add(struct recording *r, uint32_t stream, int type, const void *event);

/* The number of a thread's name in the present segment. */
uint32_t recording_comm(struct recording *r, struct thread *t);

/* Whether a thread is of those that are recorded, as far as the kernel has not chosen already: of the target,
 * and as --comm and --tid say. `t` may be NULL: a thread that nothing is known of. */
bool recording_wants(const struct recording *r, const struct thread *t, uint32_t tid,
	const char *comm);

/* Whether --comm and --tid leave a thread in; comm is terminated or has 16 bytes. */
bool recording_wants_thread(const struct recording *r, uint32_t tid, const char *comm);

/* Tells of n events of this kind that a stream lost between two moments. */
void recording_lost(struct recording *r, uint32_t stream, const char *event, uint64_t n,
	uint64_t since_ns, uint64_t until_ns);

/* The same for another reason than a ring without room. */
void recording_lost_as(struct recording *r, enum lost_reason reason, uint32_t stream,
	const char *event, uint64_t n, uint64_t since_ns, uint64_t until_ns);

/* Something the user should know about the recording; goes to stderr (unless --quiet) and into the
 * trace under the key "source.NAME.note". */
void recording_note(struct recording *r, const char *source, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
