/* The fixed numbers of the trace format. specs/trace-format.md explains and draws them; this
 * header pins them for the code on both sides. */
#ifndef SPECS_LAYOUT_H
#define SPECS_LAYOUT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "specs/stack_flags.h"

enum {
	TRACE_MAJOR = 1, /* a reader refuses a larger one */
	TRACE_MINOR = 0, /* a larger one only adds what may be skipped */
};

/* "\x89REC": the first byte shows a transfer that cleared the eighth bit. */
#define TRACE_MAGIC 0x43455289u

enum block_kind {
	BLOCK_SEGMENT = 1,     /* starts a segment */
	BLOCK_INFO = 2,        /* facts about machine and recording: key, value */
	BLOCK_SCHEMA = 3,      /* declarations of event types and their fields */
	BLOCK_ENUMS = 4,       /* names of the values of enumerations */
	BLOCK_STRINGS = 5,     /* dictionary of texts */
	BLOCK_MAPPINGS = 6,    /* dictionary of mapped files and other homes of code */
	BLOCK_FRAMES = 7,      /* dictionary of code addresses: mapping, address */
	BLOCK_STACKS = 8,      /* dictionary of stacks, as a tree: parent, frame */
	BLOCK_SYMBOLS = 9,     /* names of frames */
	BLOCK_STREAMS = 10,    /* what the streams are */
	BLOCK_EVENTS = 11,     /* rows of one event type of one stream */
	BLOCK_SYNC = 12,       /* promise: events before its time are all written */
	BLOCK_INDEX = 13,      /* where the segment's blocks are */
	BLOCK_END = 14,        /* ends a segment */
	BLOCK_MUST_KNOW = 128, /* kinds from here on must be understood or the trace refused */
};

enum {
	BLOCK_MAX_BYTES = 1 << 20, /* of a payload; also of its rows in plain form */
	BLOCK_MAX_ROWS = 1 << 16,
	BLOCK_ROWS_PER_BYTE = 2,  /* rows of a table that one byte of its block may stand for */
	TEXT_PER_BYTE = 32,       /* bytes of text that one stored byte may stand for */
	MAX_TEXT = (1 << 16) - 1, /* bytes of one string */
	MAX_FIELDS = 256,         /* of one event type */
	MAX_EVENT_TYPES = 4096,   /* of one segment */
};

struct block_header {
	uint32_t magic;
	uint32_t crc;     /* CRC-32C of everything behind this field, payload included */
	uint32_t stored;  /* bytes of payload in the file */
	uint32_t segment; /* the same in all blocks of a segment, another in the next one */
	uint8_t kind;
	uint8_t must_know; /* flags that a reader must understand; none is defined yet */
	uint8_t may_skip;  /* flags that a reader may ignore; none is defined yet */
	uint8_t reserved;  /* zero */
	uint16_t type;     /* events: the type's number in this segment */
	uint16_t columns;  /* how many columns the payload has */
	uint32_t stream;   /* events: the stream's number in this segment */
	uint32_t count;    /* rows */
	uint64_t first;    /* events: first time in ns; dictionaries: the first row's number */
	uint64_t last;     /* events: last time in ns; sync: the time promised */
};
static_assert(sizeof(struct block_header) == 48, "block header");
static_assert(offsetof(struct block_header, kind) == 16, "block header");
static_assert(offsetof(struct block_header, stream) == 24, "block header");
static_assert(offsetof(struct block_header, first) == 32, "block header");

/* Payload of BLOCK_SEGMENT. Its header's `first` repeats start_ns. */
struct segment_payload {
	uint16_t major, minor;
	uint32_t reserved;
	uint64_t start_ns;      /* CLOCK_MONOTONIC */
	uint64_t start_real_ns; /* CLOCK_REALTIME at the same moment, since 1970 */
	uint8_t boot_id[16];    /* segments with the same share the clock of start_ns */
};
static_assert(sizeof(struct segment_payload) == 40, "segment payload");

/* Payload of BLOCK_END. */
struct end_payload {
	uint64_t segment_bytes; /* of the whole segment, this block included */
	uint64_t index_offset;  /* of the first index block, from the segment's start */
};
static_assert(sizeof(struct end_payload) == 16, "end payload");

/* Column header, first byte: encoding in the low four bits, predictor in the next three, and
 * whether LZ4 was laid over the result. */
enum {
	COLUMN_ENCODING_MASK = 0x0f,
	COLUMN_PREDICTOR_SHIFT = 4,
	COLUMN_PREDICTOR_MASK = 0x07,
	COLUMN_LZ4 = 0x80,
};

enum column_encoding {
	ENC_RAW = 0,    /* the type's bytes as they are */
	ENC_CONST = 1,  /* one value for all rows */
	ENC_PACK = 2,   /* groups of 128 in as few bits as the group's largest needs */
	ENC_BYTES = 3,  /* whole bytes, as many as the largest needs; made for LZ4 */
	ENC_CLASS = 4,  /* Huffman code of the bit length, then the bits */
	ENC_DICT = 5,   /* table of distinct values, Huffman code of the index */
	ENC_RUNS = 6,   /* values and how often each repeats */
	ENC_FOLLOW = 7, /* a function of an earlier column of the block */
	ENC_TEXT = 8,   /* lengths, then bytes */
};

enum column_predictor {
	PRED_BASE = 0,  /* residual = value - smallest */
	PRED_DELTA = 1, /* residual = difference to the row before - smallest difference */
	PRED_DRIFT = 2, /* residual = zigzag(difference to the row before - typical difference) */
};

enum {
	PACK_GROUP = 128,
	HUFFMAN_MAX_BITS = 12,
	DICT_MAX = 1024,
};

/* How a value is stored; the type of a field. */
enum field_type {
	FIELD_U8 = 1,
	FIELD_U16 = 2,
	FIELD_U32 = 3,
	FIELD_U64 = 4,
	FIELD_S8 = 5,
	FIELD_S16 = 6,
	FIELD_S32 = 7,
	FIELD_S64 = 8,
	FIELD_F64 = 9,
	FIELD_STRING = 10,  /* number in the string dictionary */
	FIELD_STACK = 11,   /* number of a stack node */
	FIELD_MAPPING = 12, /* number in the mapping dictionary */
	FIELD_TEXT = 13,    /* bytes in the column itself */
};

/* How a value wants to be shown. */
enum field_show {
	SHOW_PLAIN = 0,
	SHOW_HEX = 1,
	SHOW_ENUM = 2,  /* one of the names of the field's enumeration */
	SHOW_FLAGS = 3, /* a set of its bits */
};

enum mapping_kind {
	MAPPING_NONE = 0,   /* address is absolute, nothing known */
	MAPPING_FILE = 1,   /* an ELF file; address = offset in the file */
	MAPPING_VDSO = 2,   /* like a file, without one */
	MAPPING_KERNEL = 3, /* address = offset from `base`, the kernel's text start */
	MAPPING_MODULE = 4, /* address = offset from the module's start */
	MAPPING_JIT = 5,    /* code made at run time by process `pid`; address is absolute */
	MAPPING_BPF = 6,    /* a BPF program in the kernel; address = offset from `base` */
};

enum { BUILD_ID_MAX = 32 }; /* bytes */

#endif
