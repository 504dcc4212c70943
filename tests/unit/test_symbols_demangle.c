/* Readable names. The mangled ones are real (from libstdc++, LLVM, the Rust compiler) unless they
 * are there to do harm. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "format/symbols/demangle.h"
#include "tests/unit/support.h"

static void check(const char *mangled, const char *expected)
{
	struct arena arena = { 0 };
	const char *name = demangle(&arena, mangled);

	if (expected) {
		assert_non_null(name);
		assert_string_equal(name, expected);
	} else {
		assert_null(name);
	}
	arena_done(&arena);
}

static void names_of_cpp_become_readable_without_parameters(void **state)
{
	(void)state;
	check("_ZN3foo3barEv", "foo::bar");
	check("_ZNSt6vectorIiSaIiEE9push_backERKi",
		"std::vector<int, std::allocator<int> >::push_back");
	check("_Z3maxIiET_S0_S0_", "max<int>");
	check("_Znwm", "operator new");
	check("_ZNK12_GLOBAL__N_11AclEv", "(anonymous namespace)::A::operator()");
	check("_ZZ4mainENKUlvE_clEv", "main::{lambda()#1}::operator()");
	check("_ZTv0_n24_NSoD1Ev",
		"virtual thunk to std::basic_ostream<char, std::char_traits<char> >::"
		"~basic_ostream()");
}

static void names_of_rust_lose_their_hashes(void **state)
{
	(void)state;
	check("_ZN3std2io5Write9write_fmt17h0123456789abcdefE", "std::io::Write::write_fmt");
	check("_ZN60_$LT$alloc..string..String$u20$as$u20$core..fmt..Display$GT$"
	      "3fmt17hb8e0d2a8a4c0c2f1E",
		"<alloc::string::String as core::fmt::Display>::fmt");
	check("_ZN4core3ptr13drop_in_place17h1111111111111111E", "core::ptr::drop_in_place");
	check("_RNvMNtNtCshpzWpLcxOCw_15rustc_mir_build7builder3cfgNtB4_3CFG11push_assign",
		"<rustc_mir_build::builder::CFG>::push_assign");
	check("_RINvCs3fZMFbg1rvm_6blake321compress_subtree_wideNtNtB2_4join10SerialJoinEB2_",
		"blake3::compress_subtree_wide::<blake3::join::SerialJoin>");
	check("_RINvC1a1fKj4_E", "a::f::<4>");
	check("_RNvC1au8gdel_5qa", "a::gödel");
}

static void what_follows_a_mangled_name_stays_readable(void **state)
{
	(void)state;
	check("_ZN3foo3barEv.cold", "foo::bar [clone .cold]");
	check("_ZN3foo3barEv.constprop.0.cold", "foo::bar [clone .constprop.0] [clone .cold]");
	check("_Z3fooi.isra.0.part.1.2", "foo [clone .isra.0] [clone .part.1.2]");
	check("_Z3foov@plt", "foo@plt");
	check("_Znwm@@GLIBCXX_3.4", "operator new@@GLIBCXX_3.4");
	check("_Znwm@GLIBCXX_3.4", "operator new@GLIBCXX_3.4");
	check("_ZN3foo3barEv.llvm.1234567890", "foo::bar");
	check("_ZN3std2io5Write9write_fmt17h0123456789abcdefE.llvm.42",
		"std::io::Write::write_fmt");
	check("_RNvC1a1f.llvm.42", "a::f");
	check("_ZN3foo3barEv.cold.", "foo::bar [clone .cold] [clone .]");
}

static void names_that_are_not_mangled_are_left_alone(void **state)
{
	(void)state;
	check("", NULL);
	check("_", NULL);
	check("main", NULL);
	check("foo.constprop.0", NULL);
	check("malloc@plt", NULL);
	check("_Z", NULL);
	check("_ZN", NULL);
	check("_R", NULL);
	check("_ZN3fo", NULL);
	check(".cold", NULL);
	check("runtime.mallocgc", NULL);
}

static double seconds(const char *name)
{
	struct timespec from, to;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	check(name, NULL);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	return (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
}

static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/* S0_<S1_, S1_>, then S0_<S2_, S2_> with S2_ the one before, and so on: 2^34 times S1_. */
static void make_cpp_bomb(char *p)
{
	p += sprintf(p, "_Z1fI1AIiiE");
	for (unsigned i = 0; i < 34; i++)
		p += sprintf(p, "S_IS%c_S%c_E", digits[i], digits[i]);
	sprintf(p, "EvT_");
}

/* In base 62, where "_" is 0, "0_" is 1. */
static void put_number(char *to, unsigned n)
{
	static const char lower[] =
		"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (n > 62)
		*to++ = lower[(n - 1) / 62];
	if (n > 0)
		*to++ = lower[(n - 1) % 62];
	strcpy(to, "_");
}

/* Pairs of the pair before, which is named by its place behind "_R". */
static void make_rust_bomb(char *name)
{
	char *p = name + sprintf(name, "_RINvC1a1f");
	unsigned last = (unsigned)(p - name) - 2;

	p += sprintf(p, "TuuE");
	for (unsigned i = 0; i < 60; i++) {
		unsigned at = (unsigned)(p - name) - 2;
		char number[8];

		put_number(number, last);
		p += sprintf(p, "TB%sB%sE", number, number);
		last = at;
	}
	strcpy(p, "E");
}

static void names_that_stand_for_gigabytes_are_refused_at_once(void **state)
{
	char name[1024];

	(void)state;
	check("_RINvC1a1fTuuETB7_B7_ETBb_Bb_EE",
		"a::f::<((), ()), (((), ()), ((), ())),"
		" ((((), ()), ((), ())), (((), ()), ((), ())))>");
	make_rust_bomb(name);
	assert_true(seconds(name) < 2);
	make_cpp_bomb(name);
	assert_true(seconds(name) < 2);
}

/* Each x++ has x twice; each argument of a conversion's type is parsed twice. All of these keep
 * c++filt (binutils 2.40) busy for hours. */
static void names_that_would_take_for_ever_are_refused_at_once(void **state)
{
	char packs[512] = "_Z1fIXsZ", parses[512] = "_Z", nested[512] = "_ZN1Acv";

	(void)state;
	for (int i = 0; i < 60; i++)
		strcat(packs, "pp");
	assert_true(seconds(strcat(packs, "Li1EEEvv")) < 1);
	for (int i = 0; i < 40; i++) {
		strcat(parses, "N1AcvT_I");
		strcat(nested, "T0_I");
	}
	strcat(parses, "i");
	strcat(nested, "i");
	for (int i = 0; i < 40; i++) {
		strcat(parses, "EE");
		strcat(nested, "E");
	}
	assert_true(seconds(parses) < 1);
	assert_true(seconds(strcat(nested, "E")) < 1);
	assert_true(seconds("_RMC0FGzzzzzzzzzz_EuE") < 1);
	assert_true(seconds("_RXC1aDGzzzzzzzzzz_EL_uC1b") < 1);
	assert_true(seconds("_RIMIC1aFGzzzzzzzzzz_EuEuE") < 1);
}

static void long_and_deep_names_are_refused(void **state)
{
	char *name = malloc(1 << 20);

	(void)state;
	for (size_t len = 1000; len < 1 << 20; len *= 4) {
		memset(name, 'P', len);
		name[len] = '\0';
		memcpy(name, "_Z1f", 4);
		name[len - 1] = 'i';
		/* Without parameters libiberty does not look at them. */
		if (len > 1024)
			check(name, NULL);
		memcpy(name, "_RINvC1a1f", 10);
		check(name, NULL);
	}
	free(name);
}

static void anything_at_all_can_be_asked(void **state)
{
	static const char alphabet[] = "_ZNSTIERFGDBCMXYKLJPvuaifs0123456789.@$";
	struct arena arena = { 0 };
	uint64_t random = 99;
	char name[128];

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		size_t len = random_u64(&random) % 100;

		memcpy(name, round & 1 ? "_ZN" : "_R", 3);
		for (size_t i = 2; i < len; i++)
			name[i] = alphabet[random_u64(&random) % (sizeof(alphabet) - 1)];
		name[len > 2 ? len : 3] = '\0';
		demangle(&arena, name);
		arena_reset(&arena);
	}
	arena_done(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_of_cpp_become_readable_without_parameters),
		cmocka_unit_test(names_of_rust_lose_their_hashes),
		cmocka_unit_test(what_follows_a_mangled_name_stays_readable),
		cmocka_unit_test(names_that_are_not_mangled_are_left_alone),
		cmocka_unit_test(names_that_stand_for_gigabytes_are_refused_at_once),
		cmocka_unit_test(names_that_would_take_for_ever_are_refused_at_once),
		cmocka_unit_test(long_and_deep_names_are_refused),
		cmocka_unit_test(anything_at_all_can_be_asked),
	};

	return cmocka_run_group_tests_name("demangle", tests, NULL, NULL);
}
