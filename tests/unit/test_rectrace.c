/* The public reading library, where its callers do what its header allows. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/rectrace.h"
#include "tests/unit/support.h"

/* A descriptor that is read from where it stands, as a pipe is. */
static int as_stream(const uint8_t *bytes, size_t len)
{
	int fd = memfd_create("trace", MFD_CLOEXEC);

	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

static void assert_no_event(const struct rectrace *t)
{
	assert_null(rectrace_event(t));
	assert_null(rectrace_event_doc(t));
	assert_int_equal(rectrace_time(t), 0);
	assert_int_equal(rectrace_n_fields(t), 0);
	assert_int_equal(rectrace_field(t, "time"), -1);
	assert_string_equal(rectrace_field_name(t, 0), "");
	assert_string_equal(rectrace_field_unit(t, 0), "");
	assert_string_equal(rectrace_field_doc(t, 0), "");
	assert_int_equal(rectrace_field_kind(t, 0), RECTRACE_UINT);
	assert_int_equal(rectrace_uint(t, 0), 0);
	assert_int_equal(rectrace_text(t, 0).len, 0);
	assert_null(rectrace_enum(t, 0));
	assert_int_equal(rectrace_stack(t, 0, NULL, 0), 0);
	assert_int_equal(rectrace_stack_truncated(t, 0), 0);
}

static void without_a_present_event_everything_is_empty(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(10, &len);
	int fd = as_stream(bytes, len);
	struct rectrace *t = rectrace_open_fd(fd, NULL, 0);
	unsigned n = 0;

	(void)state;
	assert_no_event(t);
	while (rectrace_next(t) > 0)
		n += rectrace_event(t) != NULL;
	assert_int_equal(n, 11);
	assert_no_event(t);
	rectrace_close(t);
	close(fd);
	free(bytes);
}

static void a_name_that_is_selected_twice_comes_once(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(10, &len);
	int fd = as_stream(bytes, len);
	struct rectrace *t = rectrace_open_fd(fd, NULL, 0);
	unsigned n = 0;

	(void)state;
	rectrace_select(t, "cpu_sample");
	rectrace_select(t, "process_comm");
	rectrace_select(t, "cpu_sample");
	while (rectrace_next(t) > 0)
		n++;
	assert_int_equal(n, 11);
	rectrace_close(t);
	close(fd);
	free(bytes);
}

static void facts_are_known_before_the_first_event(void **state)
{
	size_t len;
	uint8_t *bytes = small_trace(10, &len);
	int fd = as_stream(bytes, len);
	struct rectrace *t = rectrace_open_fd(fd, NULL, 0);
	struct rectrace_text command = rectrace_info(t, "command");
	unsigned n = 0;

	(void)state;
	assert_int_equal(command.len, strlen("worker --fast"));
	assert_memory_equal(command.s, "worker --fast", command.len);
	while (rectrace_next(t) > 0)
		n++;
	assert_int_equal(n, 11); /* what was read for it is not lost */
	rectrace_close(t);
	close(fd);
	free(bytes);
}

static void no_trace_has_no_facts_and_an_error(void **state)
{
	int fd = as_stream((const uint8_t *)"nonsense", 8);
	struct rectrace *t = rectrace_open_fd(fd, NULL, 0);

	(void)state;
	assert_int_equal(rectrace_info(t, "command").len, 0);
	assert_int_equal(rectrace_next(t), -1);
	assert_non_null(strstr(rectrace_error(t), "not a trace"));
	rectrace_close(t);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_present_event_everything_is_empty),
		cmocka_unit_test(a_name_that_is_selected_twice_comes_once),
		cmocka_unit_test(facts_are_known_before_the_first_event),
		cmocka_unit_test(no_trace_has_no_facts_and_an_error),
	};

	return cmocka_run_group_tests_name("rectrace", tests, NULL, NULL);
}
