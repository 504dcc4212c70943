/* Makes code at run time, moves it and puts other code in its place, and says so in a jitdump.
 *
 *	jitcode [late|map] [FOLDER]
 *
 * Six functions run one after the other, at two places: each of the places is used three times. The dump is
 * FOLDER/jit-PID.dump (.), as in tools/perf/Documentation/jitdump-specification.txt of Linux; with `late` it is
 * written at the very end, as by a program that collects it in a large buffer; with `map` it is a perf map instead,
 * /tmp/perf-PID.map, and everything takes twice as long. Prints the name of each
 * function with the moments (CLOCK_MONOTONIC, ns) between which it ran. For x86-64. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define PLACE_BYTES 4096

enum { LOAD, MOVE, DEBUG_INFO, CLOSE };

struct header {
	uint32_t magic, version, size, machine, pad, pid;
	uint64_t time, flags;
};

struct record {
	uint32_t type, size;
	uint64_t time;
};

static FILE *dump;
static char map_path[64];
static enum { AT_ONCE, LATE, MAP } way;
static char *places[2];

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

static uint64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void put(const void *data, size_t size)
{
	must(fwrite(data, 1, size, dump) == size, "write the dump");
}

static void put_record(uint32_t type, size_t size, uint64_t time)
{
	struct record r = { type, (uint32_t)(sizeof(r) + size), time };

	put(&r, sizeof(r));
}

/* ---- code ---- */

static const uint8_t code[] = {
	0x55,             /* push %rbp */
	0x48, 0x89, 0xe5, /* mov %rsp, %rbp */
	0x48, 0xff, 0xcf, /* 1: dec %rdi */
	0x75, 0xfb,       /* jne 1b */
	0x5d,             /* pop %rbp */
	0xc3,             /* ret */
};

enum { LOOP_AT = 4, AFTER_AT = 9 };

struct function {
	const char *name;
	uint32_t line; /* of the loop */
	int place;
	int moved; /* the function before it, at another place now */
	long ms;
};

static const struct function functions[] = {
	{ "alpha", 101, 0, 0, 307 },
	{ "beta", 211, 0, 0, 401 },
	{ "beta", 0, 1, 1, 353 },
	{ "gamma", 307, 0, 0, 251 },
	{ "delta", 401, 1, 0, 307 },
	{ "epsilon", 503, 1, 0, 353 },
};

static uint64_t address_of(int place)
{
	return (uint64_t)(uintptr_t)places[place];
}

static void put_line(uint64_t address, uint32_t line, const char *file)
{
	uint32_t numbers[] = { line, 0 };

	put(&address, sizeof(address));
	put(numbers, sizeof(numbers));
	put(file, strlen(file) + 1);
}

/* The file of a line is named once; "\377" is the same again. */
static void put_lines(const struct function *f)
{
	uint64_t start = address_of(f->place), numbers[] = { start, 3 };
	char file[64];

	snprintf(file, sizeof(file), "%s.jit", f->name);
	put_record(DEBUG_INFO, sizeof(numbers) + 3 * 16 + strlen(file) + 1 + 2 * 2, now());
	put(numbers, sizeof(numbers));
	put_line(start, f->line - 1, file);
	put_line(start + LOOP_AT, f->line, "\377");
	put_line(start + AFTER_AT, f->line + 1, "\377");
}

static void put_load(const struct function *f, uint64_t index)
{
	uint32_t ids[] = { (uint32_t)getpid(), (uint32_t)getpid() };
	uint64_t start = address_of(f->place), numbers[] = { start, start, sizeof(code), index };

	put_lines(f);
	put_record(LOAD, sizeof(ids) + sizeof(numbers) + strlen(f->name) + 1 + sizeof(code), now());
	put(ids, sizeof(ids));
	put(numbers, sizeof(numbers));
	put(f->name, strlen(f->name) + 1);
	put(code, sizeof(code));
}

static void put_move(const struct function *f, uint64_t index)
{
	uint32_t ids[] = { (uint32_t)getpid(), (uint32_t)getpid() };
	uint64_t to = address_of(f->place), from = address_of(!f->place);
	uint64_t numbers[] = { to, from, to, sizeof(code), index };

	put_record(MOVE, sizeof(ids) + sizeof(numbers), now());
	put(ids, sizeof(ids));
	put(numbers, sizeof(numbers));
}

static void put_map_line(const struct function *f)
{
	fprintf(dump, "%llx %zx %s\n", (unsigned long long)address_of(f->place), sizeof(code),
		f->name);
}

static void put_function(const struct function *f, uint64_t index)
{
	if (way == MAP)
		put_map_line(f);
	else if (f->moved)
		put_move(f, index - 1);
	else
		put_load(f, index);
	if (way != LATE)
		fflush(dump);
}

static void run(const struct function *f)
{
	void (*call)(long) = (void (*)(long))(uintptr_t)places[f->place];
	uint64_t from = now(), until = from + (uint64_t)f->ms * 1000000 * (way == MAP ? 2 : 1);

	while (now() < until)
		call(100003);
	printf("%s %llu %llu\n", f->name, (unsigned long long)from, (unsigned long long)now());
}

/* ---- the dump ---- */

static void open_map(void)
{
	snprintf(map_path, sizeof(map_path), "/tmp/perf-%d.map", getpid());
	dump = fopen(map_path, "w");
	must(dump != NULL, map_path);
}

static void open_dump(const char *folder)
{
	struct header h = { 0x4a695444, 1, sizeof(h), 62, 0, (uint32_t)getpid(), now(), 0 };
	char path[4096];
	void *mark;
	int fd;

	snprintf(path, sizeof(path), "%s/jit-%d.dump", folder, getpid());
	fd = open(path, O_CREAT | O_TRUNC | O_RDWR, 0600);
	must(fd >= 0, path);
	dump = fdopen(fd, "w");
	setvbuf(dump, NULL, _IOFBF, 1 << 20);
	put(&h, sizeof(h));
	if (way != LATE)
		fflush(dump);
	/* What tells a profiler that there is a dump. */
	mark = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0);
	must(mark != MAP_FAILED, "mmap");
}

int main(int argc, char **argv)
{
	way = argc < 2                         ? AT_ONCE
		: strcmp(argv[1], "late") == 0 ? LATE
		: strcmp(argv[1], "map") == 0  ? MAP
					       : AT_ONCE;
	if (way == MAP)
		open_map();
	else
		open_dump(argc > 1 + (way == LATE) ? argv[1 + (way == LATE)] : ".");
	for (int i = 0; i < 2; i++) {
		places[i] = mmap(NULL, PLACE_BYTES, PROT_READ | PROT_WRITE | PROT_EXEC,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		must(places[i] != MAP_FAILED, "mmap");
	}
	for (uint64_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
		const struct function *f = &functions[i];

		memcpy(places[f->place], code, sizeof(code));
		put_function(f, i);
		run(f);
	}
	if (way == MAP)
		unlink(map_path); /* nobody else would */
	else
		put_record(CLOSE, 0, now());
	return fclose(dump) != 0;
}
