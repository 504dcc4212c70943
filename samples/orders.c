/* A small service in which some requests are slow, for `make demo` and specs/tutorial.md.
 *
 *	orders [--mended]
 *
 * Two clients send 997 orders over sockets, one after the other, to a worker each. A worker prices an order and
 * adds it to the journal, under a lock. With every 97th order the archiver compresses the journal and writes it
 * to disk, and holds the lock all the while: the orders that come then have to wait. It says how long orders
 * took, as the service's own statistics would. --mended: the archiver copies the journal and lets go of the
 * lock first. */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	ORDERS = 997,
	ORDERS_PER_ARCHIVE = 97,
	WORKERS = 2,
	JOURNAL = 1 << 16,
	ENTRY = JOURNAL / ORDERS_PER_ARCHIVE,
	WINDOW = 127,
	MATCH = 64,
	SLOW_US = 10000,
};

struct order {
	uint32_t number, price;
	char item[56];
};

static char journal[JOURNAL + ENTRY];
static size_t journal_len;
static unsigned n_archived, n_journaled;
static pthread_mutex_t journal_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t journal_full = PTHREAD_COND_INITIALIZER;
static bool mended, closing;

static int sockets[WORKERS][2]; /* client's end, worker's end */
static uint32_t took_us[ORDERS];

/* ---- the workers ---- */

static uint32_t next_random(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

static uint32_t price_order(const struct order *o)
{
	uint32_t seed = o->number + 1, price = 0;

	for (int i = 0; i < 20000; i++)
		price += next_random(&seed) % 100;
	return price;
}

static void write_entry(char *to, const struct order *o)
{
	uint32_t seed = o->number + 1;

	for (int i = 0; i < ENTRY; i++)
		to[i] = "order item price"[next_random(&seed) % 16];
}

static void add_to_journal(const struct order *o)
{
	pthread_mutex_lock(&journal_lock);
	write_entry(journal + journal_len, o);
	if (journal_len + 2 * ENTRY <= JOURNAL)
		journal_len += ENTRY;
	if (++n_journaled % ORDERS_PER_ARCHIVE == 0)
		pthread_cond_signal(&journal_full);
	pthread_mutex_unlock(&journal_lock);
}

static void *work(void *socket)
{
	int fd = *(int *)socket;
	struct order o;

	while (read(fd, &o, sizeof(o)) == sizeof(o)) {
		o.price = price_order(&o);
		add_to_journal(&o);
		if (write(fd, &o, sizeof(o)) != sizeof(o))
			break;
	}
	return NULL;
}

/* ---- the archiver ---- */

/* How far what is at two places is the same. */
static unsigned match_length(const char *a, const char *b, unsigned max)
{
	unsigned n = 0;

	while (n < max && a[n] == b[n])
		n++;
	return n;
}

/* The longest text before `at` that goes on as it does. */
static unsigned find_match(const char *text, size_t at, size_t len, unsigned *distance)
{
	unsigned best = 0, max = len - at < MATCH ? (unsigned)(len - at) : MATCH;

	for (unsigned back = 1; back <= WINDOW && back <= at; back++) {
		unsigned n = match_length(text + at - back, text + at, max);

		if (n > best) {
			best = n;
			*distance = back;
		}
	}
	return best;
}

/* By references to what came before, as LZ77 does; without much ado, and so not fast. */
static size_t compress_journal(const char *from, size_t len, char *to)
{
	size_t n = 0;

	for (size_t at = 0; at < len;) {
		unsigned distance = 0, length = find_match(from, at, len, &distance);

		if (length > 2) {
			to[n++] = (char)(128 + length);
			to[n++] = (char)distance;
			at += length;
		} else {
			to[n++] = from[at++];
		}
	}
	return n;
}

static void store_archive(int fd, const char *data, size_t len)
{
	if (pwrite(fd, data, len, 0) != (ssize_t)len || fsync(fd))
		perror("orders: archive");
}

static void archive_journal(int fd)
{
	static char copy[JOURNAL + ENTRY], packed[JOURNAL + ENTRY];
	const char *from = journal;
	size_t len = journal_len;

	if (mended) {
		memcpy(copy, journal, len);
		from = copy;
		journal_len = 0;
		pthread_mutex_unlock(&journal_lock);
	}
	store_archive(fd, packed, compress_journal(from, len, packed));
	if (mended)
		pthread_mutex_lock(&journal_lock);
	else
		journal_len = 0;
}

static void *archive(void *unused)
{
	char path[] = "orders-XXXXXX";
	int fd = mkstemp(path);

	(void)unused;
	if (fd < 0) {
		perror("orders: archive");
		exit(1);
	}
	unlink(path);
	pthread_mutex_lock(&journal_lock);
	while (!closing) {
		if (n_journaled / ORDERS_PER_ARCHIVE > n_archived) {
			archive_journal(fd);
			n_archived++;
		} else {
			pthread_cond_wait(&journal_full, &journal_lock);
		}
	}
	pthread_mutex_unlock(&journal_lock);
	close(fd);
	return NULL;
}

/* ---- the clients ---- */

static uint64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void *order(void *which)
{
	const struct timespec pause = { .tv_nsec = 1500000 };
	unsigned client = (unsigned)(uintptr_t)which;
	int fd = sockets[client][0];

	for (uint32_t i = client; i < ORDERS; i += WORKERS) {
		struct order o = { .number = i, .item = "a book" };
		uint64_t from = now_us();

		if (write(fd, &o, sizeof(o)) != sizeof(o) || read(fd, &o, sizeof(o)) != sizeof(o))
			exit(1);
		took_us[i] = (uint32_t)(now_us() - from);
		nanosleep(&pause, NULL);
	}
	shutdown(fd, SHUT_WR);
	return NULL;
}

static int by_time(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void tell(void)
{
	unsigned slow = 0;

	qsort(took_us, ORDERS, sizeof(took_us[0]), by_time);
	for (int i = 0; i < ORDERS; i++)
		slow += took_us[i] > SLOW_US;
	printf("%d orders: half took less than %.1f ms, 99%% less than %.1f ms, the slowest %.1f ms; "
	       "%u took more than 10 ms\n",
		ORDERS, took_us[ORDERS / 2] / 1e3, took_us[ORDERS * 99 / 100] / 1e3,
		took_us[ORDERS - 1] / 1e3, slow);
}

static pthread_t start(void *(*run)(void *), void *arg, const char *name)
{
	pthread_t t;

	if (pthread_create(&t, NULL, run, arg))
		exit(1);
	pthread_setname_np(t, name);
	return t;
}

int main(int argc, char **argv)
{
	static const char *const names[][2] = { { "client-1", "worker-1" },
		{ "client-2", "worker-2" } };
	pthread_t clients[WORKERS], workers[WORKERS], archiver;

	mended = argc > 1 && strcmp(argv[1], "--mended") == 0;
	archiver = start(archive, NULL, "archiver");
	for (unsigned i = 0; i < WORKERS; i++) {
		if (socketpair(AF_UNIX, SOCK_STREAM, 0, sockets[i]))
			return 1;
		workers[i] = start(work, &sockets[i][1], names[i][1]);
		clients[i] = start(order, (void *)(uintptr_t)i, names[i][0]);
	}
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(clients[i], NULL);
	for (unsigned i = 0; i < WORKERS; i++)
		pthread_join(workers[i], NULL);
	pthread_mutex_lock(&journal_lock);
	closing = true;
	pthread_cond_signal(&journal_full);
	pthread_mutex_unlock(&journal_lock);
	pthread_join(archiver, NULL);
	tell();
	return 0;
}
