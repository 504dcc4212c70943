#include "render/palette.h"

#include <string.h>

static const uint32_t light[FRAME_N_KINDS][PALETTE_SHADES] = {
	[FRAME_NONE] = { 0xdae4ef, 0xdfe8f3, 0xe4ecf8, 0xdde5f1, 0xe2e9f5, 0xe7edf9, 0xe1e5f2,
		0xe6e9f6 },
	[FRAME_USER] = { 0xf69462, 0xf99a62, 0xfda062, 0xf29a56, 0xf5a057, 0xf8a658, 0xeda14c,
		0xf0a74d },
	[FRAME_INLINED] = { 0xf9db86, 0xfbe18b, 0xfee68f, 0xf4e088, 0xf6e58e, 0xf8eb93, 0xeee48c,
		0xf0ea91 },
	[FRAME_JIT] = { 0x6fcda3, 0x6fd2ab, 0x6fd7b4, 0x63cfb1, 0x64d4ba, 0x66d9c2, 0x5bd1bf,
		0x5dd5c7 },
	[FRAME_KERNEL] = { 0x69acee, 0x73b0f4, 0x7cb3fa, 0x7aaaf2, 0x83adf8, 0x8db0fd, 0x8aa7f5,
		0x93aafa },
	[FRAME_UNKNOWN] = { 0x949391, 0x989795, 0x9c9c9a, 0x959593, 0x9a9997, 0x9e9d9b, 0x979694,
		0x9b9a98 },
};

static const uint32_t dark[FRAME_N_KINDS][PALETTE_SHADES] = {
	[FRAME_NONE] = { 0x252c37, 0x29303b, 0x2e343f, 0x282d38, 0x2c313c, 0x313440, 0x2b2e3a,
		0x30313e },
	[FRAME_USER] = { 0x85341b, 0x89381b, 0x8d3d1a, 0x85380c, 0x883d0b, 0x8c420a, 0x833d00,
		0x864200 },
	[FRAME_INLINED] = { 0x7d6502, 0x80690a, 0x826d12, 0x7a6807, 0x7c6d10, 0x7e7117, 0x766c0f,
		0x787016 },
	[FRAME_JIT] = { 0x1c6e5b, 0x1f7261, 0x227667, 0x156f62, 0x197368, 0x1d776e, 0x10706a,
		0x157470 },
	[FRAME_KERNEL] = { 0x1e5192, 0x295497, 0x32579c, 0x314f95, 0x3a529a, 0x42559e, 0x404d96,
		0x48509a },
	[FRAME_UNKNOWN] = { 0x444442, 0x484745, 0x4b4a48, 0x464543, 0x494846, 0x4c4b4a, 0x474644,
		0x4a4947 },
};

unsigned palette_index(const struct tree_frame *f)
{
	return f->kind * PALETTE_SHADES +
		(unsigned)(hash_bytes(f->name, strlen(f->name)) % PALETTE_SHADES);
}

uint32_t palette_light(unsigned index)
{
	return light[index / PALETTE_SHADES][index % PALETTE_SHADES];
}

/* fill is for the drawn picture, background for the interactive one. */
static void put_rules(FILE *out, const uint32_t colors[][PALETTE_SHADES])
{
	for (unsigned i = 0; i < PALETTE_SIZE; i++) {
		unsigned rgb = colors[i / PALETTE_SHADES][i % PALETTE_SHADES];

		fprintf(out, ".c%u{fill:#%06x;background-color:#%06x}\n", i, rgb, rgb);
	}
}

void palette_put_css(FILE *out)
{
	put_rules(out, light);
	fputs("@media (prefers-color-scheme:dark){\n", out);
	put_rules(out, dark);
	fputs("}\n", out);
}
