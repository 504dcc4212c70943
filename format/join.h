/* Several traces in one file: what `ana merge` stands on.
 *
 * The segments are put one behind the other, byte for byte, in order of the wall-clock time at which
 * they start. That is what `cat` does, and it is the right form: each segment keeps its machine's
 * facts, streams, dictionaries and clock, so a pid or a stream of one machine can never be taken for
 * another's, nothing is converted, and readers align machines by their clocks whenever they read. To
 * write the times of one machine anew, on another's clock, would bake today's guess of the clocks into
 * the file and part events from the facts that explain them.
 *
 * What it does beyond `cat`: every block of every input is checked first; what is damaged or has no end
 * is refused (repair it), and so is a segment that is there twice, as its events would count twice. */
#ifndef FORMAT_JOIN_H
#define FORMAT_JOIN_H

#include "format/reader.h"
#include "format/sink.h"

struct join;

struct join_result {
	uint32_t segments, machines; /* machines: or boots of one */
	uint64_t events, bytes;
	/* Machines whose wall-clock time is not known, though there are others. */
	uint32_t unaligned;
};

/* Checks the readers, which are borrowed and must be files. NULL with a sentence: *code is -EBADMSG if
 * an input is damaged or has no end, -EEXIST if two hold the same segment, -ESPIPE for a stream. */
struct join *join_new(struct reader *const *readers, uint32_t n, int *code, struct err *err);

/* Writes the joined trace; the sink must have no queue. 0 or the sink's errno. */
int join_write(struct join *j, struct sink *sink);

void join_result(const struct join *j, struct join_result *result);
void join_free(struct join *j);

#endif
