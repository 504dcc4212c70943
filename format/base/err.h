/* Errors as sentences: the place that fails says what and where, callers put their step in front.
 *
 * Functions return 0 or a positive result on success and a negative errno on failure; a
 * `struct err *` comes last and may be NULL when the caller does not want the words. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

struct err {
	char text[1024];
};

/* Writes the sentence and gives -code, so that `return err_set(err, EINVAL, ...)` reads well. code is
 * a positive errno. Macros, so that whoever analyzes the caller sees that it is not 0. */
#define err_set(err, code, ...) (err_write((err), __VA_ARGS__), err_rc(-(code)))

/* The same, with ": " and the text of errno value `code` behind the sentence. */
#define err_errno(err, code, ...) (err_write_errno((err), (code), __VA_ARGS__), err_rc(-(code)))

/* Puts "step: " in front of what is there. Gives rc, for `return err_step(...)`. */
#define err_step(err, rc, ...) (err_write_step((err), __VA_ARGS__), err_rc(rc))

/* A function, so that a result nobody wants is no warning. */
static inline int err_rc(int rc)
{
	return rc;
}

void err_write(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void err_write_errno(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void err_write_step(struct err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
