/* Round numbers along an axis, and how to write them. */
#ifndef RENDER_TICKS_H
#define RENDER_TICKS_H

#include "render/number.h"
#include "render/report.h"

enum { MAX_TICKS = 16 };

struct tick {
	double at; /* in columns or rows from the axis's lower end: from 0 to n */
	char label[NUMBER_MAX];
};

/* At most `most` (up to MAX_TICKS), smallest first. Returns how many; where no round number lies on
 * the axis the two ends. Plain numbers (CELL_NUMBER) name the things of a row, such as CPUs, and are
 * in its middle. */
unsigned ticks_of(const struct heat_axis *axis, struct tick *ticks, unsigned most);

#endif
