// As inlined.c, with what C++ adds: namespaces, templates, members, a lambda.
#include <cstdlib>
#include <ctime>

static volatile unsigned long sink;

namespace shop {
template <typename T> struct Cart {
	T sum = 0;

	[[gnu::always_inline]] void add(T n)
	{
		for (T i = 0; i < n; i++)
			sink += i; // in add: nearly all samples are here
	}
};

template <typename F> [[gnu::always_inline]] inline void each(F f)
{
	f(1000003UL); // in each
}

struct Till {
	[[gnu::noinline]] void ring()
	{
		Cart<unsigned long> cart;

		sink = (unsigned long)__builtin_frame_address(0); // so it has one, to be walked over
		each([&](unsigned long n) __attribute__((always_inline)) { // in ring
			cart.add(n); // in the lambda
		});
		sink = 3;
	}
};
}

static long now_ms()
{
	timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int main(int argc, char **argv)
{
	long end = now_ms() + (argc > 1 ? std::atol(argv[1]) : 1000);
	shop::Till till;

	while (now_ms() < end)
		till.ring();
}
