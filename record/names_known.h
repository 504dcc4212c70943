/* Names that were found in earlier segments of a recording, each of which has to say them anew. */
#ifndef RECORD_NAMES_KNOWN_H
#define RECORD_NAMES_KNOWN_H

#include "format/base/map.h"
#include "record/name_lookup.h"

/* Starts as zeros. The texts are in the arena. */
struct names_known {
	struct arena arena;
	struct map by_place;     /* hash of a home's serial and address -> number in list */
	struct map by_text;      /* hash of a text -> number in texts */
	struct known_name *list; /* owned */
	const char **texts;      /* owned */
	uint32_t n, n_texts, cap_texts;
};

/* Keeps a copy. When there are too many, all that was known is forgotten first, and what names_recall()
 * returned is no longer there. */
void names_remember(struct names_known *k, uint32_t serial, uint64_t address,
	const struct name_found *found);

/* NULL if it is not known. */
const struct name_found *names_recall(const struct names_known *k, uint32_t serial,
	uint64_t address);

void names_known_done(struct names_known *k);

#endif
