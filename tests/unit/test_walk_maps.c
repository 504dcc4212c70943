/* The maps by which the kernel walks stacks: what images take of them, and give back. */
#include <fcntl.h>
#include <unistd.h>

#include "format/symbols/elf_image.h"
#include "record/rule_numbers.h"
#include "record/walk_maps.h"
#include "tests/unit/support.h"

/* Call frame information of this very program; NULL where there is none for this processor. */
static struct cfi *own_cfi(void)
{
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	struct elf_image e;
	struct cfi *cfi;

	assert_true(fd >= 0);
	assert_int_equal(elf_image_open(&e, fd, NULL), 0);
	cfi = cfi_compile(&e, NULL);
	elf_image_done(&e);
	close(fd);
	return cfi;
}

/* NULL where no maps can be made. */
static struct walk_maps *open_maps(void)
{
	struct err err = { "" };
	struct walk_maps *m = walk_maps_open(&err);

	if (!m)
		print_message("SKIP: %s\n", err.text);
	return m;
}

static struct walk_stats stats_of(struct walk_maps *m)
{
	struct walk_stats s;

	walk_maps_stats(m, &s);
	return s;
}

static void images_share_their_rules_and_give_back_what_is_only_theirs(void **state)
{
	struct walk_maps *m = open_maps();
	struct cfi *cfi = own_cfi();
	uint32_t rules;

	(void)state;
	if (!m || !cfi)
		skip();
	assert_int_equal(walk_maps_add_image(m, 1, cfi), 0);
	rules = stats_of(m).rules;
	assert_in_range(rules, 10, cfi_n_rules(cfi));
	assert_int_equal(walk_maps_add_image(m, 2, cfi), 0);
	assert_int_equal(stats_of(m).rules, rules);
	assert_int_equal(stats_of(m).images, 2);
	walk_maps_remove_image(m, 1);
	assert_int_equal(stats_of(m).rules, rules);
	walk_maps_remove_image(m, 2);
	assert_int_equal(stats_of(m).rules, 0);
	assert_int_equal(stats_of(m).bytes, 0);
	cfi_free(cfi);
	walk_maps_close(m);
}

/* Copies of one image until there is no room: then all others go, and this one is there. */
static void what_is_full_is_cleared_once_in_a_while(void **state)
{
	struct walk_maps *m = open_maps();
	struct cfi *cfi = own_cfi();
	uint32_t i = 1;

	(void)state;
	if (!m || !cfi)
		skip();
	while (walk_maps_add_image(m, i, cfi) == 0 && !walk_maps_cleared(m))
		i++;
	assert_in_range(i, 10, WALK_IMAGES - 1);
	assert_int_equal(stats_of(m).left_out, 0);
	assert_int_equal(stats_of(m).images, 1);
	assert_true(stats_of(m).bytes <= WALK_CHUNKS * sizeof(struct walk_chunk));
	while (walk_maps_add_image(m, ++i, cfi) == 0)
		;
	assert_int_equal(walk_maps_cleared(m), 1); /* not so soon again */
	assert_int_equal(stats_of(m).left_out, 1);
	cfi_free(cfi);
	walk_maps_close(m);
}

/* As on a machine whose programs are replaced for months. */
static void numbers_of_rules_are_given_out_again(void **state)
{
	enum { MAX = 18 }; /* 17 rules */
	uint64_t memory[MAX * 4];
	struct rule_numbers *r = rule_numbers_new(memory, MAX);
	uint16_t last[7] = { 0 };

	(void)state;
	for (uint32_t i = 0; i < 10007; i++) {
		struct walk_rule rule = { .at = (int32_t)(i / 7 * 7 + i % 7) };

		rule_numbers_drop(r, last[i % 7]);
		last[i % 7] = rule_numbers_get(r, &rule);
		assert_in_range(last[i % 7], 1, MAX - 1);
		assert_memory_equal(memory + last[i % 7] * 4, &rule, sizeof(rule));
		for (uint32_t k = 1; k < 7; k++)
			assert_int_not_equal(last[(i + k) % 7], last[i % 7]);
	}
	assert_int_equal(rule_numbers_used(r), 7);
	rule_numbers_free(r);
}

static void equal_rules_have_one_number_until_the_last_is_gone(void **state)
{
	uint64_t memory[4 * 4] = { 0 };
	struct rule_numbers *r = rule_numbers_new(memory, 4);
	struct walk_rule rules[4] = { { .at = 1 }, { .at = 2 }, { .at = 3 }, { .at = 4 } };
	uint16_t one = rule_numbers_get(r, &rules[0]);

	(void)state;
	assert_int_equal(rule_numbers_get(r, &rules[0]), one);
	assert_int_not_equal(rule_numbers_get(r, &rules[1]), one);
	rule_numbers_get(r, &rules[2]);
	assert_int_equal(rule_numbers_get(r, &rules[3]), 0); /* there are no more */
	rule_numbers_drop(r, one);
	assert_int_equal(rule_numbers_used(r), 3);
	assert_int_equal(rule_numbers_get(r, &rules[3]), 0);
	rule_numbers_drop(r, one);
	assert_int_equal(rule_numbers_used(r), 2);
	assert_int_equal(rule_numbers_get(r, &rules[3]), one);
	rule_numbers_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(images_share_their_rules_and_give_back_what_is_only_theirs),
		cmocka_unit_test(what_is_full_is_cleared_once_in_a_while),
		cmocka_unit_test(equal_rules_have_one_number_until_the_last_is_gone),
		cmocka_unit_test(numbers_of_rules_are_given_out_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
