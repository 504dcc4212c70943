#include "analyze/pseudonym.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { RANDOM_BYTES = 32 };

static const struct {
	const char *prefix, *name;
} classes[PSEUDONYM_N] = {
	[PSEUDONYM_COMM] = { "comm-", "name of a thread" },
	[PSEUDONYM_PATH] = { "p-", "part of a path" },
	[PSEUDONYM_FUNCTION] = { "f-", "name of a function" },
	[PSEUDONYM_HOST] = { "host-", "name of a host" },
	[PSEUDONYM_ARGUMENT] = { "arg-", "argument" },
	[PSEUDONYM_EVENT] = { "event-", "name of an event" },
	[PSEUDONYM_KEY] = { "key-", "key of a fact" },
	[PSEUDONYM_WORD] = { "w-", "word" },
	[PSEUDONYM_TEXT] = { "text-", "text" },
};

void pseudonym_key_set(struct pseudonym_key *k, const void *secret, size_t len)
{
	hmac_sha256_set_key(&k->hmac, len, secret);
}

static int random_bytes(uint8_t *out, struct err *err)
{
	if (getrandom(out, RANDOM_BYTES, 0) != RANDOM_BYTES)
		return err_errno(err, errno ? errno : EIO, "random bytes for a key");
	return 0;
}

int pseudonym_key_random(struct pseudonym_key *k, struct err *err)
{
	uint8_t secret[RANDOM_BYTES];
	int rc = random_bytes(secret, err);

	if (!rc)
		pseudonym_key_set(k, secret, sizeof(secret));
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

/* ---- key files ---- */

static int write_key(int fd, const char *path, struct err *err)
{
	uint8_t secret[RANDOM_BYTES];
	char hex[2 * RANDOM_BYTES + 2];
	int rc = random_bytes(secret, err);

	for (int i = 0; !rc && i < RANDOM_BYTES; i++)
		snprintf(hex + 2 * i, 4, "%02x\n", secret[i]);
	errno = 0;
	if (!rc && write(fd, hex, sizeof(hex) - 1) != (ssize_t)sizeof(hex) - 1)
		rc = err_errno(err, errno ? errno : EIO, "writing the key '%s'", path);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(hex, sizeof(hex));
	return rc;
}

static int make_key(const char *path, struct err *err)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600), rc;

	if (fd < 0)
		return err_errno(err, errno, "making the key '%s'", path);
	rc = write_key(fd, path, err);
	if (close(fd) && !rc)
		rc = err_errno(err, errno, "writing the key '%s'", path);
	if (rc)
		unlink(path);
	return rc;
}

/* Up to `cap` bytes; a pipe gives them piece by piece. */
static ssize_t read_all(int fd, uint8_t *data, size_t cap)
{
	size_t n = 0;
	ssize_t got;

	while (n < cap && (got = read(fd, data + n, cap - n)) != 0) {
		if (got < 0 && errno != EINTR)
			return -errno;
		n += got > 0 ? (size_t)got : 0;
	}
	return (ssize_t)n;
}

static int read_key(struct pseudonym_key *k, int fd, const char *path, struct err *err)
{
	uint8_t secret[KEY_MAX_BYTES + 1];
	ssize_t n = read_all(fd, secret, sizeof(secret));
	int rc = 0;

	if (n < 0)
		rc = err_errno(err, (int)-n, "reading the key '%s'", path);
	else if (n < KEY_MIN_BYTES || n > KEY_MAX_BYTES)
		rc = err_set(err, EINVAL,
			"the key '%s' has %s than %d bytes: `openssl rand -hex 32` makes a good one",
			path, n < KEY_MIN_BYTES ? "less" : "more",
			n < KEY_MIN_BYTES ? KEY_MIN_BYTES : KEY_MAX_BYTES);
	else
		pseudonym_key_set(k, secret, (size_t)n);
	explicit_bzero(secret, sizeof(secret));
	return rc;
}

static int check_private(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st))
		return err_errno(err, errno, "the key '%s'", path);
	if (S_ISREG(st.st_mode) && st.st_mode & 077)
		return err_set(err, EPERM,
			"others may read the key '%s', and with it guess what was scrubbed: "
			"`chmod go= '%s'`, or take a new one",
			path, path);
	return 0;
}

int pseudonym_key_load(struct pseudonym_key *k, const char *path, bool *made, struct err *err)
{
	int fd, rc = 0;

	*made = access(path, F_OK) != 0 && errno == ENOENT;
	if (*made)
		rc = make_key(path, err);
	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return err_errno(err, errno, "the key '%s'", path);
	rc = check_private(fd, path, err);
	if (!rc)
		rc = read_key(k, fd, path, err);
	close(fd);
	return rc;
}

/* ---- pseudonyms ---- */

/* The copy has the key in it, so that the key's owner stays as it was. */
void pseudonym_bytes(const struct pseudonym_key *k, const void *data, size_t len, uint8_t *out,
	size_t n_out)
{
	struct hmac_sha256_ctx hmac = k->hmac;

	hmac_sha256_update(&hmac, len, data);
	hmac_sha256_digest(&hmac, n_out, out);
}

size_t pseudonym_make(const struct pseudonym_key *k, enum pseudonym_class class, struct text t,
	char out[PSEUDONYM_MAX])
{
	struct hmac_sha256_ctx hmac = k->hmac;
	const char *prefix = classes[class].prefix;
	size_t n = strlen(prefix);
	uint8_t mac[PSEUDONYM_DIGITS / 2];

	hmac_sha256_update(&hmac, n, (const uint8_t *)prefix);
	hmac_sha256_update(&hmac, t.len, (const uint8_t *)t.s);
	hmac_sha256_digest(&hmac, sizeof(mac), mac);
	memcpy(out, prefix, n);
	for (size_t i = 0; i < sizeof(mac); i++)
		snprintf(out + n + 2 * i, 3, "%02x", mac[i]);
	return n + PSEUDONYM_DIGITS;
}

/* The length of a pseudonym of the class with which the text begins, or 0. */
static size_t starts_with(enum pseudonym_class class, struct text t)
{
	size_t n = strlen(classes[class].prefix);

	if (t.len < n + PSEUDONYM_DIGITS || memcmp(t.s, classes[class].prefix, n) != 0)
		return 0;
	for (size_t i = n; i < n + PSEUDONYM_DIGITS; i++)
		if (!memchr("0123456789abcdef", t.s[i], 16))
			return 0;
	return n + PSEUDONYM_DIGITS;
}

bool pseudonym_is(enum pseudonym_class class, struct text t)
{
	return t.len && starts_with(class, t) == t.len;
}

size_t pseudonym_at_start(struct text t)
{
	size_t n = 0;

	for (int i = 0; i < PSEUDONYM_N && !n; i++)
		n = starts_with((enum pseudonym_class)i, t);
	return n;
}

bool pseudonym_is_any(struct text t)
{
	return t.len && pseudonym_at_start(t) == t.len;
}

const char *pseudonym_class_name(enum pseudonym_class class)
{
	return classes[class].name;
}
