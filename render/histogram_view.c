#include "render/histogram_view.h"

#include "render/cell.h"

const struct percentile percentiles[N_PERCENTILES] = {
	{ 50, "p50" },
	{ 90, "p90" },
	{ 95, "p95" },
	{ 99, "p99" },
	{ 99.9, "p99.9" },
	{ 99.99, "p99.99" },
};

struct histogram_view histogram_view_of(const struct histogram *h)
{
	struct histogram_view v = { .first = HISTOGRAM_POWERS };

	histogram_powers(h, v.powers);
	for (unsigned k = 0; k < HISTOGRAM_POWERS; k++) {
		if (!v.powers[k])
			continue;
		v.first = k < v.first ? k : v.first;
		v.last = k;
		v.most = v.powers[k] > v.most ? v.powers[k] : v.most;
	}
	return v;
}

char *value_text(char *buf, enum cell_kind kind, uint64_t v)
{
	return cell_shown(buf, kind, &(union cell){ .count = v });
}
