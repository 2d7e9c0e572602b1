/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One write(2) a line, so that lines of several threads and processes on one stderr do not mix.
 * Priority prefixes only when stderr really is the journal's socket: JOURNAL_STREAM alone is
 * inherited by children whose stderr went elsewhere.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <lib/log.h>

#define LOG_LINE_MAX 1024u

static char log_ident[32] = "sriovd";
static atomic_int log_max_level = LOG_LEVEL_INFO;
static bool log_prefixed;

static bool stderr_is_journal(void)
{
	const char *s = getenv("JOURNAL_STREAM");
	uint64_t dev, ino;
	struct stat st;

	if (!s || sscanf(s, "%" SCNu64 ":%" SCNu64, &dev, &ino) != 2)
		return false;
	return fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *ident)
{
	static const char *const names[] = {"error", "warning", "notice", "info", "debug"};
	const char *s = getenv("SRIOVD_LOG_LEVEL");

	snprintf(log_ident, sizeof(log_ident), "%s", ident);
	log_prefixed = stderr_is_journal();
	for (unsigned int i = 0; s && i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(s, names[i]) == 0)
			log_set_level((enum log_level)(LOG_LEVEL_ERROR + i));
	}
}

void log_set_level(enum log_level level)
{
	atomic_store(&log_max_level, (int)level);
}

_printf_(3, 0) static size_t append(char *line, size_t at, const char *fmt, va_list ap)
{
	int n = vsnprintf(line + at, LOG_LINE_MAX - at, fmt, ap);

	if (n < 0)
		return at;
	return at + (size_t)n < LOG_LINE_MAX ? at + (size_t)n : LOG_LINE_MAX - 1;
}

_printf_(3, 4) static size_t appendf(char *line, size_t at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	at = append(line, at, fmt, ap);
	va_end(ap);
	return at;
}

int log_full(enum log_level level, int error, const char *object, const char *fmt, ...)
{
	char line[LOG_LINE_MAX + 1];
	int saved = errno;
	size_t n = 0;
	va_list ap;

	if ((int)level > atomic_load_explicit(&log_max_level, memory_order_relaxed))
		return error;

	if (log_prefixed)
		n = appendf(line, n, "<%d>", (int)level);
	else
		n = appendf(line, n, "%s: ", log_ident);
	if (object)
		n = appendf(line, n, "%s: ", object);
	va_start(ap, fmt);
	n = append(line, n, fmt, ap);
	va_end(ap);
	if (error < 0) {
		char text[64];

		n = appendf(line, n, ": %s", strerror_r(-error, text, sizeof(text)));
	}

	/* names and peers' texts end up here: they must not forge lines or drive a terminal */
	for (size_t i = 0; i < n; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	}
	line[n++] = '\n';
	/* a full or closed stderr must not stop the process; the line is lost then */
	if (write(STDERR_FILENO, line, n) < 0)
		errno = saved;
	errno = saved;
	return error;
}
