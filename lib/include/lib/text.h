#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Lists in one line: "a, b, c". */
#include <stddef.h>

/**
 * text_join() - append a word to the text in @text, cut where @size ends
 * @between: what comes before it unless it is the first
 *
 * Context: any; pure. Source: -.
 */
void text_join(char *text, size_t size, const char *between, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
