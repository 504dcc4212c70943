/* Keyed pseudonyms: what a text is called when the text itself is to stay unknown.
 *
 * A pseudonym is a class and 48 bits of HMAC-SHA-256 over class and text: `comm-4f2a09c1d37e`. The same
 * key, class and text give the same pseudonym in every trace, so scrubbed traces can still be compared.
 * Without the key nobody can tell by trying a dictionary which text it stands for, which rules out hashes
 * without a key and short keys such as SipHash's for what may be kept for years. Of a million names of a
 * class two are the same with a probability of 1 in 500.
 *
 * The HMAC is libnettle's: small, without any state of its own or start-up, and what libarchive uses.
 * (libgcrypt brings libgpg-error and secure memory along, libcrypto is ten times as large.) */
#ifndef ANALYZE_PSEUDONYM_H
#define ANALYZE_PSEUDONYM_H

#include <nettle/hmac.h>
#include <stdbool.h>

#include "format/base/err.h"
#include "format/segment.h"

enum pseudonym_class {
	PSEUDONYM_COMM,
	PSEUDONYM_PATH, /* a part of a path */
	PSEUDONYM_FUNCTION,
	PSEUDONYM_HOST,
	PSEUDONYM_ARGUMENT,
	PSEUDONYM_EVENT,
	PSEUDONYM_KEY,
	PSEUDONYM_WORD,
	PSEUDONYM_TEXT,
	PSEUDONYM_N,
};

enum {
	PSEUDONYM_DIGITS = 12,
	PSEUDONYM_MAX = 8 + PSEUDONYM_DIGITS, /* bytes of the longest, with its end */
	KEY_MIN_BYTES = 16,
	KEY_MAX_BYTES = 4096,
};

struct pseudonym_key {
	struct hmac_sha256_ctx hmac;
};

void pseudonym_key_set(struct pseudonym_key *k, const void *secret, size_t len);

/* A key that nobody will ever know. 0 or a negative errno. */
int pseudonym_key_random(struct pseudonym_key *k, struct err *err);

/* The key is all bytes of the file. A file that is not there is made, mode 0600, with 256 random bits;
 * *made tells. -EPERM if others may read it, -EINVAL if it is shorter than KEY_MIN_BYTES. */
int pseudonym_key_load(struct pseudonym_key *k, const char *path, bool *made, struct err *err);

/* Writes the pseudonym and a zero byte; gives its length. */
size_t pseudonym_make(const struct pseudonym_key *k, enum pseudonym_class class, struct text t,
	char out[PSEUDONYM_MAX]);

/* Bytes for bytes (at most 32), such as a build id. */
void pseudonym_bytes(const struct pseudonym_key *k, const void *data, size_t len, uint8_t *out,
	size_t n_out);

/* Whether the text has the form of a pseudonym of this class; of any. */
bool pseudonym_is(enum pseudonym_class class, struct text t);
bool pseudonym_is_any(struct text t);

/* How long the pseudonym is with which the text begins, 0 if with none. */
size_t pseudonym_at_start(struct text t);

/* "a comm", for messages. */
const char *pseudonym_class_name(enum pseudonym_class class);

#endif
