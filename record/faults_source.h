/* The source faults inside: faults come from BPF programs (source_faults.c) or, where those are refused, from
 * the kernel's events as they are (fault_events.c), and go the same way from here. */
#ifndef RECORD_FAULTS_SOURCE_H
#define RECORD_FAULTS_SOURCE_H

#include "record/recording.h"
#include "specs/ring_fault.h"

struct faults_source {
	struct recording *recording;     /* borrowed */
	struct faults_bpf *skel;         /* owned; NULL: not even opened */
	struct fault_events *events;     /* owned; NULL: the programs are used */
	struct fault_mappings *mappings; /* owned */
	struct memory_watch *watch;      /* owned */
	struct fault_cpu *cpus;          /* owned */
	uint32_t n_cpus;
	uint32_t sample; /* one in so many is recorded */
	uint32_t page_shift;
	bool has_begin; /* the kernel tells when a fault begins, and what was tried */
	int type;
};

/* A fault, complete but for names; `stack` is a number of the trace. */
void faults_take(struct faults_source *s, uint32_t stream, struct fault_record *r, uint32_t stack);

/* Opens the events. -errno and what to do if they are not permitted either. Sets has_begin. */
int fault_events_open(struct faults_source *s, bool stacks, struct err *err);
/* All of these take NULL. */
void fault_events_enable(struct fault_events *e);
void fault_events_disable(struct fault_events *e);
void fault_events_settle(struct fault_events *e);
void fault_events_close(struct fault_events *e);

#endif
