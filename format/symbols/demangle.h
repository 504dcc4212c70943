/* From the names that linkers see to the names that people wrote: C++ (Itanium ABI) and Rust
 * (legacy and v0), by libiberty, as in binutils and gdb.
 *
 * Without the types of parameters, as perf and pprof show functions: a flame graph has no room for
 * them, and the linker's name in the trace still tells overloads apart. What follows the mangled
 * name stays readable: `_ZN1A1fEv.cold` becomes `A::f [clone .cold]`, `@plt` and `@@VERSION` are
 * kept; the hashes of Rust (`::h0123456789abcdef`) and LLVM (`.llvm.42`) say nothing and are
 * dropped. */
#ifndef SYMBOLS_DEMANGLE_H
#define SYMBOLS_DEMANGLE_H

#include "format/base/arena.h"

enum {
	MANGLED_MAX = 4096,     /* longer names are left as they are */
	MANGLED_CPP_MAX = 1024, /* so are those of C++, where libiberty has this limit itself */
	DEMANGLED_MAX = 16384,  /* and those that would become longer: 200 bytes can stand for
				   gigabytes */
};

/* The readable name, in the arena; NULL if the name is not mangled or cannot be read. */
const char *demangle(struct arena *a, const char *name);

#endif
