/* Any bytes as the payload of a block: heads, encodings, predictors, texts. The first bytes say how
 * many rows and which types of columns there are. */
#include <stdlib.h>

#include "format/column.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct column_decoder *d;
	static uint64_t *values;
	struct cursor in = cursor_of(data, size);
	uint32_t n_rows = (uint32_t)cursor_uint(&in, 2) + 1, n_columns;
	uint8_t types[16];
	const uint8_t *bytes;
	size_t n_bytes;

	if (!d) {
		d = column_decoder_new();
		values = calloc(BLOCK_MAX_ROWS, sizeof(*values));
	}
	n_columns = (uint32_t)cursor_uint(&in, 1) % 16 + 1;
	for (uint32_t i = 0; i < n_columns; i++)
		types[i] = (uint8_t)(cursor_uint(&in, 1) % (FIELD_TEXT + 1));
	if (in.bad ||
		column_decoder_open(d, in.p, cursor_left(&in), types, n_columns, n_rows, NULL))
		return 0;
	for (uint32_t i = 0; i < n_columns; i++) {
		column_decode(d, i, values, NULL);
		column_decode_text(d, i, values, &bytes, &n_bytes, NULL);
	}
	return 0;
}
