/* Makes a known number of system calls: 1,009 getppid; 97 openat of a file that is not there (ENOENT); 89 close
 * of a descriptor that is none (EBADF); 53 reads of one byte of /dev/zero; 7 sleeps of 11 ms. And, if asked,
 * beside these
 *
 *	calls threads     103 sched_yield in each of 3 threads
 *	calls ia32        13 getpid, 11 connects to a path where nobody is (ENOENT), 5 connects and 3 sendmsg by
 *	                  socketcall, 7 lseek to -1 and a pread64 at 2^32, as a 32-bit program would (x86-64 only)
 *	calls sockets     13 connections to a socket of its own (accept4), 17 datagrams, 11 connects to a path where
 *	                  nobody is (ENOENT), 7 accepts of nothing (EAGAIN); prints the two ports
 *	calls messages    19 sendmsg to an address, of which 7 are received by recvmsg and 5 by one recvmmsg; 3 sendmmsg of
 *	                  two and one of none; 11 sendmsg and 1 recvmsg without an address; prints the two ports
 *	calls restart     a sleep that a signal stops and SIGCONT lets go on: restart_syscall */
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	GETPPID = 1009,
	MISSING = 97,
	BAD_CLOSE = 89,
	READS = 53,
	SLEEPS = 7,
	SLEEP_NS = 11000000,
	THREADS = 3,
	YIELDS = 103,
	IA32_GETPID = 13,
	IA32_CONNECTS = 11,
	IA32_SOCKETCALL_CONNECTS = 5,
	IA32_SOCKETCALL_SENDS = 3,
	IA32_LSEEK = 7,
	CONNECTIONS = 13,
	DATAGRAMS = 17,
	NOBODY = 11,
	NO_CALLERS = 7,
	MESSAGES = 19,
	RECEIVED = 7,
	RECEIVED_AT_ONCE = 5,
	PAIRS = 3,
	UNNAMED = 11,
};

static void *yield(void *arg)
{
	for (int i = 0; i < YIELDS; i++)
		syscall(SYS_sched_yield);
	return arg;
}

static void threads(void)
{
	pthread_t t[THREADS];

	for (int i = 0; i < THREADS; i++)
		pthread_create(&t[i], NULL, yield, NULL);
	for (int i = 0; i < THREADS; i++)
		pthread_join(t[i], NULL);
}

static void must(int ok, const char *what)
{
	if (!ok) {
		perror(what);
		exit(1);
	}
}

#ifdef __x86_64__
static long ia32_call(long number, long a, long b, long c, long d, long e)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "0"(number), "b"(a), "c"(b), "d"(c), "S"(d), "D"(e)
			 : "memory", "r8", "r9", "r10", "r11");
	return (int)ret;
}

/* What such calls point to lies where 32 bits lead. */
struct low {
	struct sockaddr_un nobody;
	unsigned args[3], msg[7];
};

static void ia32_sockets(void)
{
	enum { SOCKETCALL = 102, CONNECT = 362, BY_CONNECT = 3, BY_SENDMSG = 16 };
	struct low *low = mmap(NULL, sizeof(*low), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	int stream = socket(AF_UNIX, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0);

	must(low != MAP_FAILED, "memory below 4 GiB");
	low->nobody.sun_family = AF_UNIX;
	strcpy(low->nobody.sun_path, "/nonexistent/ia32");
	for (int i = 0; i < IA32_CONNECTS; i++)
		ia32_call(CONNECT, stream, (long)&low->nobody, sizeof(low->nobody), 0, 0);
	low->args[0] = (unsigned)stream;
	low->args[1] = (unsigned)(long)&low->nobody;
	low->args[2] = sizeof(low->nobody);
	for (int i = 0; i < IA32_SOCKETCALL_CONNECTS; i++)
		ia32_call(SOCKETCALL, BY_CONNECT, (long)low->args, 0, 0, 0);
	low->msg[0] = (unsigned)(long)&low->nobody; /* msg_name, msg_namelen */
	low->msg[1] = sizeof(low->nobody);
	low->args[0] = (unsigned)datagram;
	low->args[1] = (unsigned)(long)low->msg;
	low->args[2] = 0;
	for (int i = 0; i < IA32_SOCKETCALL_SENDS; i++)
		ia32_call(SOCKETCALL, BY_SENDMSG, (long)low->args, 0, 0, 0);
}

static void ia32(void)
{
	for (int i = 0; i < IA32_GETPID; i++)
		ia32_call(20, 0, 0, 0, 0, 0);
	for (int i = 0; i < IA32_LSEEK; i++)
		ia32_call(19, -1, -1, SEEK_SET, 0, 0);
	ia32_call(180, -1, 0, 0, 0, 1); /* pread64: the last two are a half of the offset each */
	ia32_sockets();
}
#else
static void ia32(void)
{
}
#endif

/* A socket of this kind with a port of the loopback's. */
static int bound(int kind, struct sockaddr_in *to)
{
	int fd = socket(AF_INET, kind, 0);
	socklen_t len = sizeof(*to);

	*to = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	must(fd >= 0 && bind(fd, (struct sockaddr *)to, len) == 0 &&
			getsockname(fd, (struct sockaddr *)to, &len) == 0,
		"a socket on the loopback");
	return fd;
}

static void connections(int listener, const struct sockaddr_in *to)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), other;
		struct sockaddr_in from;
		socklen_t len = sizeof(from);

		must(connect(fd, (const struct sockaddr *)to, sizeof(*to)) == 0, "connect");
		other = accept4(listener, (struct sockaddr *)&from, &len, SOCK_CLOEXEC);
		must(other >= 0, "accept4");
		close(other);
		close(fd);
	}
}

static void sockets(void)
{
	struct sockaddr_un nobody = { .sun_family = AF_UNIX, .sun_path = "/nonexistent/socket" };
	struct sockaddr_in stream, datagram, from;
	int listener = bound(SOCK_STREAM, &stream), receiver = bound(SOCK_DGRAM, &datagram);
	int sender = socket(AF_INET, SOCK_DGRAM, 0), local = socket(AF_UNIX, SOCK_STREAM, 0);
	socklen_t len = sizeof(from);

	must(listen(listener, 1) == 0, "listen");
	connections(listener, &stream);
	for (int i = 0; i < DATAGRAMS; i++)
		must(sendto(sender, "x", 1, 0, (struct sockaddr *)&datagram, sizeof(datagram)) == 1,
			"sendto");
	for (int i = 0; i < NOBODY; i++)
		must(connect(local, (struct sockaddr *)&nobody, sizeof(nobody)) < 0, "nobody");
	fcntl(listener, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < NO_CALLERS; i++)
		must(accept4(listener, (struct sockaddr *)&from, &len, 0) < 0,
			"accept4 of nothing");
	close(receiver);
	printf("%d %d\n", ntohs(stream.sin_port), ntohs(datagram.sin_port));
}

static struct msghdr message_to(struct sockaddr_in *to, struct iovec *data)
{
	return (struct msghdr){ .msg_name = to,
		.msg_namelen = to ? sizeof(*to) : 0,
		.msg_iov = data,
		.msg_iovlen = 1 };
}

static void receive(int receiver)
{
	struct sockaddr_in from[RECEIVED_AT_ONCE];
	char byte[RECEIVED_AT_ONCE];
	struct iovec data[RECEIVED_AT_ONCE];
	struct mmsghdr many[RECEIVED_AT_ONCE];

	for (int i = 0; i < RECEIVED_AT_ONCE; i++) {
		data[i] = (struct iovec){ &byte[i], 1 };
		many[i] = (struct mmsghdr){ .msg_hdr = message_to(&from[i], &data[i]) };
	}
	for (int i = 0; i < RECEIVED; i++) {
		struct msghdr m = message_to(&from[0], &data[0]);

		must(recvmsg(receiver, &m, 0) == 1, "recvmsg");
	}
	must(recvmmsg(receiver, many, RECEIVED_AT_ONCE, 0, NULL) == RECEIVED_AT_ONCE, "recvmmsg");
}

static void messages(void)
{
	struct sockaddr_in there, here;
	int receiver = bound(SOCK_DGRAM, &there), sender = bound(SOCK_DGRAM, &here), pair[2];
	char byte = 'x';
	struct iovec data = { &byte, 1 };
	struct msghdr m = message_to(&there, &data), unnamed = message_to(NULL, &data);
	struct mmsghdr two[2] = { { .msg_hdr = m }, { .msg_hdr = m } };

	for (int i = 0; i < MESSAGES; i++)
		must(sendmsg(sender, &m, 0) == 1, "sendmsg");
	receive(receiver);
	for (int i = 0; i < PAIRS; i++)
		must(sendmmsg(sender, two, 2, 0) == 2, "sendmmsg");
	must(sendmmsg(sender, two, 0, 0) == 0, "sendmmsg of nothing");
	must(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "socketpair");
	for (int i = 0; i < UNNAMED; i++)
		must(sendmsg(pair[0], &unnamed, 0) == 1, "sendmsg without an address");
	must(recvmsg(pair[1], &unnamed, 0) == 1, "recvmsg without an address");
	printf("%d %d\n", ntohs(there.sin_port), ntohs(here.sin_port));
}

static void sleep_ns(long ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	nanosleep(&t, NULL);
}

/* A stopped sleep goes on as another call. */
static void restart(void)
{
	pid_t child = fork();

	if (!child) {
		sleep_ns(300000000);
		_exit(0);
	}
	sleep_ns(100000000);
	kill(child, SIGSTOP);
	waitpid(child, NULL, WUNTRACED);
	kill(child, SIGCONT);
	waitpid(child, NULL, 0);
}

int main(int argc, char **argv)
{
	const char *more = argc > 1 ? argv[1] : "";
	int zero = open("/dev/zero", O_RDONLY);
	char byte;

	for (int i = 0; i < GETPPID; i++)
		syscall(SYS_getppid);
	for (int i = 0; i < MISSING; i++)
		if (open("/nonexistent/file", O_RDWR | O_CLOEXEC) >= 0)
			return 1;
	for (int i = 0; i < BAD_CLOSE; i++)
		close(-1);
	for (int i = 0; i < READS; i++)
		if (read(zero, &byte, 1) != 1)
			return 1;
	for (int i = 0; i < SLEEPS; i++)
		sleep_ns(SLEEP_NS);
	if (strcmp(more, "threads") == 0)
		threads();
	if (strcmp(more, "ia32") == 0)
		ia32();
	if (strcmp(more, "sockets") == 0)
		sockets();
	if (strcmp(more, "messages") == 0)
		messages();
	if (strcmp(more, "restart") == 0)
		restart();
	return 0;
}
