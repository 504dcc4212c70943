#include "record/syscall_names.h"

#include <errno.h>
#include <fnmatch.h>
#include <linux/net.h>
#include <stdio.h>
#include <string.h>

#include "record/suggest.h"
#include "record/syscall_table.h"

enum { MAX_WORD = 64 };

static void add(struct syscall_name *names, unsigned abi, int number, const struct syscall_entry *e)
{
	struct syscall_name *n;

	if (number < 0 || number >= SYSCALL_NUMBERS)
		return;
	n = &names[syscall_place(abi, (unsigned)number)];
	n->name = e->name;
	syscall_args_parse(&n->args, e->args);
}

void syscall_names(struct syscall_name names[SYSCALL_PLACES])
{
	memset(names, 0, SYSCALL_PLACES * sizeof(*names));
	for (unsigned i = 0; i < syscall_table_n; i++) {
		const struct syscall_entry *e = &syscall_table[i];

		add(names, SYSCALL_ABI_NATIVE, e->numbers[NUMBERS_NATIVE], e);
		if (NUMBERS_NATIVE == (int)NUMBERS_X86_64)
			add(names, SYSCALL_ABI_IA32, e->numbers[NUMBERS_IA32], e);
	}
}

void syscall_traits(const struct syscall_name names[SYSCALL_PLACES],
	struct syscall_traits traits[SYSCALL_PLACES])
{
	for (unsigned i = 0; i < SYSCALL_PLACES; i++) {
		struct syscall_traits *t = &traits[i];
		const char *name = names[i].name;
		uint16_t address = 0;

		memset(t, 0, sizeof(*t));
		if (!name) {
			t->traits = SYSCALL_MANY;
			continue;
		}
		syscall_args_paths(&names[i].args, t->path);
		if (t->path[0])
			t->traits |= SYSCALL_HAS_PATHS;
		t->address = syscall_args_address(&names[i].args, &address);
		t->traits |= address;
		if (names[i].args.n > 3)
			t->traits |= SYSCALL_MANY;
		if (strcmp(name, "execve") == 0 || strcmp(name, "execveat") == 0)
			t->traits |= SYSCALL_REPLACES;
		if (strcmp(name, "exit") == 0 || strcmp(name, "exit_group") == 0)
			t->traits |= SYSCALL_NO_RETURN;
	}
}

void syscall_socketcalls(const struct syscall_name names[SYSCALL_PLACES],
	const struct syscall_traits traits[SYSCALL_PLACES],
	struct syscall_traits inner[SYSCALL_SOCKETCALLS])
{
	static const char *const calls[SYSCALL_SOCKETCALLS] = { [SYS_BIND] = "bind",
		[SYS_CONNECT] = "connect",
		[SYS_ACCEPT] = "accept",
		[SYS_GETSOCKNAME] = "getsockname",
		[SYS_GETPEERNAME] = "getpeername",
		[SYS_SENDTO] = "sendto",
		[SYS_RECVFROM] = "recvfrom",
		[SYS_SENDMSG] = "sendmsg",
		[SYS_RECVMSG] = "recvmsg",
		[SYS_ACCEPT4] = "accept4",
		[SYS_RECVMMSG] = "recvmmsg",
		[SYS_SENDMMSG] = "sendmmsg" };

	memset(inner, 0, SYSCALL_SOCKETCALLS * sizeof(*inner));
	for (unsigned i = 0; i < SYSCALL_PLACES; i++)
		for (unsigned call = 0; call < SYSCALL_SOCKETCALLS; call++)
			if (calls[call] && names[i].name && strcmp(names[i].name, calls[call]) == 0)
				inner[call] = traits[i];
}

static int unknown(const char *word, struct err *err)
{
	struct suggest s;
	int rc = err_set(err, ENOENT, "there is no system call '%s'", word);

	suggest_init(&s, word);
	for (unsigned i = 0; i < syscall_table_n; i++)
		suggest_offer(&s, syscall_table[i].name);
	suggest_append(&s, err);
	return rc;
}

/* Sets all that the word names; how many. */
static unsigned set_named(const struct syscall_name *names, const char *word, bool value,
	bool *wanted)
{
	unsigned n = 0;

	for (unsigned i = 0; i < SYSCALL_PLACES; i++) {
		if (!names[i].name || fnmatch(word, names[i].name, 0) != 0)
			continue;
		wanted[i] = value;
		n++;
	}
	return n;
}

int syscall_select(const char *list, bool wanted[SYSCALL_PLACES], struct err *err)
{
	static struct syscall_name names[SYSCALL_PLACES];
	char word[MAX_WORD];

	syscall_names(names);
	for (unsigned i = 0; i < SYSCALL_PLACES; i++)
		wanted[i] = list[0] == '!';
	for (;;) {
		size_t len = strcspn(list, ",");
		bool value = list[0] != '!';

		snprintf(word, sizeof(word), "%.*s", (int)len - !value, list + !value);
		if (!word[0])
			return err_set(err, EINVAL,
				"a name is missing in the list of system calls");
		if (!set_named(names, word, value, wanted))
			return unknown(word, err);
		if (!list[len])
			return 0;
		list += len + 1;
	}
}
