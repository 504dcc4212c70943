/* passersby N: runs N programs one after the other, each from a file of its own that is removed as soon
 * as it has ended. Each computes for 2 ms in a function called pass(). What a week of containers does to
 * a recorder, in seconds. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PASS_NS = 2000000 };

static volatile uint64_t sum;

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

__attribute__((noinline)) static void pass(void)
{
	uint64_t end = cpu_ns() + PASS_NS;

	do {
		for (int i = 0; i < 20000; i++)
			sum = sum + (uint64_t)i;
	} while (cpu_ns() < end);
}

static int copy_self(const char *to)
{
	int from = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0700);
	struct stat st;
	int rc = -1;

	if (from >= 0 && fd >= 0 && fstat(from, &st) == 0 &&
		sendfile(fd, from, NULL, (size_t)st.st_size) == st.st_size)
		rc = 0;
	close(from);
	close(fd);
	return rc;
}

static int run(const char *path)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0) {
		execl(path, path, (char *)NULL);
		_exit(127);
	}
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
	int n = argc > 1 ? atoi(argv[1]) : 0;
	char path[64];

	if (!n)
		pass();
	for (int i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "./passerby-%d-%d", (int)getpid(), i);
		if (copy_self(path) || run(path)) {
			perror(path);
			return 1;
		}
		unlink(path);
	}
	return 0;
}
