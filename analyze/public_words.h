/* What everybody knows: the words that `ana scrub` leaves as they are, since they tell of Linux and of
 * this program, and of nobody's work. What is not listed here is not public. */
#ifndef ANALYZE_PUBLIC_WORDS_H
#define ANALYZE_PUBLIC_WORDS_H

#include "format/segment.h"

/* A word of kernel versions, CPU models, or of what this program says itself. Letters only. */
bool public_word(struct text t);

/* A word of the options of `rec` and `ana`: "--time", "cpu". */
bool public_option(struct text t);

/* A counter or event of perf's, an event of specs/events/, a raw event (r0243), SYSTEM:EVENT. */
bool public_event(struct text t);
bool public_tracepoint(struct text t);

/* A provider of markers (USDT) that every distribution has: libc, python. */
bool public_provider(struct text t);

/* A folder that every Linux has, below that parent ("": the root). */
bool public_folder(struct text parent, struct text t);

/* The C library, the loader and the compilers' runtime where distributions put them. */
bool public_library(struct text path);

/* "[kernel]", "[vdso]"; "[ext4]" for a module. */
bool public_mapping_path(struct text path, bool is_module);

/* What a source of `rec` and a key of its settings may be called. */
bool public_source(struct text t);

/* How many bytes at the end of a file's name are public: ".so" of "libx.so.1.2" stands there with what
 * follows, *stem tells what is in front. NULL if there is none. */
const char *public_suffix(struct text name, size_t *stem);

/* How many bytes at the start of a thread's name are those of a thread of the kernel: 13 of
 * "kworker/u4:10-writeback", all of "swapper/0". */
size_t public_kernel_thread(struct text comm);

/* A disk as Linux numbers them: "sda", "nvme0n1p2". */
bool public_disk(struct text t);

/* What `rec syscalls` says of a call: its name, its error, "openat({0}, {path}, O_RDONLY)". */
bool public_call(struct text t);

/* Names of functions that every program has. */
bool public_function(struct text t);

#endif
