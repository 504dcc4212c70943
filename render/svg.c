#include "render/svg.h"

#include "render/escape.h"

void svg_put_pixels(FILE *out, const char *attribute, double v)
{
	unsigned long tenths = (unsigned long)(v * 10 + 0.5);

	fprintf(out, " %s=\"%lu", attribute, tenths / 10);
	if (tenths % 10)
		fprintf(out, ".%lu", tenths % 10);
	putc_unlocked('"', out);
}

void svg_put_label(FILE *out, double x, double y, enum svg_anchor anchor, const char *text)
{
	static const char *const anchors[] = {
		[SVG_START] = "",
		[SVG_MIDDLE] = " text-anchor=\"middle\"",
		[SVG_END] = " text-anchor=\"end\"",
	};

	fputs("<text", out);
	svg_put_pixels(out, "x", x);
	svg_put_pixels(out, "y", y);
	fprintf(out, " font-size=\"11\"%s" SVG_MUTED ">", anchors[anchor]);
	escape_put(out, ESCAPE_XML, text);
	fputs("</text>\n", out);
}

void svg_put_line(FILE *out, double x1, double y1, double x2, double y2)
{
	fputs("<line class=\"axis\" stroke=\"#9aa1ad\"", out);
	svg_put_pixels(out, "x1", x1);
	svg_put_pixels(out, "y1", y1);
	svg_put_pixels(out, "x2", x2);
	svg_put_pixels(out, "y2", y2);
	fputs("/>\n", out);
}
