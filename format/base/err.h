/* Errors as sentences: the place that fails says what and where, callers put their step in front.
 *
 * Functions return 0 or a positive result on success and a negative errno on failure; a
 * `struct err *` comes last and may be NULL when the caller does not want the words. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	char text[1024];
};

/* Writes the sentence and returns -code, so that `return err_set(err, EINVAL, ...)` reads well.
 * code is a positive errno. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The same, with ": " and the text of errno value `code` behind the sentence. */
int err_errno(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "step: " in front of what is there. Returns rc unchanged, for `return err_step(...)`. */
int err_step(struct err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
