/* `rec list` and `rec doctor`: what can be recorded here, and what would change that. */
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "record/command.h"
#include "record/facility.h"
#include "record/source.h"

enum { EXIT_NO = 1 };

static const char *const words[] = {
	[FACILITY_WORKS] = "works",
	[FACILITY_LESSER] = "lesser",
	[FACILITY_ABSENT] = "no",
};

/* What a source cannot do without, or what does instead. */
static void probe_need(const struct source *s, const char *need, struct finding *f)
{
	struct finding instead;

	facility_probe(need, f);
	if (f->state != FACILITY_ABSENT || !s->instead_of_bpf || strcmp(need, "BPF") != 0)
		return;
	facility_probe(s->instead_of_bpf, &instead);
	if (instead.state == FACILITY_ABSENT)
		return;
	f->state = FACILITY_LESSER;
	snprintf(instead.what, sizeof(instead.what), "by %s, which cost more%s%s: %.150s",
		s->instead_of_bpf, s->instead_lacks ? " and do not tell " : "",
		s->instead_lacks ? s->instead_lacks : "", f->what);
	memcpy(f->what, instead.what, sizeof(f->what));
}

/* The worst of what a source cannot do without, or else of what makes it better. */
static void judge(const struct source *s, struct finding *worst)
{
	struct finding f;

	*worst = (struct finding){ FACILITY_WORKS };
	for (int i = 0; i < SOURCE_NEEDS && s->needs[i]; i++) {
		probe_need(s, s->needs[i], &f);
		if (i == 0 || f.state > worst->state)
			*worst = f;
	}
	for (int i = 0; worst->state != FACILITY_ABSENT && i < SOURCE_BETTER && s->better_with[i];
		i++) {
		facility_probe(s->better_with[i], &f);
		if (f.state != FACILITY_WORKS && worst->state == FACILITY_WORKS) {
			*worst = f;
			worst->state = FACILITY_LESSER;
		}
	}
}

static int list(void)
{
	struct finding f;
	int n = 0, n_lesser = 0;

	for (int i = 0; sources[i]; i++) {
		judge(sources[i], &f);
		n += f.state != FACILITY_ABSENT;
		n_lesser += f.state != FACILITY_WORKS;
		printf("%-8s %-7s %s\n", sources[i]->name, words[f.state], sources[i]->summary);
		if (f.state != FACILITY_WORKS)
			printf("%-16s %s\n", "", f.what);
	}
	if (n_lesser)
		printf("\n`rec doctor` says what would change that.\n");
	return n ? 0 : EXIT_NO;
}

/* Which sources do without a facility that is not there. */
static void print_lesser(const char *facility)
{
	struct finding f;

	for (int i = 0; sources[i]; i++) {
		for (int k = 0; k < SOURCE_NEEDS && sources[i]->needs[k]; k++) {
			if (strcmp(sources[i]->needs[k], facility) != 0)
				continue;
			probe_need(sources[i], facility, &f);
			if (f.state == FACILITY_LESSER)
				printf("%-26s without it: %s is recorded by %s\n", "",
					sources[i]->name, sources[i]->instead_of_bpf);
		}
	}
}

static int doctor(void)
{
	struct utsname u;
	struct finding f;
	int n_fixes = 0;

	uname(&u);
	printf("Linux %s on %s, as %s\n\n", u.release, u.machine,
		geteuid() ? "an ordinary user" : "root");
	for (int i = 0; facilities[i].name; i++) {
		memset(&f, 0, sizeof(f));
		facilities[i].probe(&f);
		printf("%-7s %-18s %s\n", words[f.state], facilities[i].name, f.what);
		if (f.state == FACILITY_WORKS)
			continue;
		printf("%-26s for: %s\n", "", facilities[i].use);
		if (f.fix[0])
			printf("%-26s change it: %s\n", "", f.fix);
		if (f.state == FACILITY_ABSENT)
			print_lesser(facilities[i].name);
		n_fixes += f.fix[0] != '\0';
	}
	facility_probe("sampling", &f);
	printf("\n%s\n",
		n_fixes ? "What is `lesser` or `no` is done without, or said when it is asked for."
			: "Everything that this kernel has can be recorded.");
	return f.state == FACILITY_ABSENT ? EXIT_NO : 0;
}

const struct command commands[] = {
	{ "list", "which sources work on this machine", list },
	{ "doctor", "what each facility here offers, and what would change that", doctor },
	{ NULL, NULL, NULL },
};
