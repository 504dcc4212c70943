/* Runs a command and says what it cost:
 *
 *	measure COMMAND...          seconds of CPU, seconds on the clock, KiB of memory at the most
 *
 * of the command and the children it waited for, on one line on stderr; its output is its own. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
	return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
	struct timespec start, end;
	struct rusage u;
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &start);
	pid = fork();
	if (pid == 0) {
		execvp(argv[1], argv + 1);
		perror(argv[1]);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &u) < 0)
		return 1;
	clock_gettime(CLOCK_MONOTONIC, &end);
	fprintf(stderr, "%.3f %.3f %ld\n", seconds(u.ru_utime) + seconds(u.ru_stime),
		(double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9,
		u.ru_maxrss);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}
