/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/text.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void text_join(char *text, size_t size, const char *between, const char *fmt, ...)
{
	size_t len = strlen(text);
	va_list ap;

	if (len)
		len += (size_t)snprintf(text + len, size - len, "%s", between);
	if (len >= size)
		return;
	va_start(ap, fmt);
	vsnprintf(text + len, size - len, fmt, ap);
	va_end(ap);
}
