/* The system calls that there are: names, numbers, arguments. */
#ifndef RECORD_SYSCALL_TABLE_H
#define RECORD_SYSCALL_TABLE_H

#include <stdint.h>

/* Whose numbers. */
enum syscall_numbering {
	NUMBERS_X86_64,
	NUMBERS_IA32,
	NUMBERS_GENERIC, /* arm64, riscv and whoever came later */
	N_NUMBERINGS,
};

/* The numbering of this machine's own programs. */
#if defined(__x86_64__)
enum { NUMBERS_NATIVE = NUMBERS_X86_64 };
#else
enum { NUMBERS_NATIVE = NUMBERS_GENERIC };
#endif

struct syscall_entry {
	const char *name;
	int16_t numbers[N_NUMBERINGS]; /* -1: not there */
	const char *args;              /* NAME:KIND, separated by blanks */
};

extern const struct syscall_entry syscall_table[];
extern const unsigned syscall_table_n;

#endif
