#include "render/pixel_text.h"

/* Hundredths of the font size, from the space on. */
static const unsigned char widths[] = { 32, 41, 46, 84, 64, 96, 78, 28, 40, 40, 50, 84, 32, 37, 32,
	34, 64, 64, 64, 64, 64, 64, 64, 64, 64, 64, 34, 34, 84, 84, 84, 54, 100, 69, 69, 70, 78, 64,
	58, 78, 76, 30, 30, 66, 56, 87, 75, 79, 61, 79, 70, 64, 62, 74, 69, 99, 69, 62, 69, 40, 34,
	40, 84, 50, 50, 62, 64, 55, 64, 62, 36, 64, 64, 28, 28, 58, 28, 98, 64, 62, 64, 64, 42, 53,
	40, 64, 60, 82, 60, 60, 53, 64, 34, 64, 84 };

/* Characters beyond ASCII count as square; their bytes after the first as nothing. */
static unsigned width_at(const char *s)
{
	unsigned char c = (unsigned char)*s;

	if (c >= ' ' && c < 0x7f)
		return widths[c - ' '];
	return (c & 0xc0) == 0x80 ? 0 : 100;
}

double pixel_width(const char *s, double size)
{
	unsigned sum = 0;

	for (; *s; s++)
		sum += width_at(s);
	return sum * size / 100;
}

size_t pixel_fit(const char *s, double size, double room)
{
	unsigned sum = 0;
	size_t n = 0;

	for (; s[n]; n++) {
		sum += width_at(s + n);
		if (sum * size / 100 > room)
			break;
	}
	return n;
}
