/* Why the kernel refuses BPF programs, in a sentence that says what to do. */
#ifndef RECORD_BPF_REFUSAL_H
#define RECORD_BPF_REFUSAL_H

#include <stdbool.h>

#include "format/base/err.h"

/* 0 if we have the capabilities that BPF programs need; else -EPERM and what to do. */
int bpf_refusal_permitted(struct err *err);

/* Whether the kernel is locked down so far that programs may not read its memory by helpers. */
bool bpf_refusal_is_locked_down(void);

/* From now on keeps what libbpf complains of first, for bpf_refusal_explain; it says nothing itself. */
void bpf_refusal_listen(void);

/* A sentence for a positive errno that `doing` ended with. Gives -code. */
int bpf_refusal_explain(int code, const char *doing, struct err *err);

#endif
