#include "tests/unit/analysis.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- stories ---- */

void story_begin(struct story *s)
{
	s->sink = memory_trace(&s->w);
	s->stream = writer_stream(s->w, "bpf", 0, 0);
}

uint32_t story_string(struct story *s, const char *text)
{
	return writer_string(s->w, text, strlen(text));
}

uint32_t story_stack(struct story *s, uint32_t root, uint32_t mapping, uint64_t address,
	const char *name)
{
	uint32_t frame = writer_frame(s->w, mapping, address, NULL);
	struct dict_symbol symbol = { .frame = frame, .name = story_string(s, name) };

	writer_symbol(s->w, &symbol);
	return writer_stack(s->w, root, frame);
}

void story_end(struct story *s)
{
	size_t len;
	uint8_t *bytes = finish_trace(s->w, s->sink, &len);
	int fd;

	snprintf(s->path, sizeof(s->path), "/tmp/story-XXXXXX");
	fd = mkstemp(s->path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	close(fd);
	free(bytes);
}

void story_done(struct story *s)
{
	unlink(s->path);
}

/* ---- analyses ---- */

void analysis_run(struct analysis *a, const struct analyzer *analyzer, const struct story *s)
{
	struct err err = { "" };

	filter_init(&a->options.filter);
	a->files[0] = s->path;
	a->options.files = a->files;
	a->options.n_files = 1;
	report_init(&a->report, analyzer->title, "");
	a->list[0] = analyzer;
	a->pass = pass_new(a->list, 1, &a->options);
	if (pass_run(a->pass, &a->report, &err))
		fail_msg("%s", err.text);
}

void analysis_done(struct analysis *a)
{
	report_done(&a->report);
	pass_free(a->pass);
	filter_done(&a->options.filter);
}

/* ---- what is in a report ---- */

const struct section *analysis_find(const struct analysis *a, const char *id)
{
	for (uint32_t i = 0; i < a->report.n_sections; i++)
		if (strcmp(a->report.sections[i].id, id) == 0)
			return &a->report.sections[i];
	return NULL;
}

const struct section *analysis_section(const struct analysis *a, const char *id)
{
	const struct section *s = analysis_find(a, id);

	if (!s)
		fail_msg("no section %s", id);
	return s;
}

const struct table *analysis_table(const struct analysis *a, const char *id)
{
	const struct section *s = analysis_section(a, id);

	assert_int_equal(s->kind, SECTION_TABLE);
	return s->table;
}

static uint32_t column_of(const struct table *t, const char *name)
{
	for (uint32_t i = 0; i < t->n_columns; i++)
		if (strcmp(t->columns[i].name, name) == 0)
			return i;
	fail_msg("no column %s", name);
	return 0;
}

const union cell *analysis_cell(const struct analysis *a, const char *id, const char *by,
	const char *text, const char *column)
{
	const struct table *t = analysis_table(a, id);
	uint32_t where = by ? column_of(t, by) : 0, what = column_of(t, column);

	for (uint32_t i = 0; i < t->n_rows; i++) {
		const union cell *row = t->cells + (size_t)i * t->n_columns;

		if (!text || strcmp(row[where].text, text) == 0)
			return &row[what];
	}
	fail_msg("no %s of %s in %s", column, text ? text : "anything", id);
	return NULL;
}

bool analysis_notes(const struct analysis *a, const char *part)
{
	for (uint32_t i = 0; i < a->report.n_notes; i++)
		if (strstr(a->report.notes[i].text, part))
			return true;
	return false;
}
