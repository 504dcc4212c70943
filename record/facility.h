/* What this machine and this user offer a recorder, found out by trying. */
#ifndef RECORD_FACILITY_H
#define RECORD_FACILITY_H

enum facility_state {
	FACILITY_WORKS,
	FACILITY_LESSER, /* works, but not all of it */
	FACILITY_ABSENT,
};

struct finding {
	enum facility_state state;
	char what[256]; /* what is there, or why it is not; a sentence without its full stop */
	char fix[256];  /* the command or setting that would change it; "" */
};

struct facility {
	const char *name;
	const char *use; /* what it is for */
	void (*probe)(struct finding *f);
};

extern const struct facility facilities[]; /* ends with a NULL name */

/* Probes the facility of this name. */
void facility_probe(const char *name, struct finding *f);

#endif
