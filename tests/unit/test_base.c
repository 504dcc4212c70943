/* The helpers that everything else stands on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format/base/arena.h"
#include "format/base/bits.h"
#include "format/base/bytes.h"
#include "format/base/crc32c.h"
#include "format/base/err.h"
#include "format/base/map.h"
#include "format/base/number_set.h"
#include "format/base/option_table.h"
#include "format/huffman.h"
#include "tests/unit/support.h"

static void an_error_reads_as_a_sentence_of_steps(void **state)
{
	struct err err;
	char long_text[2000];

	(void)state;
	assert_int_equal(err_set(&err, EBADMSG, "checksum does not match"), -EBADMSG);
	assert_int_equal(err_step(&err, -EBADMSG, "block %d", 3), -EBADMSG);
	assert_int_equal(err_step(&err, -1, "open 'x.rec'"), -1);
	assert_string_equal(err.text, "open 'x.rec': block 3: checksum does not match");
	err_errno(&err, ENOENT, "open 'y'");
	assert_string_equal(err.text, "open 'y': No such file or directory");
	memset(long_text, 'x', sizeof(long_text));
	long_text[sizeof(long_text) - 1] = '\0';
	err_set(&err, 1, "%s", long_text);
	err_step(&err, -1, "%s", long_text);
	assert_true(strlen(err.text) < sizeof(err.text));
	assert_int_equal(err_set(NULL, 5, "nobody listens"), -5);
}

static void a_cursor_never_leaves_its_bytes(void **state)
{
	static const uint8_t bytes[] = { 1, 2, 3, 0xff, 0xff };
	struct cursor c = cursor_of(bytes, sizeof(bytes));

	(void)state;
	assert_int_equal(cursor_uint(&c, 2), 0x201);
	assert_int_equal(cursor_varint(&c), 3);
	assert_int_equal(cursor_varint(&c), 0);
	assert_true(c.bad);
	assert_null(cursor_take(&c, 1));
	c = cursor_of(bytes, 2);
	assert_null(cursor_take(&c, SIZE_MAX));
}

static void varints_come_back_and_overlong_ones_do_not(void **state)
{
	static const uint8_t overlong[] = { 255, 255, 255, 255, 255, 255, 255, 255, 255, 2 };
	struct cursor c = cursor_of(overlong, sizeof(overlong));
	uint8_t bytes[10];

	(void)state;
	cursor_varint(&c);
	assert_true(c.bad);
	for (unsigned bit = 0; bit <= 64; bit++) {
		uint64_t v = bit ? UINT64_MAX >> (64 - bit) : 0;
		struct buf b = buf_of(bytes, sizeof(bytes));

		buf_varint(&b, v);
		assert_false(b.full);
		c = cursor_of(bytes, b.len);
		assert_true(cursor_varint(&c) == v && !c.bad && c.p == c.end);
		assert_true(unzigzag(zigzag((int64_t)v)) == (int64_t)v);
	}
}

static void a_full_buffer_says_so_and_keeps_what_it_has(void **state)
{
	uint8_t bytes[4] = { 0 };
	struct buf b = buf_of(bytes, sizeof(bytes));

	(void)state;
	buf_uint(&b, 0x01020304, 4);
	assert_false(b.full);
	buf_uint(&b, 9, 1);
	assert_true(b.full);
	assert_int_equal(b.len, 4);
	assert_int_equal(bytes[3], 1);
}

static void bits_of_any_width_come_back(void **state)
{
	uint8_t bytes[4096];
	struct buf b = buf_of(bytes, sizeof(bytes));
	struct bit_writer w = { .out = &b };
	struct bit_reader r;
	uint64_t seed = 1;

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		uint64_t v = random_u64(&seed);
		unsigned width = i % 65;

		bits_put_wide(&w, width ? v >> (64 - width) : 0, width);
	}
	bits_finish(&w);
	r = bit_reader_of(bytes, bytes + b.len);
	seed = 1;
	for (unsigned i = 0; i < 400; i++) {
		uint64_t v = random_u64(&seed);
		unsigned width = i % 65;

		assert_true(bits_take_wide(&r, width) == (width ? v >> (64 - width) : 0));
	}
	assert_ptr_equal(bits_end(&r), bytes + b.len);
	bits_take(&r, 9);
	assert_true(r.bad);
}

/* RFC 3720, B.4; the sliced and the hardware path must agree on every length and alignment. */
static void crc32c_gives_the_published_values(void **state)
{
	uint8_t bytes[9000], seed_bytes[32];
	uint64_t seed = 1;

	(void)state;
	assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
	memset(seed_bytes, 0, 32);
	assert_int_equal(crc32c(0, seed_bytes, 32), 0x8a9136aa);
	memset(seed_bytes, 255, 32);
	assert_int_equal(crc32c(0, seed_bytes, 32), 0x62a8ab43);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)random_u64(&seed);
	for (size_t len = 0; len < sizeof(bytes) - 8; len += len / 7 + 1)
		assert_int_equal(crc32c(5, bytes + len % 8, len),
			crc32c_portable(5, bytes + len % 8, len));
	assert_int_equal(crc32c(crc32c(0, bytes, 4000), bytes + 4000, 5000),
		crc32c(0, bytes, 9000));
}

static void a_map_keeps_what_was_put_while_it_grows(void **state)
{
	struct map m;
	bool is_new;

	(void)state;
	map_init(&m, 4);
	for (uint32_t i = 0; i < 10000; i++)
		*map_put(&m, (uint64_t)i * 0x100000000ULL, &is_new) = i + 1;
	assert_true(is_new);
	assert_int_equal(m.count, 10000);
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(*map_get(&m, (uint64_t)i * 0x100000000ULL), i + 1);
	assert_null(map_get(&m, 5));
	*map_put(&m, 0, &is_new) += 1;
	assert_false(is_new);
	map_clear(&m);
	assert_null(map_get(&m, 0));
	assert_int_equal(m.count, 0);
	map_done(&m);
}

static void a_reserved_map_fills_up_to_what_was_reserved(void **state)
{
	struct map m;

	(void)state;
	map_init_reserved(&m, 50000);
	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < 50000; i++)
			*map_put(&m, i * 7919ULL, NULL) = i;
		for (uint32_t i = 0; i < 50000; i++)
			assert_int_equal(*map_get(&m, i * 7919ULL), i);
		assert_int_equal(m.count, 50000);
		map_clear(&m);
	}
	map_done(&m);
}

static uint64_t hash_of_word(const void *words, uint32_t number)
{
	return ((const uint64_t *)words)[number] % 1009; /* many have the same */
}

static uint32_t find_word(const struct number_set *s, const uint64_t *words, uint64_t word)
{
	uint32_t n;

	for (uint32_t at = number_set_at(s, word % 1009); (n = s->slots[at]);
		at = number_set_next(s, at))
		if (words[n] == word)
			return n;
	return 0;
}

static void a_number_set_finds_things_by_what_they_are_while_it_grows(void **state)
{
	enum { N = 5003 };
	uint64_t *words = xcalloc(N + 1, sizeof(*words));
	struct number_set s;

	(void)state;
	number_set_init(&s, N);
	for (int round = 0; round < 2; round++) {
		for (uint32_t i = 1; i <= N; i++) {
			words[i] = i * 7919ULL;
			assert_int_equal(find_word(&s, words, words[i]), 0);
			number_set_add(&s, words[i] % 1009, i, hash_of_word, words);
		}
		for (uint32_t i = 1; i <= N; i++)
			assert_int_equal(find_word(&s, words, i * 7919ULL), i);
		assert_int_equal(find_word(&s, words, 5), 0);
		assert_int_equal(s.count, N);
		number_set_clear(&s);
		for (uint32_t i = 1; i <= N; i++)
			assert_int_equal(find_word(&s, words, i * 7919ULL), 0);
	}
	number_set_done(&s);
	free(words);
}

static void an_arena_gives_zeroed_aligned_pieces_of_any_size(void **state)
{
	struct arena a = { 0 };

	(void)state;
	for (size_t size = 1; size < 5000000; size = size * 3 + 1) {
		char *p = arena_alloc(&a, size);

		assert_int_equal((uintptr_t)p % 16, 0);
		assert_int_equal(p[0], 0);
		assert_int_equal(p[size - 1], 0);
		memset(p, 1, size);
	}
	assert_string_equal(arena_printf(&a, "%d-%s", 5, "x"), "5-x");
	assert_string_equal(arena_strndup(&a, "abcdef", 3), "abc");
	arena_reset(&a);
	assert_int_equal(*(char *)arena_alloc(&a, 64), 0);
	arena_done(&a);
}

static void huffman_codes_come_back_and_are_as_short_as_entropy_allows(void **state)
{
	static struct huffman_encoder e;
	static struct huffman_decoder d;
	uint32_t count[HUFFMAN_SYMBOLS];
	uint64_t lengths[HUFFMAN_SYMBOLS], seed = 9;
	uint8_t bytes[HUFFMAN_SYMBOLS * 2];

	(void)state;
	for (uint32_t n = 1; n <= HUFFMAN_SYMBOLS; n = n * 2) {
		struct buf b = buf_of(bytes, sizeof(bytes));
		struct bit_writer w = { .out = &b };
		struct bit_reader r;

		for (uint32_t s = 0; s < n; s++) /* steep enough to meet the limit */
			count[s] = s < 24 ? 1u << (24 - s) : (uint32_t)(random_u64(&seed) % 3) + 1;
		huffman_build(&e, count, n);
		for (uint32_t s = 0; s < n; s++) {
			lengths[s] = e.length[s];
			assert_in_range(e.length[s], 1, HUFFMAN_MAX_BITS);
			huffman_put(&w, &e, s);
		}
		bits_finish(&w);
		assert_int_equal(huffman_prepare(&d, lengths, n), 0);
		r = bit_reader_of(bytes, bytes + b.len);
		for (uint32_t s = 0; s < n; s++)
			assert_int_equal(huffman_take(&r, &d), s);
		assert_false(r.bad);
	}
	memcpy(count, (uint32_t[]){ 50, 25, 12, 13 }, 16);
	assert_int_equal(huffman_build(&e, count, 4), 50 + 50 + 75);
	lengths[0] = lengths[1] = lengths[2] = 1;
	assert_int_equal(huffman_prepare(&d, lengths, 3), -EINVAL);
}

static void an_arena_forgets_what_came_behind_a_mark(void **state)
{
	struct arena a = { 0 };
	struct arena_mark empty = arena_mark(&a), mark;
	char *kept = arena_strdup(&a, "kept"), *next;

	(void)state;
	mark = arena_mark(&a);
	next = arena_strdup(&a, "forgotten");
	arena_alloc(&a, 1 << 20);
	arena_rewind(&a, mark);
	assert_ptr_equal(arena_alloc(&a, 16), next);
	assert_int_equal(next[0], 0);
	assert_string_equal(kept, "kept");
	arena_rewind(&a, empty);
	assert_null(a.chunks);
	arena_done(&a);
}

static void an_option_table_is_lines_with_all_that_help_shows(void **state)
{
	static const struct argp_option options[] = {
		{ NULL, 0, NULL, 0, "How", 1 },
		{ "unwind", 'u', "fp|none", 0, "User stacks", 0 },
		{ "idle", 256, NULL, 0, "Also idle CPUs", 0 },
		{ NULL, 'h', NULL, OPTION_HIDDEN, "As --help", 0 },
		{ 0 },
	};
	static const struct argp argp = { .options = options,
		.args_doc = "TRACE...",
		.doc = "Shows.\vFormats:\n \n  text  for a terminal" };
	static const char want[] = "about\tShows.\n"
				   "args\tTRACE...\n"
				   "group\tHow\n"
				   "option\t-u\t--unwind\tfp|none\tUser stacks\n"
				   "option\t-\t--idle\t-\tAlso idle CPUs\n"
				   "group\tHelp\n";
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	option_table_print(f, &argp);
	fclose(f);
	assert_memory_equal(text, want, sizeof(want) - 1);
	assert_non_null(strstr(text, "\t--version\t"));
	assert_null(strstr(text, "As --help"));
	assert_non_null(strstr(text, "list\tFormats:\nlist\t  text  for a terminal\n"));
	free(text);
}

static void a_word_of_an_option_is_found_whole(void **state)
{
	(void)state;
	assert_int_equal(option_word("auto|fp|none", "auto"), 0);
	assert_int_equal(option_word("auto|fp|none", "none"), 2);
	assert_int_equal(option_word("auto|fp|none", "f"), -1);
	assert_int_equal(option_word("auto|fp|none", "fpp"), -1);
	assert_int_equal(option_word("auto|fp|none", "fp|none"), -1);
	assert_int_equal(option_word("auto|fp|none", ""), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_reads_as_a_sentence_of_steps),
		cmocka_unit_test(a_cursor_never_leaves_its_bytes),
		cmocka_unit_test(varints_come_back_and_overlong_ones_do_not),
		cmocka_unit_test(a_full_buffer_says_so_and_keeps_what_it_has),
		cmocka_unit_test(bits_of_any_width_come_back),
		cmocka_unit_test(crc32c_gives_the_published_values),
		cmocka_unit_test(a_map_keeps_what_was_put_while_it_grows),
		cmocka_unit_test(a_reserved_map_fills_up_to_what_was_reserved),
		cmocka_unit_test(a_number_set_finds_things_by_what_they_are_while_it_grows),
		cmocka_unit_test(an_arena_gives_zeroed_aligned_pieces_of_any_size),
		cmocka_unit_test(an_arena_forgets_what_came_behind_a_mark),
		cmocka_unit_test(an_option_table_is_lines_with_all_that_help_shows),
		cmocka_unit_test(a_word_of_an_option_is_found_whole),
		cmocka_unit_test(huffman_codes_come_back_and_are_as_short_as_entropy_allows),
	};

	return cmocka_run_group_tests_name("base", tests, NULL, NULL);
}
