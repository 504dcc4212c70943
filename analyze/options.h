/* What the commands of `ana` are asked. One struct for all of them: each command says which options
 * it takes. */
#ifndef ANALYZE_OPTIONS_H
#define ANALYZE_OPTIONS_H

#include "analyze/filter.h"
#include "render/render.h"

struct analyze_options {
	const char **files; /* owned array; "-" is standard input */
	uint32_t n_files;
	const char *output; /* -o; NULL: standard output, or missing where a trace is made */
	const char *format; /* -f; NULL: by the output's name, else text */
	struct filter filter;
	struct render_options render;
	const char *event;  /* -e */
	const char *weight; /* flame: a field to sum instead of counting */
	const char *by;     /* flame: what the lowest frames are; syscalls: what rows are */
	bool lines;         /* flame: functions are parted by line */
	const char *title;
	const char *field;     /* heatmap: what the rows are */
	bool offset_in_second; /* heatmap: that instead of a field */
	bool repair;           /* verify */
	uint32_t top;          /* rows of a table at the most; 0: the default */
	bool list;             /* also events one by one */
	const char *key;       /* scrub: a file; NULL: one that nobody knows */
	const char **keep;     /* scrub: owned array of patterns */
	uint32_t n_keep;
	const char **originals; /* scrub --check: owned array of traces */
	uint32_t n_originals;
	bool check;         /* scrub */
	bool report;        /* many analyzers fill one report: those without events keep silent */
	const char *only;   /* report: names of analyzers; NULL: all */
	const char **gates; /* owned array of borrowed conditions: --fail-if */
	uint32_t n_gates;
	const char *table;   /* the only section of the report; NULL: all */
	bool each;           /* traces one by one instead of all as one */
	uint32_t jobs;       /* each: processes at a time; 0: as many as there are CPUs */
	uint32_t threads;    /* of this process, for analyses; 0: as many as there are CPUs */
	const char **from;   /* symbolize, pack: owned array of places with binaries */
	const char *sysroot; /* symbolize, pack: ""; or a folder */
	uint32_t n_from;
	bool no_binaries, no_debug, no_sources; /* pack */
};

enum option_group {
	OPTIONS_FILTER = 1, /* --time, --pid, --tid, --comm, --cpu, --host */
	OPTIONS_OUTPUT = 2, /* --output, --format */
	OPTIONS_FLAME = 4,  /* --weight, --by, --min, --annotate, --lines, --inverted */
	OPTIONS_IDLE = 8,   /* --idle */
	OPTIONS_TRACE = 16, /* --output, of a new trace */
	OPTIONS_REPAIR = 32,
	OPTIONS_TABLES = 64,     /* --top, --list */
	OPTIONS_HEATMAP = 128,   /* --field, --offset-in-second */
	OPTIONS_PICTURE = 256,   /* --width, --title */
	OPTIONS_BY = 512,        /* --by, of tables */
	OPTIONS_REPORT = 1024,   /* --only, --fail-if */
	OPTIONS_SCRUB = 2048,    /* --key, --keep, --check, --original */
	OPTIONS_BINARIES = 4096, /* --from, --sysroot */
	OPTIONS_PACK = 8192,     /* --output, --no-binaries, --no-debug, --no-sources */
	OPTIONS_EVENT = 16384,   /* --event */
	OPTIONS_EACH = 32768,    /* --each, --jobs */
	OPTIONS_TABLE = 65536,   /* --table, of a report */
	OPTIONS_THREADS = 131072,
};

/* Parses what follows `ana COMMAND`. Prints help or usage and exits where due (status 2).
 * `formats` is a list for --help, or NULL. */
void analyze_options_parse(struct analyze_options *o, int argc, char **argv, unsigned groups,
	const char *doc, const char *formats);
void analyze_options_done(struct analyze_options *o);

#endif
