/* Names that break careless outputs: of threads (markup, one character, 15 bytes, no UTF-8, terminal
 * escapes) and of functions (every special character). Each thread spins MILLISECONDS of CPU time in
 * its function.
 *
 *	hostile MILLISECONDS */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static volatile unsigned long sink;
static double ms;

static double cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

#define FUNCTION(c_name, symbol) \
	void c_name(void) __asm__("\"" symbol "\""); \
	void c_name(void) \
	{ \
		double end = cpu_ms() + ms; \
		while (cpu_ms() < end) \
			for (int i = 0; i < 20000; i++) \
				sink += (unsigned long)i; \
	}

FUNCTION(markup, "<script>alert(1)</script>")
FUNCTION(cdata, "]]>&amp;<!--")
FUNCTION(quotes, "it's ; a `quote` $(id)")
FUNCTION(every, "!#$%&'()*+,-./:;<=>?@[]^_`{|}~")
FUNCTION(unicode, "caf\303\251 \342\200\256evil\342\200\254")
FUNCTION(plain, "plain")

static const struct work {
	const char *comm;
	void (*spin)(void);
} works[] = {
	{ "<script>alert(1)", markup },
	{ "\"]]>", cdata },
	{ "x", quotes },
	{ "exactly15bytes!", every },
	{ "\377\376bad\200utf8", unicode },
	{ "\033[31mred\033[0m", plain },
};

static void *run(void *arg)
{
	const struct work *w = arg;
	char name[16] = "";

	strncpy(name, w->comm, 15);
	pthread_setname_np(pthread_self(), name);
	w->spin();
	return NULL;
}

int main(int argc, char **argv)
{
	enum { N = sizeof(works) / sizeof(works[0]) };
	pthread_t threads[N];

	ms = argc > 1 ? strtod(argv[1], NULL) : 300;
	for (int i = 0; i < N; i++)
		if (pthread_create(&threads[i], NULL, run, (void *)&works[i]))
			return 1;
	for (int i = 0; i < N; i++)
		pthread_join(threads[i], NULL);
	return 0;
}
