/* A small but real program for `make demo`: it makes up a web server's access log, parses it, counts
 * clients and paths in hash tables, sorts them, compresses the log and writes both to disk.
 *
 *	logstats SECONDS
 *
 * Two threads make and parse, one compresses and writes with fsync, so a flame graph shows string
 * work, hashing, sorting, compression and the kernel's side of writing. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES = 20000, BUCKETS = 1 << 14, CHUNK = 1 << 21 };

struct counter {
	char key[64];
	uint64_t hits, bytes;
};

struct table {
	struct counter slots[BUCKETS];
	unsigned n;
};

struct chunk {
	char text[CHUNK];
	size_t len;
	bool full;
};

static struct chunk shared;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static double until;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* ---- making the log ---- */

static size_t put_number(char *to, unsigned v)
{
	char digits[16];
	size_t n = 0, len;

	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	for (len = 0; len < n; len++)
		to[len] = digits[n - 1 - len];
	return n;
}

static size_t put_address(char *to, uint32_t *seed)
{
	size_t n = 0;

	for (int i = 0; i < 4; i++) {
		n += put_number(to + n, next_random(seed) % (i < 2 ? 4 : 24));
		to[n++] = i < 3 ? '.' : ' ';
	}
	return n;
}

static size_t make_line(char *to, uint32_t *seed)
{
	static const char *const paths[] = { "/", "/index.html", "/api/v1/items", "/login",
		"/static/app.js", "/static/style.css", "/search?q=", "/images/" };
	const char *path = paths[next_random(seed) % 8];
	size_t n = put_address(to, seed);

	memcpy(to + n, "GET ", 4);
	n += 4;
	for (; *path; path++)
		to[n++] = *path;
	n += put_number(to + n, next_random(seed) % 500);
	to[n++] = ' ';
	n += put_number(to + n, next_random(seed) % 50 ? 200 : 500);
	to[n++] = ' ';
	n += put_number(to + n, next_random(seed) % 100000);
	to[n++] = '\n';
	return n;
}

static size_t make_log(char *to, uint32_t *seed)
{
	size_t n = 0;

	for (int i = 0; i < LINES; i++)
		n += make_line(to + n, seed);
	return n;
}

/* ---- counting ---- */

static uint32_t hash_key(const char *s, size_t len)
{
	uint32_t h = 2166136261u;

	while (len--)
		h = (h ^ (uint8_t)*s++) * 16777619u;
	return h;
}

static struct counter *find_counter(struct table *t, const char *key, size_t len)
{
	uint32_t i = hash_key(key, len) % BUCKETS;

	while (t->slots[i].hits &&
		(strncmp(t->slots[i].key, key, len) != 0 || t->slots[i].key[len]))
		i = (i + 1) % BUCKETS;
	return &t->slots[i];
}

static void count(struct table *t, const char *key, size_t len, uint64_t bytes)
{
	struct counter *c;

	if (len > 63)
		len = 63;
	c = find_counter(t, key, len);
	if (!c->hits) {
		if (t->n == BUCKETS * 3 / 4)
			return; /* full enough */
		memcpy(c->key, key, len);
		t->n++;
	}
	c->hits++;
	c->bytes += bytes;
}

static const char *parse_line(const char *p, struct table *clients, struct table *paths)
{
	const char *client = p, *path, *end;
	size_t client_len = strcspn(p, " "), path_len;

	path = p + client_len + 5;
	path_len = strcspn(path, " ");
	end = strchr(path, '\n');
	count(clients, client, client_len, strtoul(end - 5, NULL, 10));
	count(paths, path, path_len, 1);
	return end + 1;
}

static void parse_log(const char *text, size_t len, struct table *clients, struct table *paths)
{
	const char *p = text, *end = text + len;

	while (p < end)
		p = parse_line(p, clients, paths);
}

/* ---- sorting: a heap, so that the stacks are ours ---- */

static void sift(struct counter **a, size_t i, size_t n)
{
	for (size_t child; (child = 2 * i + 1) < n; i = child) {
		struct counter *swap = a[i];

		if (child + 1 < n && a[child + 1]->hits > a[child]->hits)
			child++;
		if (a[child]->hits <= swap->hits)
			return;
		a[i] = a[child];
		a[child] = swap;
	}
}

static void sort_counters(struct counter **a, size_t n)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(a, i, n);
	while (n > 1) {
		struct counter *swap = a[--n];

		a[n] = a[0];
		a[0] = swap;
		sift(a, 0, n);
	}
}

static uint64_t report(struct table *t)
{
	static __thread struct counter *sorted[BUCKETS];
	size_t n = 0;

	for (int i = 0; i < BUCKETS; i++)
		if (t->slots[i].hits)
			sorted[n++] = &t->slots[i];
	sort_counters(sorted, n);
	return n ? sorted[n - 1]->hits : 0;
}

/* ---- compressing and writing ---- */

static size_t match_length(const char *a, const char *b, const char *end)
{
	size_t n = 0;

	while (b + n < end && a[n] == b[n] && n < 255)
		n++;
	return n;
}

/* Copies or (distance, length) pairs, found through a table of four-byte beginnings. */
static size_t compress(const char *from, size_t len, char *to)
{
	static __thread uint32_t seen[1 << 14];
	const char *end = from + len;
	size_t n = 0;

	memset(seen, 0, sizeof(seen));
	for (const char *p = from; p + 4 < end;) {
		uint32_t word, at;
		size_t length;

		memcpy(&word, p, 4);
		at = word * 2654435761u >> 18;
		length = seen[at] ? match_length(from + seen[at], p, end) : 0;
		seen[at] = (uint32_t)(p - from);
		if (length < 4) {
			to[n++] = *p++;
			continue;
		}
		to[n++] = (char)0xff;
		to[n++] = (char)length;
		p += length;
	}
	return n;
}

static void write_out(int fd, const char *data, size_t len)
{
	if (pwrite(fd, data, len, 0) != (ssize_t)len)
		perror("logstats: write");
	fsync(fd);
}

/* ---- threads ---- */

static void *parser(void *arg)
{
	struct table *clients = calloc(1, sizeof(*clients)), *paths = calloc(1, sizeof(*paths));
	char *text = malloc(CHUNK);
	uint32_t seed = (uint32_t)(uintptr_t)arg;
	uint64_t most = 0;

	while (now() < until) {
		size_t len = make_log(text, &seed);

		memset(clients, 0, sizeof(*clients));
		memset(paths, 0, sizeof(*paths));
		parse_log(text, len, clients, paths);
		most += report(clients) + report(paths);
		pthread_mutex_lock(&lock);
		if (!shared.full) {
			memcpy(shared.text, text, len);
			shared.len = len;
			shared.full = true;
			pthread_cond_signal(&changed);
		}
		pthread_mutex_unlock(&lock);
	}
	free(clients);
	free(paths);
	free(text);
	return (void *)(uintptr_t)most;
}

static void *writer(void *arg)
{
	char *text = malloc(CHUNK), *packed = malloc(CHUNK + 16);
	int fd = *(int *)arg;

	while (now() < until) {
		struct timespec wait;
		size_t len = 0;

		clock_gettime(CLOCK_REALTIME, &wait);
		wait.tv_sec++;
		pthread_mutex_lock(&lock);
		if (!shared.full)
			pthread_cond_timedwait(&changed, &lock, &wait);
		if (shared.full) {
			len = shared.len;
			memcpy(text, shared.text, len);
			shared.full = false;
		}
		pthread_mutex_unlock(&lock);
		write_out(fd, packed, compress(text, len, packed));
	}
	free(text);
	free(packed);
	return NULL;
}

static pthread_t start(void *(*run)(void *), void *arg, const char *name)
{
	pthread_t t;

	if (pthread_create(&t, NULL, run, arg)) {
		perror("logstats: pthread_create");
		exit(1);
	}
	pthread_setname_np(t, name);
	return t;
}

int main(int argc, char **argv)
{
	char path[] = "/tmp/logstats-XXXXXX";
	int fd = mkstemp(path);
	pthread_t threads[3];

	if (fd < 0) {
		perror("logstats: /tmp");
		return 1;
	}
	unlink(path);
	until = now() + (argc > 1 ? strtod(argv[1], NULL) : 3);
	threads[0] = start(parser, (void *)1, "parser-1");
	threads[1] = start(parser, (void *)2, "parser-2");
	threads[2] = start(writer, &fd, "writer");
	for (int i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	close(fd);
	return 0;
}
