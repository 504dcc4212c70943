/* Small facts from /proc, /sys and uname. What cannot be read is left out. */
#include "record/machine.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "format/base/arena.h"
#include "format/symbols/build_id.h"
#include "gen/events.h"
#include "record/cpus.h"
#include "record/perf_event.h"

static uint64_t read_clock(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* Both clocks at one moment: the closest of a few tries. */
static void read_clocks(uint64_t *mono, uint64_t *real, uint64_t *apart)
{
	*apart = UINT64_MAX;
	for (int i = 0; i < 5; i++) {
		uint64_t before = read_clock(CLOCK_MONOTONIC), r = read_clock(CLOCK_REALTIME);
		uint64_t after = read_clock(CLOCK_MONOTONIC);

		if (after - before >= *apart)
			continue;
		*apart = after - before;
		*mono = before + *apart / 2;
		*real = r;
	}
}

static bool read_line(const char *path, char *text, size_t size)
{
	FILE *f = fopen(path, "re");
	bool ok = f && fgets(text, (int)size, f);

	if (f)
		fclose(f);
	if (ok)
		text[strcspn(text, "\n")] = '\0';
	return ok;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void machine_clocks(struct writer_config *config)
{
	uint64_t apart;
	char text[64];
	unsigned n = 0;

	read_clocks(&config->start_ns, &config->start_real_ns, &apart);
	if (!read_line("/proc/sys/kernel/random/boot_id", text, sizeof(text)))
		return;
	for (const char *p = text; *p && n < 32; p++) {
		if (hex_digit(*p) < 0)
			continue;
		config->boot_id[n / 2] = (uint8_t)(config->boot_id[n / 2] << 4 | hex_digit(*p));
		n++;
	}
}

static void info_number(struct writer *w, const char *key, uint64_t v)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	writer_info(w, key, text);
}

static void cpu_model(struct writer *w)
{
	FILE *f = fopen("/proc/cpuinfo", "re");
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		line[strcspn(line, "\n")] = '\0';
		writer_info(w, "machine.cpu", colon + 1 + strspn(colon + 1, " "));
		break;
	}
	if (f)
		fclose(f);
}

static void kernel_build_id(struct writer *w)
{
	char hex[BUILD_ID_HEX];
	struct build_id id;

	if (build_id_of_notes_file(KERNEL_NOTES_PATH, &id, NULL) == 0)
		writer_info(w, "kernel.build_id", build_id_hex(&id, hex));
}

void machine_info(struct writer *w)
{
	struct utsname u;
	char text[128];
	int *cpus;

	if (uname(&u) == 0) {
		writer_info(w, "machine.host", u.nodename);
		writer_info(w, "machine.arch", u.machine);
		writer_info(w, "kernel.release", u.release);
		writer_info(w, "kernel.version", u.version);
	}
	kernel_build_id(w);
	cpu_model(w);
	info_number(w, "machine.cpus", cpus_online(&cpus));
	free(cpus);
	info_number(w, "machine.memory",
		(uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE));
	if (read_line("/sys/hypervisor/type", text, sizeof(text)))
		writer_info(w, "machine.virtual", text);
	else if (read_line("/sys/class/dmi/id/sys_vendor", text, sizeof(text)) &&
		(strstr(text, "QEMU") || strstr(text, "VMware") || strstr(text, "Amazon") ||
			strstr(text, "Google") || strstr(text, "Microsoft")))
		writer_info(w, "machine.virtual", text);
}

static int32_t topology(int cpu, const char *what)
{
	char path[128];

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%d/topology/%s", cpu, what);
	return (int32_t)perf_read_number(path, -1);
}

static int32_t node_of(int cpu)
{
	char path[128];

	for (int node = 0; node < 1024; node++) {
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d", node);
		if (access(path, F_OK))
			break;
		snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpu%d", node, cpu);
		if (access(path, F_OK) == 0)
			return node;
	}
	return -1;
}

void machine_read_topology(struct topology *t)
{
	int *online;

	free(t->cpus);
	t->n = cpus_online(&online);
	t->cpus = xcalloc(t->n, sizeof(*t->cpus));
	for (uint32_t i = 0; i < t->n; i++)
		t->cpus[i] = (struct cpu_topology){ .cpu = (uint32_t)online[i],
			.core = topology(online[i], "core_id"),
			.package = topology(online[i], "physical_package_id"),
			.node = node_of(online[i]),
			.online = 1 };
	free(online);
}

void machine_write_topology(const struct topology *t, struct writer *w, uint64_t time_ns)
{
	int type = writer_type(w, &event_cpu_topology, NULL);

	for (uint32_t i = 0; i < t->n; i++) {
		struct cpu_topology e = t->cpus[i];

		e.time = time_ns;
		writer_add(w, 0, type, &e);
	}
}

void machine_clock_event(struct writer *w)
{
	int type = writer_type(w, &event_clock, NULL);
	struct clock e = { 0 };
	uint64_t mono, real, apart;

	read_clocks(&mono, &real, &apart);
	e.time = mono;
	e.real = real;
	e.uncertainty = apart;
	writer_add(w, 0, type, &e);
}
