/* The functions of libarchive that are used, loaded when the first archive is met: it brings so many libraries of its
 * own that linking it would make each start of `ana` four times as slow. */
#ifndef ANALYZE_LIBARCHIVE_H
#define ANALYZE_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "format/base/err.h"

#define LIBARCHIVE_FUNCTIONS(F) \
	F(archive_entry_filetype) \
	F(archive_entry_free) \
	F(archive_entry_hardlink) \
	F(archive_entry_is_encrypted) \
	F(archive_entry_new) \
	F(archive_entry_pathname) \
	F(archive_entry_set_filetype) \
	F(archive_entry_set_mtime) \
	F(archive_entry_set_pathname) \
	F(archive_entry_set_perm) \
	F(archive_entry_set_size) \
	F(archive_errno) \
	F(archive_error_string) \
	F(archive_filter_bytes) \
	F(archive_format) \
	F(archive_read_append_filter) \
	F(archive_read_data_block) \
	F(archive_read_free) \
	F(archive_read_new) \
	F(archive_read_next_header) \
	F(archive_read_open1) \
	F(archive_read_set_callback_data) \
	F(archive_read_set_read_callback) \
	F(archive_read_set_seek_callback) \
	F(archive_read_set_skip_callback) \
	F(archive_read_support_format_raw) \
	F(archive_read_support_format_tar) \
	F(archive_read_support_format_zip) \
	F(archive_set_error) \
	F(archive_write_add_filter) \
	F(archive_write_close) \
	F(archive_write_data) \
	F(archive_write_free) \
	F(archive_write_header) \
	F(archive_write_new) \
	F(archive_write_open_fd) \
	F(archive_write_set_bytes_in_last_block) \
	F(archive_write_set_format)

struct libarchive {
#define LIBARCHIVE_POINTER(name) __typeof__(name) *name;
	LIBARCHIVE_FUNCTIONS(LIBARCHIVE_POINTER)
#undef LIBARCHIVE_POINTER
};

/* The library; NULL and which package to install if it is not there. */
const struct libarchive *libarchive_load(struct err *err);

#endif
