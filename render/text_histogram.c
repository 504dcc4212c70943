#include <string.h>

#include "render/escape.h"
#include "render/histogram_view.h"
#include "render/number.h"
#include "render/text_heatmap.h"

enum { BAR = 40, MIN_BAR = 8 };

/* "[4.09 µs, 8.19 µs)", in the arena. */
static const char *range_text(struct arena *a, const struct distribution *d, unsigned power)
{
	struct histogram_bucket b = histogram_power(power);
	char from[NUMBER_MAX], to[NUMBER_MAX];

	value_text(from, d->kind, b.first);
	value_text(to, d->kind, b.last == UINT64_MAX ? b.last : b.last + 1);
	return arena_printf(a, "[%s, %s)", from, to);
}

static void put_padded(FILE *out, const char *text, size_t width)
{
	for (size_t n = visible_width(text); n < width; n++)
		putc_unlocked(' ', out);
	fputs(text, out);
}

static void put_bar(FILE *out, uint64_t count, uint64_t most, unsigned room)
{
	unsigned full = (unsigned)((unsigned __int128)count * room / most);

	fputs("  |", out);
	for (unsigned i = 0; i < room; i++)
		putc_unlocked(i < full ? '@' : ' ', out);
	fputs("|\n", out);
}

static void put_percentiles(FILE *out, const struct distribution *d, const struct histogram *h)
{
	char text[NUMBER_MAX], mean[NUMBER_MAX], max[NUMBER_MAX];

	fprintf(out, "%s %s, min %s", number_count(text, h->count), d->counted,
		value_text(mean, d->kind, h->min));
	fprintf(out, ", mean %s, max %s\n", value_text(mean, d->kind, histogram_mean(h)),
		value_text(max, d->kind, h->max));
	for (unsigned i = 0; i < N_PERCENTILES; i++)
		fprintf(out, "%s%s %s", i ? "  " : "", percentiles[i].name,
			value_text(text, d->kind, histogram_percentile(h, percentiles[i].percent)));
	putc_unlocked('\n', out);
}

static void put_bars(FILE *out, const struct distribution *d, const struct histogram *h,
	unsigned width)
{
	struct histogram_view v = histogram_view_of(h);
	struct arena a = { 0 };
	size_t range_width = visible_width(d->value), count_width = strlen(d->counted), used;
	char number[NUMBER_MAX];

	for (unsigned k = v.first; k <= v.last; k++) {
		size_t n = visible_width(range_text(&a, d, k));

		range_width = n > range_width ? n : range_width;
	}
	used = strlen(number_count(number, v.most));
	count_width = used > count_width ? used : count_width;
	put_padded(out, d->value, range_width);
	fputs("  ", out);
	put_padded(out, d->counted, count_width);
	putc_unlocked('\n', out);
	used = range_width + count_width + 6;
	width = !width ? BAR : width > used + MIN_BAR ? (unsigned)(width - used) : MIN_BAR;
	for (unsigned k = v.first; k <= v.last; k++) {
		put_padded(out, range_text(&a, d, k), range_width);
		fputs("  ", out);
		put_padded(out, number_count(number, v.powers[k]), count_width);
		put_bar(out, v.powers[k], v.most, width);
	}
	arena_done(&a);
}

void text_histogram_put(FILE *out, const struct distribution *d, const struct render_options *o)
{
	for (uint32_t i = 0; i < d->n_series; i++) {
		const struct series *s = &d->series[i];

		if (i)
			putc_unlocked('\n', out);
		if (*s->name) {
			escape_put(out, ESCAPE_TEXT, s->name);
			fputs(":\n", out);
		}
		if (!s->histogram->count) {
			fputs("(nothing)\n", out);
			continue;
		}
		put_bars(out, d, s->histogram, o->width);
		put_percentiles(out, d, s->histogram);
	}
	if (!d->n_series)
		fputs("(nothing)\n", out);
}
