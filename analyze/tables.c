#include "analyze/tables.h"

enum { DEFAULT_TOP = 20 };

uint32_t tables_top(const struct analyze_options *o)
{
	return o->top ? o->top : DEFAULT_TOP;
}

void tables_tell_cut(struct report *r, const char *what, uint32_t n, uint32_t shown)
{
	if (shown < n)
		report_note(r, NOTE_INFO, "Of %u %s %u are shown (--top).", n, what, shown);
}

void tables_tell_budget(struct report *r, const struct histogram_budget *b)
{
	if (b->is_used_up)
		report_note(r, NOTE_WARNING,
			"There are more rows with more different times than there is memory for: "
			"percentiles may be wrong.");
}
