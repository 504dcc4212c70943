#include "record/block_rwbs.h"

#include <string.h>

static const char *take_op(const char *at, enum block_op *op)
{
	switch (*at) {
	case 'R': *op = BLOCK_OP_READ; break;
	case 'W': *op = BLOCK_OP_WRITE; break;
	case 'F': *op = BLOCK_OP_FLUSH; break;
	case 'Z': /* the letters behind it are of what is done with the zone */
		*op = BLOCK_OP_ZONE;
		return at + strlen(at);
	case 'D':
		*op = at[1] == 'E' ? BLOCK_OP_SECURE_ERASE : BLOCK_OP_DISCARD;
		at += at[1] == 'E';
		break;
	default: *op = BLOCK_OP_DRIVER_IN; /* N: something else */
	}
	return *at ? at + 1 : at;
}

enum block_op block_rwbs_parse(const char *text, uint32_t *flags)
{
	const char *at = text;
	enum block_op op;

	*flags = 0;
	if (at[0] == 'F' && at[1] && strchr("RWDNFZ", at[1])) {
		*flags |= BLOCK_FLAG_PREFLUSH;
		at++;
	}
	for (at = take_op(at, &op); *at; at++) {
		switch (*at) {
		case 'F': *flags |= BLOCK_FLAG_FUA; break;
		case 'A': *flags |= BLOCK_FLAG_READ_AHEAD; break;
		case 'S': *flags |= BLOCK_FLAG_SYNC; break;
		case 'M': *flags |= BLOCK_FLAG_METADATA; break;
		default: break;
		}
	}
	return op;
}
