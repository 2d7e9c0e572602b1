/* SPDX-License-Identifier: BSD-3-Clause */
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include "console.h"
#include "guest_link.h"

#define PANIC_WORDS "Kernel panic - not syncing"

static void keep(struct vm_console *c, const uint8_t *text, size_t n)
{
	for (size_t i = 0; i < n; i++)
		c->keep[(c->total + i) % VM_CONSOLE_KEEP] = (char)text[i];
	c->total += n;
}

static bool takes(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT);
}

static void file_write(struct vm_console *c, const uint8_t *text, size_t n)
{
	if (c->fd < 0 || c->total >= VM_CONSOLE_LOG)
		return;
	while (n) {
		/* a pipe that is ready has this much room */
		size_t part = n < PIPE_BUF ? n : PIPE_BUF;
		ssize_t w = takes(c->fd) ? write(c->fd, text, part) : 0;

		if (w < 0 && errno == EINTR)
			continue;
		/* a full disk or a closed pipe costs text, not the guest */
		if (w <= 0) {
			c->lost += n;
			return;
		}
		text += w;
		n -= (size_t)w;
	}
}

/* A stock kernel has no driver of the panic port built in, but says on its console that it ends. */
static void line_end(struct vm *vm)
{
	struct vm_console *c = &vm->console;
	int none = VM_PANIC_NONE;
	const char *words;

	c->line[c->line_len] = '\0';
	c->line_len = 0;
	words = strstr(c->line, PANIC_WORDS);
	if (!words || *vm->panic_text)
		return;
	snprintf(vm->panic_text, sizeof(vm->panic_text), "%s", words);
	(void)atomic_compare_exchange_strong(&vm->panic, &none, VM_PANIC_CONSOLE);
}

static void lines_watch(struct vm *vm, const uint8_t *text, size_t n)
{
	struct vm_console *c = &vm->console;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n')
			line_end(vm);
		else if (text[i] >= ' ' && text[i] <= '~' && c->line_len < sizeof(c->line) - 1)
			c->line[c->line_len++] = (char)text[i];
	}
}

void console_add(struct vm *vm, const uint8_t *text, size_t n)
{
	file_write(&vm->console, text, n);
	keep(&vm->console, text, n);
	if (vm->kind == VM_LINUX)
		lines_watch(vm, text, n);
}

void console_posted(struct vm *vm, uint64_t now_us)
{
	if (vm->kind == VM_BENCH)
		guest_console_drain(vm, now_us);
	else if (!vm->console.due_us)
		vm->console.due_us = now_us + CONSOLE_LAG_US;
}

void console_drain(struct vm *vm, uint64_t now_us)
{
	uint8_t text[2048];
	size_t n;

	if (vm->kind == VM_BENCH) {
		guest_console_drain(vm, now_us);
		return;
	}
	vm->console.due_us = 0;
	/* what a guest adds meanwhile is another post: one round over the ring is enough */
	for (unsigned int i = 0; i < SERIAL_TX / sizeof(text); i++) {
		n = serial_take(&vm->serial, text, sizeof(text));
		console_add(vm, text, n);
		if (n < sizeof(text))
			return;
	}
	vm->console.due_us = now_us + CONSOLE_LAG_US;
}

size_t console_tail(const struct vm *vm, char *buf, size_t max)
{
	const struct vm_console *c = &vm->console;
	size_t n = max;

	if (n > c->total)
		n = c->total;
	if (n > VM_CONSOLE_KEEP)
		n = VM_CONSOLE_KEEP;
	for (size_t i = 0; i < n; i++) {
		char ch = c->keep[(c->total - n + i) % VM_CONSOLE_KEEP];

		buf[i] = (ch >= ' ' && ch <= '~') || ch == '\n' || ch == '\t' ? ch : '?';
	}
	buf[n] = '\0';
	return n;
}
