/* SPDX-License-Identifier: BSD-3-Clause */
/* Files below the root, and checks as they are noted. */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"

static const char *const state_names[DOC_STATES] = {"good", "bad", "unknown"};

/* ---- notes ---- */

static json_t *printable(char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
	return json_string(text);
}

static void note(struct doctor *d, const char *name, enum doc_state state, const char *mend,
		 const char *fmt, va_list ap) __attribute__((format(printf, 5, 0)));

static void note(struct doctor *d, const char *name, enum doc_state state, const char *mend,
		 const char *fmt, va_list ap)
{
	_cleanup_(freep) char *text = NULL;
	_cleanup_(freep) char *copy = strdup(name);
	_cleanup_(freep) char *how = mend ? strdup(mend) : NULL;
	json_t *check;

	d->n[state]++;
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	if (!text || !copy || (mend && !how))
		return;
	check = json_pack("{s:s, s:o, s:s, s:o}", "area", d->area, "name", printable(copy), "state",
			  state_names[state], "text", printable(text));
	if (how)
		json_object_set_new(check, "mend", printable(how));
	json_array_append_new(d->checks, check);
}

void doc_good(struct doctor *d, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(d, name, DOC_GOOD, NULL, fmt, ap);
	va_end(ap);
}

void doc_bad(struct doctor *d, const char *name, const char *mend, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(d, name, DOC_BAD, mend, fmt, ap);
	va_end(ap);
}

void doc_unknown(struct doctor *d, const char *name, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	note(d, name, DOC_UNKNOWN, NULL, fmt, ap);
	va_end(ap);
}

/* ---- files ---- */

/* Non-blocking: whatever lies there, a FIFO too, must not hold us up. */
static int open_file(const struct doctor *d, const char *path)
{
	int fd = openat(d->root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static ssize_t read_full(int fd, char *buf, size_t size)
{
	size_t have = 0;

	while (have < size) {
		ssize_t n = read(fd, buf + have, size - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		have += (size_t)n;
	}
	return (ssize_t)have;
}

char *doc_text(const struct doctor *d, const char *path)
{
	_cleanup_(fd_closep) int fd = open_file(d, path);
	_cleanup_(freep) char *text = NULL;
	size_t size = 4096, have = 0;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	for (;;) {
		char *more = realloc(text, size + 1);
		ssize_t n;

		if (!more)
			return NULL;
		text = more;
		n = read_full(fd, text + have, size - have);
		if (n < 0) {
			errno = (int)-n;
			return NULL;
		}
		have += (size_t)n;
		if (have < size || size >= DOC_TEXT_MAX)
			break;
		size *= 2;
	}
	text[have] = '\0';
	return TAKE_PTR(text);
}

int doc_line(const struct doctor *d, const char *path, char *ret_line, size_t size)
{
	_cleanup_(fd_closep) int fd = open_file(d, path);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = read_full(fd, ret_line, size - 1);
	if (n < 0)
		return (int)n;
	ret_line[n] = '\0';
	if ((size_t)n == size - 1 && !strchr(ret_line, '\n'))
		return -ENOBUFS;
	ret_line[strcspn(ret_line, "\n")] = '\0';
	return 0;
}

int doc_bytes(const struct doctor *d, const char *path, uint8_t *ret_bytes, size_t size)
{
	_cleanup_(fd_closep) int fd = open_file(d, path);

	return fd < 0 ? fd : (int)read_full(fd, (char *)ret_bytes, size);
}

bool doc_exists(const struct doctor *d, const char *path)
{
	return !faccessat(d->root, path, F_OK, 0);
}

static int visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

int doc_each(struct doctor *d, const char *dir,
	     bool (*each)(struct doctor *d, const char *name, void *arg), void *arg)
{
	struct dirent **entries;
	bool enough = false;
	int seen = 0, n;

	n = scandirat(d->root, dir, &entries, visible, alphasort);
	if (n < 0)
		return -errno;
	for (int i = 0; i < n; i++) {
		if (!enough) {
			seen++;
			enough = each(d, entries[i]->d_name, arg);
		}
		free(entries[i]);
	}
	free(entries);
	return seen;
}

struct process {
	const char *comm;
	bool found;
};

static bool one_process(struct doctor *d, const char *name, void *arg)
{
	struct process *wanted = arg;
	char path[300], comm[32];

	if (!isdigit((unsigned char)name[0]))
		return false;
	snprintf(path, sizeof(path), "proc/%s/comm", name);
	if (doc_line(d, path, comm, sizeof(comm)) >= 0 && !strncmp(comm, wanted->comm, 15))
		wanted->found = strlen(comm) == strnlen(wanted->comm, 15);
	return wanted->found;
}

bool doc_running(struct doctor *d, const char *comm)
{
	struct process wanted = {.comm = comm};

	doc_each(d, "proc", one_process, &wanted);
	return wanted.found;
}
