/* The auxiliary vector says where it is (getauxval(3)), only the list of mappings how long. */
#include "format/symbols/vdso.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "format/symbols/lines.h"

/* The bytes from start to the end of the mapping that starts there, or 0. */
static size_t mapped_size(struct lines *maps, uint64_t start)
{
	const char *line;
	size_t len;

	while (lines_fill(maps)) {
		while ((line = lines_next(maps, &len))) {
			const char *p = line, *end = line + len;
			uint64_t from, to;

			if (take_hex(&p, end, &from) && take_char(&p, end, '-') &&
				take_hex(&p, end, &to) && from == start && to > from)
				return to - from;
		}
	}
	return 0;
}

int vdso_open(struct elf_image *e, struct err *err)
{
	uint64_t start = getauxval(AT_SYSINFO_EHDR);
	struct lines maps;
	size_t size;
	int fd;

	if (!start)
		return err_set(err, ENOENT, "the kernel gave this process no vdso");
	fd = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "open '/proc/self/maps'");
	lines_init(&maps, fd, 16 << 10, UINT64_MAX);
	size = mapped_size(&maps, start);
	lines_done(&maps);
	close(fd);
	if (!size)
		return err_set(err, ENOENT, "the vdso is not among the mappings");
	return elf_image_open_memory(e, (const void *)start, size, err);
}
