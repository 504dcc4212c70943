/* BPF rings as the kernel fills them, made in memory; and the records in them taken apart. */
#include <linux/bpf.h>
#include <stdlib.h>
#include <string.h>

#include "record/bpf_ring.h"
#include "record/bpf_losses.h"
#include "record/bpf_rings.h"
#include "tests/unit/support.h"

enum { SIZE = 4096 };

/* The kernel's side. */
struct fake {
	struct bpf_ring ring;
	uint64_t consumer, producer;
	_Alignas(8) uint8_t data[SIZE];
};

static struct fake *fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	f->ring = (struct bpf_ring){ .fd = -1,
		.consumer = &f->consumer,
		.producer = &f->producer,
		.data = f->data,
		.size = SIZE };
	return f;
}

static void fake_free(struct fake *f)
{
	free(f->ring.whole);
	free(f);
}

static void put(struct fake *f, uint64_t at, const void *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		f->data[(at + i) % SIZE] = ((const uint8_t *)bytes)[i];
}

static void put_header(struct fake *f, uint64_t at, uint32_t header)
{
	uint32_t words[2] = { header, 0 };

	put(f, at, words, sizeof(words));
}

/* Where the record's header is. */
static uint64_t reserve(struct fake *f, const void *bytes, uint32_t n, uint32_t bits)
{
	uint64_t at = f->producer;

	put_header(f, at, n | bits);
	put(f, at + BPF_RINGBUF_HDR_SZ, bytes, n);
	f->producer += (n + BPF_RINGBUF_HDR_SZ + 7) / 8 * 8;
	return at;
}

static bool has_room(const struct fake *f, uint32_t n)
{
	return f->producer - f->consumer + n + BPF_RINGBUF_HDR_SZ + 8 <= SIZE;
}

static void check_next(struct fake *f, const void *bytes, uint32_t n)
{
	uint32_t got = 0;
	const void *p = bpf_ring_peek(&f->ring, &got);

	assert_non_null(p);
	assert_int_equal(got, n);
	assert_memory_equal(p, bytes, n);
	bpf_ring_advance(&f->ring);
}

static void records_come_in_order_also_around_the_end(void **state)
{
	struct fake *f = fake_new();
	uint64_t random = 1009, written = 1, read = 1;
	uint8_t bytes[256];
	uint32_t n;

	(void)state;
	while (read < 10007) {
		while (written % 31 && has_room(f, n = 8 + written * 7 % 249)) {
			memset(bytes, (int)(written & 0xff), n);
			reserve(f, bytes, n, 0);
			written++;
		}
		written += written % 31 == 0; /* now and then the reader is faster */
		bpf_ring_refresh(&f->ring);
		for (; read < written; read++) {
			if (read % 31 == 0)
				continue;
			n = 8 + read * 7 % 249;
			memset(bytes, (int)(read & 0xff), n);
			check_next(f, bytes, n);
			if (random_u64(&random) % 3 == 0)
				bpf_ring_release(&f->ring);
		}
		assert_null(bpf_ring_peek(&f->ring, &n));
		bpf_ring_release(&f->ring);
		assert_int_equal(f->consumer, f->producer);
	}
	fake_free(f);
}

static void what_was_not_there_when_it_was_looked_is_left(void **state)
{
	struct fake *f = fake_new();
	uint32_t n;

	(void)state;
	reserve(f, "12345678", 8, 0);
	assert_null(bpf_ring_peek(&f->ring, &n));
	bpf_ring_refresh(&f->ring);
	reserve(f, "abcdefgh", 8, 0);
	check_next(f, "12345678", 8);
	assert_null(bpf_ring_peek(&f->ring, &n));
	bpf_ring_refresh(&f->ring);
	check_next(f, "abcdefgh", 8);
	fake_free(f);
}

static void a_record_that_is_being_filled_stops_those_behind_it(void **state)
{
	struct fake *f = fake_new();
	uint64_t at;
	uint32_t n;

	(void)state;
	at = reserve(f, "12345678", 8, BPF_RINGBUF_BUSY_BIT);
	reserve(f, "abcdefgh", 8, 0);
	bpf_ring_refresh(&f->ring);
	assert_null(bpf_ring_peek(&f->ring, &n));
	put_header(f, at, 8);
	check_next(f, "12345678", 8);
	check_next(f, "abcdefgh", 8);
	fake_free(f);
}

static void discarded_records_are_stepped_over(void **state)
{
	struct fake *f = fake_new();
	uint32_t n;

	(void)state;
	reserve(f, "12345678", 8, BPF_RINGBUF_DISCARD_BIT);
	reserve(f, "abcdefgh", 8, 0);
	reserve(f, "12345678", 8, BPF_RINGBUF_DISCARD_BIT);
	bpf_ring_refresh(&f->ring);
	check_next(f, "abcdefgh", 8);
	assert_null(bpf_ring_peek(&f->ring, &n));
	bpf_ring_release(&f->ring);
	assert_int_equal(f->consumer, f->producer);
	fake_free(f);
}

static void sizes_that_reach_beyond_what_was_written_end_the_ring(void **state)
{
	static const uint32_t sizes[] = { 9, 17, SIZE, SIZE + 8, 2 * SIZE, 0x3fffffff };
	uint32_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct fake *f = fake_new();

		put_header(f, reserve(f, "12345678", 8, 0), sizes[i]);
		bpf_ring_refresh(&f->ring);
		assert_null(bpf_ring_peek(&f->ring, &n));
		reserve(f, "abcdefgh", 8, 0); /* goes on behind it */
		bpf_ring_refresh(&f->ring);
		check_next(f, "abcdefgh", 8);
		fake_free(f);
	}
}

static void a_position_farther_than_the_ring_is_large_is_not_believed(void **state)
{
	struct fake *f = fake_new();
	uint32_t n;

	(void)state;
	put_header(f, 0, 16);
	f->producer = 5 * SIZE;
	bpf_ring_refresh(&f->ring);
	assert_null(bpf_ring_peek(&f->ring, &n));
	fake_free(f);
}

/* ---- records ---- */

struct record {
	struct ring_head head;
	uint64_t words[32];
};

static void a_record_is_an_event_and_two_stacks(void **state)
{
	struct record r = { .head = { RING_OFF_CPU, 3, 2, 16, 0, 0 },
		.words = { 100, 101, 11, 12, 13, 21, 22 } };
	struct bpf_event e = { .time = 7, .stream = 9 };
	uint32_t kind;

	(void)state;
	assert_true(bpf_event_parse(&r, sizeof(r.head) + 7 * 8, &e, &kind));
	assert_int_equal(kind, RING_OFF_CPU);
	assert_ptr_equal(e.data, r.words);
	assert_ptr_equal(e.kernel, r.words + 2);
	assert_ptr_equal(e.user, r.words + 5);
	assert_int_equal(e.n_kernel, 3);
	assert_int_equal(e.n_user, 2);
	assert_int_equal(e.time, 7);
	assert_int_equal(e.stream, 9);
}

static void a_walked_stack_says_how_it_was_found_and_what_is_behind_is_kept_apart(void **state)
{
	struct record r = {
		.head = { RING_CPU_SAMPLE, 1, 2, 8, .user_flags = STACK_USER_DWARF },
		.words = { 100, 11, 21, 22, 31, 32, 33 },
	};
	struct bpf_event e;
	uint32_t kind;

	(void)state;
	assert_true(bpf_event_parse(&r, sizeof(r.head) + 7 * 8, &e, &kind));
	assert_int_equal(e.user_flags, STACK_USER_DWARF);
	assert_int_equal(e.user[1], 22);
	assert_ptr_equal(e.rest, r.words + 4);
	assert_int_equal(e.rest_bytes, 3 * 8);
	assert_true(bpf_event_parse(&r, sizeof(r.head) + 4 * 8, &e, &kind));
	assert_int_equal(e.rest_bytes, 0);
}

static void records_whose_sizes_do_not_fit_are_refused(void **state)
{
	static const struct {
		struct ring_head head;
		uint32_t words;
	} bad[] = {
		{ { RING_N_KINDS, 0, 0, 8, 0, 0 }, 8 },
		{ { UINT16_MAX, 0, 0, 8, 0, 0 }, 8 },
		{ { 0, 0, 0, 0, 0, 0 }, 8 },
		{ { 0, 0, 0, 12, 0, 0 }, 8 },
		{ { 0, 0, 0, 72, 0, 0 }, 8 },
		{ { 0, 1, 0, 64, 0, 0 }, 8 },
		{ { 0, 0, 1, 64, 0, 0 }, 8 },
		{ { 0, 255, 255, 8, 0, 0 }, 8 },
		{ { 0, 0, 0, UINT16_MAX - 7, 0, 0 }, 8 },
		{ { 0, 255, 255, UINT16_MAX - 7, 0, 0 }, 8 },
	};
	struct record r = { 0 };
	struct bpf_event e;
	uint32_t kind;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		r.head = bad[i].head;
		if (bpf_event_parse(&r, sizeof(r.head) + 8 * bad[i].words, &e, &kind))
			fail_msg("record %zu is taken", i);
	}
	r.head = (struct ring_head){ .n_kernel = 1, .n_user = 1, .size = 8 };
	for (uint32_t bytes = 0; bytes < sizeof(r.head) + 24; bytes++)
		assert_false(bpf_event_parse(&r, bytes, &e, &kind));
	assert_true(bpf_event_parse(&r, sizeof(r.head) + 24, &e, &kind));
}

static void programs_that_were_left_out_are_told_by_what_they_tell(void **state)
{
	(void)state;
	assert_string_equal(bpf_losses_event("tp_btf/block_rq_complete"), "block_io");
	assert_string_equal(bpf_losses_event("?tp_btf/page_fault_user"), "latency of page_fault");
	assert_string_equal(bpf_losses_event("perf_event"), "page_fault");
	assert_null(bpf_losses_event("iter/task"));
	assert_null(bpf_losses_event("tp_btf/sched_process_free"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(records_come_in_order_also_around_the_end),
		cmocka_unit_test(what_was_not_there_when_it_was_looked_is_left),
		cmocka_unit_test(a_record_that_is_being_filled_stops_those_behind_it),
		cmocka_unit_test(discarded_records_are_stepped_over),
		cmocka_unit_test(sizes_that_reach_beyond_what_was_written_end_the_ring),
		cmocka_unit_test(a_position_farther_than_the_ring_is_large_is_not_believed),
		cmocka_unit_test(a_record_is_an_event_and_two_stacks),
		cmocka_unit_test(
			a_walked_stack_says_how_it_was_found_and_what_is_behind_is_kept_apart),
		cmocka_unit_test(records_whose_sizes_do_not_fit_are_refused),
		cmocka_unit_test(programs_that_were_left_out_are_told_by_what_they_tell),
	};

	return cmocka_run_group_tests_name("bpf_ring", tests, NULL, NULL);
}
