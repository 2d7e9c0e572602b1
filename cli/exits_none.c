/* SPDX-License-Identifier: BSD-3-Clause */
/* Built without BPF: says so. */
#include <cli/exits.h>

#include <errno.h>
#include <stdio.h>

int exits_open(char *why, size_t size, struct exits **ret_exits)
{
	snprintf(why, size, "this sriovctl was built without BPF");
	return -ENOTSUP;
}

void exits_close(struct exits *x)
{
}

int exits_read(struct exits *x, uint32_t pid, struct exits_counts *ret_counts)
{
	return -ENOTSUP;
}

void exits_forget(struct exits *x, uint32_t pid)
{
}

int exits_read_irq(struct exits *x, uint32_t irq, uint64_t *ret_n)
{
	return -ENOTSUP;
}

uint64_t exits_messages(const struct exits *x)
{
	return 0;
}

const char *exits_sources(const struct exits *x)
{
	return "";
}
