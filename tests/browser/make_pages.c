/* Writes the pages that the tests open: sample reports as SVG and HTML, and as folded stacks or JSON,
 * which say in plain what the pages should show. Says how long each took. make_pages FOLDER */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "render/heatmap.h"
#include "render/render.h"
#include "render/table_slices.h"
#include "render/timeline.h"
#include "render/tree.h"
#include "render/tree_slices.h"

static uint64_t state = 88172645463325252;

static uint32_t random_below(uint32_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (uint32_t)((state >> 32) % n);
}

/* ---- a small graph with known numbers ---- */

/* A stack such as "p server;u main;k ksys_read": kind and name of each frame. */
static void add_stack(struct tree *t, uint64_t weight, const char *stack)
{
	static const struct {
		char letter;
		enum frame_kind kind;
		const char *module;
	} kinds[] = {
		{ 'p', FRAME_NONE, "" },
		{ 'u', FRAME_USER, "server" },
		{ 'l', FRAME_USER, "libc.so.6" },
		{ 'i', FRAME_INLINED, "server" },
		{ 'j', FRAME_JIT, "" },
		{ 'k', FRAME_KERNEL, "[kernel]" },
		{ '?', FRAME_UNKNOWN, "" },
	};
	uint32_t node = 0;
	size_t len;

	for (; *stack; stack += len + (stack[len] == ';')) {
		size_t k = 0;

		len = strcspn(stack, ";");
		while (kinds[k].letter != *stack)
			k++;
		node = tree_child_of(t, node,
			tree_frame(t, stack + 2, len - 2, kinds[k].kind, kinds[k].module));
	}
	tree_add(t, node, weight);
}

static void fill_small(struct tree *t)
{
	static const char handler[] = "p node;j LazyCompile:*handler /app/index.js:12;";
	char stack[100];

	add_stack(t, 97, "p server;u main;u compute;i square");
	add_stack(t, 53, "p server;u main;u compute");
	add_stack(t, 31,
		"p server;u main;u read_all;l read;k entry_SYSCALL_64;k ksys_read;"
		"k copy_to_user");
	add_stack(t, 23, "p server;u main;u write_all;l write;k entry_SYSCALL_64;k ksys_write");
	add_stack(t, 17, "p server;u main;l memcpy");
	add_stack(t, 13, "p server;u main;u read_all;l memcpy");
	add_stack(t, 7, "p node;? [unknown]");
	snprintf(stack, sizeof(stack), "%sj Builtin:ArrayMap", handler);
	add_stack(t, 11, stack);
	snprintf(stack, sizeof(stack), "%sl memcpy", handler);
	add_stack(t, 1, stack);
}

/* ---- names that want out ---- */

static const char *const hostile[] = {
	"<script>alert(1)</script>",
	"</script><script>alert(2)</script>",
	"\"]]><img src=x onerror=alert(3)>",
	"]]></script><svg onload=alert(4)>",
	"<!--<script>",
	"&lt;b&gt;bold&amp;",
	"' onmouseover='alert(5)",
	"\" onmouseover=\"alert(6)",
	"javascript:alert(7)",
	"\033[31mred\033[0m",
	"bell\a back\b",
	"not utf-8: \xff\xfe\xc3(",
	"nul\xc0\x80",
	"surrogate \xed\xa0\x80",
	"noncharacter \xef\xbf\xbe",
	"rtl \xe2\x80\xaegnp.exe",
	"\xe2\x81\xa6isolate\xe2\x81\xa9",
	"line\nbreak\r\ttab",
	"sep\342\200\250arator",
	"back\\slash \\u003c",
	"a;b;c",
	"=cmd|' /C calc'!A0",
	"{{7*7}}${7*7}",
	"日本語の関数",
	"😀 emoji",
	"%s%n%p",
	"",
	"__proto__",
	"constructor",
	"x\"y'z`",
};

static void fill_hostile(struct tree *t)
{
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		uint32_t a = tree_child(t, 0, hostile[i], strlen(hostile[i]), FRAME_NONE);
		uint32_t b = tree_child_of(t, a,
			tree_frame(t, hostile[i], strlen(hostile[i]), FRAME_USER, hostile[i]));

		tree_add(t, b, 100 + i);
	}
}

/* ---- shapes ---- */

static void fill_deep(struct tree *t, unsigned depth)
{
	uint32_t node = 0;
	char name[32];

	for (unsigned i = 0; i < depth; i++) {
		int len = snprintf(name, sizeof(name), "level_%u", i % 1000);

		node = tree_child(t, node, name, (size_t)len, i % 7 ? FRAME_USER : FRAME_INLINED);
	}
	tree_add(t, node, 1000);
}

static const char *const words[] = { "alloc", "parse", "read", "write", "hash", "lookup", "insert",
	"commit", "flush", "encode", "decode", "copy", "lock", "wait", "poll", "send", "recv",
	"sort", "merge", "scan", "index", "visit", "apply", "resolve", "render" };

static uint32_t random_frame(struct tree *t, unsigned depth)
{
	enum { WORDS = sizeof(words) / sizeof(*words) };
	static const char *const modules[] = { "server", "libc.so.6", "libstdc++.so.6",
		"[kernel]" };
	uint32_t id = random_below(40) * random_below(40) + depth % 5;
	enum frame_kind kind = depth > 22 ? FRAME_KERNEL
		: id % 11 == 0            ? FRAME_INLINED
		: id % 97 == 1            ? FRAME_UNKNOWN
					  : FRAME_USER;
	char name[96];
	int len = snprintf(name, sizeof(name), "%s%s_%s%s%u",
		kind == FRAME_USER && id % 3 ? "app::" : "", words[id % WORDS],
		words[id / 7 % WORDS], id % 2 ? "_impl" : "<std::string>::operator()", id % 50);

	return tree_frame(t, name, (size_t)len, kind, modules[kind == FRAME_KERNEL ? 3 : id % 3]);
}

/* Grows until it has n nodes: each stack branches off an old one, the older the likelier. */
static void fill_big(struct tree *t, uint32_t n)
{
	uint8_t *depth = calloc(n + 64, 1);

	while (t->n_nodes < n) {
		uint32_t node = (uint32_t)((uint64_t)random_below(t->n_nodes) *
				random_below(1 << 16) >>
			16);

		for (uint32_t more = 1 + random_below(5); more && depth[node] < 70; more--) {
			uint32_t child = tree_child_of(t, node, random_frame(t, depth[node]));

			depth[child] = depth[node] + 1;
			node = child;
		}
		tree_add(t, node, 1 + random_below(1 << random_below(12)));
	}
	free(depth);
}

/* Many narrow siblings: nothing but the root can be seen at first. */
static void fill_flat(struct tree *t, uint32_t n)
{
	char name[32];

	for (uint32_t i = 0; i < n; i++) {
		int len = snprintf(name, sizeof(name), "thread_%05u", i);
		uint32_t thread = tree_child(t, 0, name, (size_t)len, FRAME_NONE);

		tree_add(t, tree_child(t, thread, "work", 4, FRAME_USER), 1 + i % 3);
	}
}

/* Frames of every kind in many shades. */
static void fill_palette(struct tree *t)
{
	char name[32];

	for (unsigned kind = 0; kind < FRAME_N_KINDS; kind++) {
		for (unsigned i = 0; i < 16; i++) {
			int len = snprintf(name, sizeof(name), "kind %u frame %u", kind, i);

			tree_add(t, tree_child(t, 0, name, (size_t)len, kind), 1);
		}
	}
}

/* ---- reports ---- */

static void add_tables(struct report *r)
{
	static const struct column columns[] = {
		{ "name", "Function", CELL_TEXT },
		{ "samples", "Samples", CELL_COUNT },
		{ "share", "Share", CELL_PERCENT },
		{ "p99", "99 %", CELL_NS },
		{ "size", "Size", CELL_BYTES },
	};
	struct table *facts = report_facts(r, "run", "The run"), *t;

	report_fact(r, facts, "Command", "./server --listen 0.0.0.0:8080");
	report_fact(r, facts, "Machine", "8 × x86_64, Linux 6.18");
	report_fact(r, facts, "Duration", "30.0 s at 997 Hz");
	t = report_table(r, "hot", "Hottest functions", columns, 5);
	for (unsigned i = 0; i < 12; i++) {
		union cell *row = table_row(r, t);

		row[0].text = hostile[i];
		row[1].count = 100000 / (i + 1);
		row[2].number = 0.4 / (i + 1);
		row[3].count = 1234567 * (uint64_t)(i * i * i);
		row[4].count = 4096ULL << i;
	}
}

static void write_file(const char *folder, const char *name, const struct report *r,
	const struct renderer *renderer, const struct render_options *o)
{
	struct timespec from, to;
	char path[4096];
	struct err err;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s%s", folder, name, renderer->suffix);
	f = fopen(path, "w");
	clock_gettime(CLOCK_MONOTONIC, &from);
	if (!f || renderer->render(r, o, f, &err)) {
		perror(path);
		exit(1);
	}
	fclose(f);
	clock_gettime(CLOCK_MONOTONIC, &to);
	fprintf(stderr, "%-28s %7.1f ms\n", strrchr(path, '/') + 1,
		(double)(to.tv_sec - from.tv_sec) * 1e3 +
			(double)(to.tv_nsec - from.tv_nsec) / 1e6);
}

static void write_report(const char *folder, const char *name, struct report *r, bool inverted)
{
	static const char *const outputs[] = { "svg", "html", "folded" };
	struct render_options o = { .min_percent = -1, .inverted = inverted };

	for (size_t i = 0; i < 3; i++)
		write_file(folder, name, r, renderer_by_name(outputs[i]), &o);
}

static void write_tree(const char *folder, const char *name, struct tree *t, const char *title)
{
	struct report r;

	tree_finish(t);
	report_init(&r, title, "server.rec · 30.0 s at 997 Hz · 8 CPUs");
	report_tree(&r, "cpu", title, t);
	write_report(folder, name, &r, false);
	report_done(&r);
	tree_done(t);
}

/* A whole report: notes, two graphs, tables, and a name in each place where one can be. */
static void write_full(const char *folder)
{
	struct tree cpu, off;
	struct report r;

	tree_init(&cpu, "samples");
	tree_init(&off, "ns");
	fill_small(&cpu);
	fill_big(&off, 3000);
	for (uint32_t n = 0; n < off.n_nodes; n++)
		off.nodes[n].self *= 12345;
	tree_finish(&cpu);
	tree_finish(&off);
	report_init(&r, "server on web-17", "server.rec · 30.0 s at 997 Hz · 8 CPUs");
	report_note(&r, NOTE_WARNING,
		"4,321 samples (1.2%%) were lost between 12.3 s and 12.9 s: "
		"the ring of CPU 3 was full. Record with larger buffers.");
	report_note(&r, NOTE_INFO, "2.1%% of stacks are truncated at 127 frames.");
	report_note(&r, NOTE_WARNING, "%s", hostile[0]);
	report_tree(&r, "cpu", "On CPU", &cpu);
	report_tree(&r, "off", "Off CPU", &off);
	add_tables(&r);
	write_report(folder, "full", &r, true);
	report_done(&r);
	tree_done(&cpu);
	tree_done(&off);
}

/* ---- heatmaps and histograms ---- */

/* A quick and a slow path, now and then a stall, and every 10 s a minute's worth of flushes. */
static uint64_t random_latency(uint64_t time_ns)
{
	uint32_t kind = random_below(1000);
	uint64_t latency = kind < 700 ? 40000 + random_below(1 << random_below(16))
		: kind < 990          ? 700000 + random_below(1 << random_below(21))
				      : 8000000 + random_below(90000000);

	return time_ns / 1000000 % 10000 < 1300 ? latency * 7 : latency;
}

static void add_latencies(struct report *r, struct histogram *reads, struct histogram *writes)
{
	struct heatmap_builder map;
	struct distribution *d = report_histogram(r, "latency", "Latency", "Latency", CELL_NS,
		"requests");

	heatmap_builder_init(&map, 0);
	for (uint64_t t = 0; t < 60000000000; t += 1 + random_below(2000000)) {
		uint64_t latency = random_latency(t);

		histogram_add(random_below(3) ? reads : writes, latency, 1);
		heatmap_add(&map, t, latency, 1);
	}
	distribution_add(r, d, "read", reads);
	distribution_add(r, d, "write <script>alert(8)</script>", writes);
	report_heatmap(r, "latency-map", "Latency over time", &map, "Latency", CELL_NS, "requests");
	heatmap_builder_done(&map);
}

static void add_busy(struct report *r)
{
	struct heatmap_builder map;
	struct heatmap *h;

	heatmap_builder_init_linear(&map, 0, 1);
	for (uint64_t cpu = 0; cpu < 8; cpu++)
		for (uint64_t t = random_below(1000000), end; t < 60000000000;
			t = end + random_below(900000000 >> cpu / 2)) {
			end = t + random_below(1 << (20 + random_below(9)));
			heatmap_add_span(&map, t, end, cpu);
		}
	h = report_heatmap(r, "busy", "CPUs", &map, "CPU", CELL_NUMBER, "ns");
	h->full = h->x.edges[1] - h->x.edges[0];
	heatmap_builder_done(&map);
}

static void write_heat_outputs(const char *folder, const char *name, struct report *r)
{
	static const char *const outputs[] = { "svg", "html", "json", "text" };
	struct render_options o = { .min_percent = -1 };

	for (size_t i = 0; i < sizeof(outputs) / sizeof(*outputs); i++)
		write_file(folder, name, r, renderer_by_name(outputs[i]), &o);
}

static void write_heat(const char *folder)
{
	struct histogram reads = { 0 }, writes = { 0 };
	struct report r;

	report_init(&r, "Disk of web-17", "disk.rec · 60.0 s");
	add_latencies(&r, &reads, &writes);
	add_busy(&r);
	write_heat_outputs(folder, "heat", &r);
	report_done(&r);
	histogram_done(&reads);
	histogram_done(&writes);
}

/* ---- heatmaps with stacks ---- */

enum { ROWS = 50, MAX_WEIGHTS = 1500000 };

/* A heatmap whose columns are seconds, with weights that are added cell by cell. */
struct seconds {
	struct heatmap_builder map;
	struct tree tree;
	struct heat_flame flame;
	struct heat_weight *weights;
	uint32_t columns;
};

static void seconds_init(struct seconds *s, uint32_t columns)
{
	memset(s, 0, sizeof(*s));
	tree_init(&s->tree, "samples");
	heatmap_builder_init_linear(&s->map, 0, 20000000);
	heatmap_builder_columns(&s->map, 1000000000);
	heatmap_builder_rows(&s->map, 0, 999999999);
	s->weights = calloc(MAX_WEIGHTS, sizeof(*s->weights));
	s->columns = columns;
}

/* In order of cells: row after row. */
static void seconds_add(struct seconds *s, uint32_t column, uint32_t row, uint32_t node, uint64_t n)
{
	heatmap_add(&s->map, column * 1000000000ULL, row * 20000000ULL, n);
	tree_add(&s->tree, node, n);
	s->weights[s->flame.n++] = (struct heat_weight){ row * s->columns + column, node, n };
}

static void seconds_done(struct seconds *s)
{
	heatmap_builder_done(&s->map);
	tree_done(&s->tree);
	free(s->weights);
}

static void seconds_write(struct seconds *s, const char *folder, const char *name, bool range)
{
	struct report r;
	struct heatmap *h;

	tree_finish(&s->tree);
	report_init(&r, hostile[1], "seconds.rec");
	h = report_heatmap(&r, "cpu_sample", hostile[0], &s->map, hostile[2], CELL_NS, "samples");
	s->flame.tree = &s->tree;
	s->flame.weights = s->weights;
	s->flame.range = range;
	h->flame = &s->flame;
	write_heat_outputs(folder, name, &r);
	report_done(&r);
	seconds_done(s);
}

/* Function f<second % 3> everywhere, and 97 samples of a hostile one in row 23. */
static void write_seconds(const char *folder, const char *name, bool range)
{
	struct seconds s;
	uint32_t base, f[3], bad;

	seconds_init(&s, 13);
	base = tree_child(&s.tree, 0, "server", 6, FRAME_NONE);
	for (uint32_t i = 0; i < 3; i++)
		f[i] = tree_child(&s.tree, base, (const char *[]){ "f0", "f1", "f2" }[i], 2,
			FRAME_USER);
	bad = tree_child(&s.tree, base, hostile[2], strlen(hostile[2]), FRAME_KERNEL);
	for (uint32_t row = 0; row < ROWS; row++) {
		for (uint32_t column = 0; column < 13; column++) {
			seconds_add(&s, column, row, f[column % 3], 1 + (column * 7 + row * 3) % 5);
			if (row == 23)
				seconds_add(&s, column, row, bad, 97);
		}
	}
	seconds_write(&s, folder, name, range);
}

/* More than a page can hold: a hundred different stacks in each of 15,000 cells. */
static void write_many(const char *folder)
{
	struct seconds s;

	seconds_init(&s, HEAT_COLUMNS);
	fill_big(&s.tree, 60000);
	for (uint32_t n = 0; n < s.tree.n_nodes; n++)
		s.tree.nodes[n].self = 0;
	for (uint32_t row = 0; row < ROWS; row++)
		for (uint32_t column = 0; column < HEAT_COLUMNS; column++)
			for (unsigned i = 0; i < 100; i++)
				seconds_add(&s, column, row, random_below(s.tree.n_nodes), 1);
	seconds_write(&s, folder, "many", true);
}

/* ---- timelines ---- */

enum { SLOTS = 97, SLOT_MS = 10, SERVER = 0, BAD = 1, WORKER = 2, N_TIMELINE_THREADS = 3 };

static uint64_t ms(uint64_t n)
{
	return n * 1000000;
}

static uint32_t named(struct timeline_builder *b, const char *text, enum timeline_kind kind)
{
	return timeline_name(b, text, strlen(text), kind);
}

static uint32_t lane_of(struct timeline_builder *b, uint32_t thread, const char *title)
{
	uint32_t lane = timeline_lane(b, TIMELINE_THREADS, title);

	b->lanes[lane].thread = thread + 1;
	b->lanes[lane].value = *title ? "" : "CPU";
	return lane;
}

static struct timeline_item piece(uint64_t from, uint64_t to, uint32_t name)
{
	return (struct timeline_item){ .from_ns = from, .to_ns = to, .name = name };
}

/* In each slot of 10 ms the server runs for 3 ms, waits for 2 ms while the worker runs, and sleeps in a read
 * for 5, in which it asks a disk for 3; the one with a bad name wakes it. */
static void fill_slots(struct timeline_builder *b)
{
	uint32_t cpu = timeline_lane(b, TIMELINE_CPUS, "CPU 0");
	uint32_t disk = timeline_lane(b, TIMELINE_DISKS, "vda <b>");
	uint32_t server = lane_of(b, SERVER, ""), calls = lane_of(b, SERVER, "syscall");
	uint32_t worker = lane_of(b, WORKER, ""), bad = lane_of(b, BAD, "");
	uint32_t running = named(b, "running", TIMELINE_RUNNING);
	uint32_t sleeping = named(b, "sleeping", TIMELINE_SLEEPING);

	b->lanes[disk].value = "bytes";
	for (uint64_t k = 0; k < SLOTS; k++) {
		uint64_t at = ms(k * SLOT_MS);
		struct timeline_item wait = piece(at + ms(3), at + ms(5),
			named(b, "waiting for a CPU", TIMELINE_WAITING));
		struct timeline_item sleep = piece(at + ms(5), at + ms(10), sleeping);
		struct timeline_item io = piece(at + ms(6), at + ms(9),
			named(b, "write", TIMELINE_WRITE));

		wait.behind = WORKER + 1;
		sleep.who = BAD + 1;
		sleep.stack = 1;
		sleep.stack_2 = 2;
		io.who = SERVER + 1;
		io.value = 4096;
		timeline_add(b, server, piece(at, at + ms(3), running));
		timeline_add(b, server, wait);
		timeline_add(b, server, sleep);
		timeline_add(b, calls,
			piece(at + ms(5), at + ms(10), named(b, "read", TIMELINE_CALL)));
		timeline_add(b, worker, piece(at + ms(3), at + ms(5), running));
		timeline_add(b, bad, piece(at + ms(9), at + ms(10), running));
		timeline_add(b, disk, io);
		timeline_add(b, cpu,
			piece(at, at + ms(3), named(b, "server 11", TIMELINE_RUNNING)));
		timeline_add(b, cpu,
			piece(at + ms(3), at + ms(5), named(b, "worker 17", TIMELINE_RUNNING)));
	}
}

/* 1009 pieces of 700 ns, a microsecond from each other, and one that takes 5 ms: the short ones are put
 * together. */
static void fill_short(struct timeline_builder *b)
{
	uint32_t lane = lane_of(b, BAD, "short");
	uint32_t name = named(b, hostile[0], TIMELINE_OTHER);

	for (uint64_t i = 0; i < 1009; i++)
		timeline_add(b, lane, piece(1000 * i, 1000 * i + 700, name));
	timeline_add(b, lane, piece(ms(20), ms(25), named(b, "long", TIMELINE_FAULT)));
	timeline_shrink(b, &lane, 1, 100);
}

static struct timeline *add_timeline(struct report *r, struct timeline_builder *b,
	struct tree *stacks, const uint32_t *node_of)
{
	static const struct column columns[] = { { "lane", "Lane", CELL_TEXT } };
	struct timeline_thread *threads = arena_alloc(&r->arena, 3 * sizeof(*threads));
	struct timeline *t = report_timeline(r, "timeline", "Timeline");
	struct table *table = arena_alloc(&r->arena, sizeof(*table));

	threads[SERVER] = (struct timeline_thread){ "server", 7, 11, 0 };
	threads[BAD] = (struct timeline_thread){ hostile[1], 7, 13, 0 };
	threads[WORKER] = (struct timeline_thread){ "worker", 7, 17, 0 };
	*table = (struct table){ .columns = columns, .n_columns = 1 };
	*t = (struct timeline){ .to_ns = ms(SLOTS * SLOT_MS),
		.names = b->names,
		.n_names = b->n_names,
		.threads = threads,
		.n_threads = N_TIMELINE_THREADS,
		.lanes = b->lanes,
		.n_lanes = b->n_lanes,
		.tree = stacks,
		.node_of = node_of,
		.note = "What is not here.",
		.table = table };
	for (uint32_t i = 0; i < b->n_lanes; i++)
		table_row(r, table)[0].text = *b->lanes[i].title ? b->lanes[i].title : "a thread";
	return t;
}

static void make_stacks(struct tree *t, uint32_t node_of[3])
{
	uint32_t main = tree_child(t, 0, "main", 4, FRAME_USER);

	node_of[0] = 0;
	node_of[1] = tree_child(t, main, hostile[2], strlen(hostile[2]), FRAME_KERNEL);
	node_of[1] = tree_child(t, node_of[1], "schedule", 8, FRAME_KERNEL);
	node_of[2] = tree_child(t, main, "wakes", 5, FRAME_USER);
	tree_add(t, node_of[1], 1);
	tree_add(t, node_of[2], 1);
	tree_finish(t);
}

/* In slot k function f<k % 3> has k + 1 samples; in the second half half of them are in `late` too. */
static void make_sliced(struct tree *t, struct tree_slices *s, struct heat_weight *weights,
	uint64_t *edges)
{
	uint32_t nodes[4];

	for (uint32_t i = 0; i < 3; i++)
		nodes[i] = tree_child(t, 0, (const char *[]){ "f0", "f1", "f2" }[i], 2, FRAME_USER);
	nodes[3] = tree_child(t, 0, "late", 4, FRAME_USER);
	*s = (struct tree_slices){ SLOTS, edges, weights, 0 };
	for (uint32_t k = 0; k <= SLOTS; k++)
		edges[k] = ms(k * SLOT_MS);
	for (uint32_t k = 0; k < SLOTS; k++) {
		weights[s->n_weights++] = (struct heat_weight){ k, nodes[k % 3], k + 1 };
		tree_add(t, nodes[k % 3], k + 1);
		if (k >= 50) {
			weights[s->n_weights++] = (struct heat_weight){ k, nodes[3], 1000 };
			tree_add(t, nodes[3], 1000);
		}
	}
	tree_finish(t);
}

/* In slot k thing k % 3 is counted k + 1 times, and once took 1 µs, from slot 50 on 1 ms. */
struct sliced {
	struct slice_weight weights[SLOTS * 4];
	struct table_slices slices;
	struct histogram times[3];
};

static void make_things(struct sliced *s)
{
	size_t n = 0;

	memset(s, 0, sizeof(*s));
	for (uint32_t thing = 0; thing < 3; thing++) {
		for (uint32_t k = thing; k < SLOTS; k += 3) {
			uint64_t took = k < 50 ? 1000 : 1000000;
			const struct slice_weight list[] = { { .code = 0, .value = k + 1 },
				{ .code = 1 + SLICE_SUM, .value = took },
				{ .code = 1 + SLICE_MAX, .value = took },
				{ .code = (uint16_t)(1 + SLICE_STEPS +
					  log_scale_step(took, SLICE_BITS)),
					.value = 1 } };

			for (unsigned i = 0; i < 4; i++, n++) {
				s->weights[n] = list[i];
				s->weights[n].thing = thing;
				s->weights[n].slice = (uint16_t)k;
			}
			histogram_add(&s->times[thing], took, 1);
		}
	}
	s->slices = (struct table_slices){ ms(SLOT_MS), SLOTS, 1, 1, s->weights, n };
}

static void add_things(struct report *r, struct sliced *s)
{
	static const struct column columns[] = {
		{ "name", "Thing", CELL_TEXT },
		{ "n", "Times", CELL_COUNT, { PART_SUM, 0 } },
		{ "rate", "A second", CELL_FLOAT, { PART_RATE, 0, 1e9 } },
		{ "p50", "p50", CELL_NS, { PART_PERCENTILE, 0, 50 } },
		{ "max", "Max", CELL_NS, { PART_MAX } },
		{ "other", "Other", CELL_COUNT },
	};
	struct table *t = report_table(r, "things", "Things", columns, 6);
	struct distribution *d;

	t->slices = &s->slices;
	for (uint32_t i = 0; i < 3; i++) {
		union cell *c = table_row(r, t);

		table_thing(t, i);
		c[0].text = hostile[i];
		c[1].count = 1000 + i;
		c[5].count = 7;
	}
	d = report_histogram(r, "took", "How long things took", "Time", CELL_NS, "things");
	d->slices = &s->slices;
	for (uint32_t i = 0; i < 3; i++) {
		distribution_add(r, d, hostile[i], &s->times[i]);
		distribution_thing(d, i);
	}
}

/* In each row one sample more than in the one below. */
static void add_offsets(struct report *r, struct seconds *s)
{
	struct heatmap *h;
	uint32_t node;

	seconds_init(s, 1);
	node = tree_child(&s->tree, 0, "f", 1, FRAME_USER);
	for (uint32_t row = 0; row < ROWS; row++)
		seconds_add(s, 0, row, node, row + 1);
	tree_finish(&s->tree);
	h = report_heatmap(r, "offsets", "Samples by offset", &s->map, "Offset", CELL_NS,
		"samples");
	s->flame.tree = &s->tree;
	s->flame.weights = s->weights;
	s->flame.range = true;
	h->flame = &s->flame;
}

static void write_timeline(const char *folder)
{
	struct timeline_builder b;
	struct heatmap_builder map;
	struct tree stacks, sliced;
	struct tree_slices slices;
	struct heat_weight weights[2 * SLOTS];
	uint64_t edges[SLOTS + 1];
	uint32_t node_of[3];
	struct finding finding = { .text = hostile[3],
		.section = "timeline",
		.from_ns = ms(305),
		.to_ns = ms(310) };
	static struct sliced things;
	struct seconds offsets;
	struct report r;

	report_init(&r, hostile[0], "timeline.rec");
	report_overview(&r, "what", "17 events of %s", hostile[0]);
	report_overview(&r, "lost", "nothing");
	timeline_builder_init(&b, 0, TIMELINE_MAX_ITEMS);
	fill_slots(&b);
	fill_short(&b);
	tree_init(&stacks, "ns");
	make_stacks(&stacks, node_of);
	add_timeline(&r, &b, &stacks, node_of);
	tree_init(&sliced, "samples");
	make_sliced(&sliced, &slices, weights, edges);
	report_tree(&r, "cpu", "On CPU", &sliced);
	report_tree_slices(&r, &slices);
	heatmap_builder_init(&map, 0);
	for (uint64_t k = 0; k < SLOTS; k++)
		heatmap_add(&map, ms(k * SLOT_MS), k < 50 ? 1000 : 1000000, 1);
	report_heatmap(&r, "latency", "Latency over time", &map, "Latency", CELL_NS, "requests");
	add_offsets(&r, &offsets);
	make_things(&things);
	add_things(&r, &things);
	add_tables(&r);
	r.findings = &finding;
	r.n_findings = 1;
	write_file(folder, "timeline", &r, renderer_by_name("html"),
		&(struct render_options){ .min_percent = -1 });
	report_done(&r);
	for (unsigned i = 0; i < 3; i++)
		histogram_done(&things.times[i]);
	seconds_done(&offsets);
	heatmap_builder_done(&map);
	timeline_builder_done(&b);
	tree_done(&stacks);
	tree_done(&sliced);
}

/* As much as a page may hold: 300 lanes with 400 pieces each. */
static void write_crowd(const char *folder)
{
	struct timeline_builder b;
	struct tree stacks;
	uint32_t node_of[3], names[5];
	struct report r;

	report_init(&r, "A crowd", "crowd.rec");
	timeline_builder_init(&b, 0, TIMELINE_MAX_ITEMS);
	for (uint32_t i = 0; i < 5; i++)
		names[i] = named(&b, timeline_kind_name(i + 1), i + 1);
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t lane = lane_of(&b, i % 3, "");

		for (uint64_t k = 0, at = random_below(1000000); k < 400; k++) {
			uint64_t end = at + 1000 + random_below(1 << random_below(23));

			timeline_add(&b, lane, piece(at, end, names[k % 5]));
			at = end;
		}
	}
	tree_init(&stacks, "ns");
	make_stacks(&stacks, node_of);
	add_timeline(&r, &b, &stacks, node_of);
	write_file(folder, "crowd", &r, renderer_by_name("html"),
		&(struct render_options){ .min_percent = -1 });
	report_done(&r);
	timeline_builder_done(&b);
	tree_done(&stacks);
}

int main(int argc, char **argv)
{
	struct tree t;

	if (argc != 2) {
		fprintf(stderr, "usage: make_pages FOLDER\n");
		return 2;
	}
	write_full(argv[1]);
	write_heat(argv[1]);
	write_seconds(argv[1], "seconds", true);
	write_seconds(argv[1], "rectangle", false);
	write_many(argv[1]);
	write_timeline(argv[1]);
	write_crowd(argv[1]);
	tree_init(&t, "samples");
	fill_small(&t);
	write_tree(argv[1], "small", &t, "CPU samples");
	tree_init(&t, "samples");
	fill_hostile(&t);
	write_tree(argv[1], "hostile", &t, "<script>alert(0)</script> & \"friends\" ]]>");
	tree_init(&t, "samples");
	write_tree(argv[1], "empty", &t, "CPU samples");
	tree_init(&t, "samples");
	fill_deep(&t, 5000);
	write_tree(argv[1], "deep", &t, "A deep stack");
	tree_init(&t, "samples");
	fill_flat(&t, 20000);
	write_tree(argv[1], "flat", &t, "Many threads");
	tree_init(&t, "samples");
	fill_palette(&t);
	write_tree(argv[1], "palette", &t, "All colours");
	tree_init(&t, "ns");
	fill_big(&t, 30000);
	write_tree(argv[1], "big", &t, "Time off CPU");
	tree_init(&t, "samples");
	fill_big(&t, 300000);
	write_tree(argv[1], "huge", &t, "CPU samples of a large service");
	return 0;
}
