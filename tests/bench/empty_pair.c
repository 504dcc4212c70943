/* Runs a command while two empty BPF programs sit at sys_enter and sys_exit: what watching system calls costs
 * whoever does it, as a measure for those that do something.
 *
 *	empty_pair COMMAND... */
#include <bpf/bpf.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static int attach(const char *tracepoint)
{
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	int prog = bpf_prog_load(BPF_PROG_TYPE_RAW_TRACEPOINT, "empty", "GPL", nothing, 2, NULL);

	return prog < 0 ? prog : bpf_raw_tracepoint_open(tracepoint, prog);
}

int main(int argc, char **argv)
{
	int status;
	pid_t pid;

	if (argc < 2)
		return 2;
	if (attach("sys_enter") < 0 || attach("sys_exit") < 0) {
		perror("empty_pair");
		return 3;
	}
	pid = fork();
	if (!pid) {
		execvp(argv[1], argv + 1);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
