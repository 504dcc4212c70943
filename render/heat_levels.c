#include "render/heat_levels.h"

/* inferno, by Nathaniel J. Smith and Stefan van der Walt, in even steps of lightness, without the
 * ends that could not be told from the background. */
static const uint32_t light[HEAT_COLORS] = { 0xf9eb7b, 0xf6d747, 0xfabd2e, 0xfca20c, 0xf78915,
	0xef7024, 0xe25a36, 0xd04746, 0xbc3754, 0xa22d61, 0x892369, 0x6f1a6d, 0x56126b, 0x3e0b64,
	0x2a0c4e, 0x160b39 };
static const uint32_t dark[HEAT_COLORS] = { 0x7d1f6b, 0x902568, 0xa32e61, 0xb63557, 0xc6404e,
	0xd64c41, 0xe25b35, 0xec6c29, 0xf47d18, 0xf89113, 0xfca40b, 0xfbb828, 0xf8cc3c, 0xf7de59,
	0xfaed7e, 0xfcfc9e };

/* The whole part of the square root, bit by bit. */
static uint64_t root(unsigned __int128 v)
{
	uint64_t r = 0;

	for (int bit = 63; bit >= 0; bit--) {
		uint64_t next = r | 1ULL << bit;

		if ((unsigned __int128)next * next <= v)
			r = next;
	}
	return r;
}

/* Fills what is between from[first] and from[last] by geometric means: even on a log scale. The
 * distance is a power of two. */
static void divide(uint64_t *from, unsigned first, unsigned last)
{
	for (unsigned step = last - first; step > 1; step /= 2)
		for (unsigned i = first; i < last; i += step)
			from[i + step / 2] = root((unsigned __int128)from[i] * from[i + step]);
}

static void log_steps(struct heat_levels *l, uint64_t max, unsigned most)
{
	uint64_t from[HEAT_COLORS + 1];

	from[0] = 1;
	from[most] = max;
	if (max > most)
		divide(from, 0, most);
	for (unsigned i = 1; max <= most && i < max; i++)
		from[i] = i + 1;
	for (unsigned i = 0; i < most && i < max; i++)
		if (!i || from[i] > l->from[l->n - 1])
			l->from[l->n++] = from[i];
	l->from[l->n] = max;
}

static void even_steps(struct heat_levels *l, uint64_t full, unsigned most)
{
	for (unsigned i = 0; i <= most; i++)
		l->from[i] = i ? (uint64_t)((unsigned __int128)full * i / most) : 1;
	l->n = most;
}

struct heat_levels heat_levels_of(const struct heatmap *h, unsigned most)
{
	struct heat_levels l = { 0 };
	uint64_t max = 0;

	for (size_t i = 0; i < (size_t)h->x.n * h->y.n; i++)
		max = h->cells[i] > max ? h->cells[i] : max;
	if (h->full)
		even_steps(&l, h->full, most);
	else if (h->linear && max > most)
		even_steps(&l, max, most);
	else if (max)
		log_steps(&l, max, most);
	return l;
}

unsigned heat_level(const struct heat_levels *l, uint64_t count)
{
	unsigned level = 0;

	while (count && level < l->n && l->from[level] <= count)
		level++;
	return count && !level ? 1 : level;
}

unsigned heat_color(const struct heat_levels *l, unsigned level)
{
	return l->n > 1 ? (level - 1) * (HEAT_COLORS - 1) / (l->n - 1) : HEAT_COLORS / 2;
}

uint32_t heat_light(unsigned color)
{
	return light[color];
}

static void put_rules(FILE *out, const uint32_t *colors)
{
	for (unsigned i = 0; i < HEAT_COLORS; i++)
		fprintf(out, ".h%u{fill:#%06x;stroke:#%06x}\n", i, (unsigned)colors[i],
			(unsigned)colors[i]);
}

void heat_put_css(FILE *out)
{
	put_rules(out, light);
	fputs("@media (prefers-color-scheme:dark){\n", out);
	put_rules(out, dark);
	fputs("}\n", out);
}
