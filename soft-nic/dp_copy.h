#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The one copy of a frame. Its tail overlaps what was copied before it, instead of looping over
 * bytes; nothing beyond @n bytes is read or written. What is measured of the ways to do it, and why
 * none is chosen by measuring at start-up: docs/decisions/0007-copy-by-processor.md.
 */
#include <emmintrin.h>
#include <stdbool.h>
#include <stdint.h>
#include "dp.h"

static inline void copy16(uint8_t *d, const uint8_t *s)
{
	_mm_storeu_si128((__m128i *)d, _mm_loadu_si128((const __m128i *)s));
}

/**
 * dp_copy_narrow() - dp_copy_long() for every x86-64
 *
 * Context: any. Source: -.
 */
void dp_copy_narrow(uint8_t *d, const uint8_t *s, uint32_t n);

/**
 * dp_copy_wide() - dp_copy_long() for a processor that has AVX2
 *
 * Context: any. Source: -.
 */
void dp_copy_wide(uint8_t *d, const uint8_t *s, uint32_t n);

/** dp_copy_is_wide() - what does dp_copy_long() use here? Context: any. Return: AVX2. Source: -. */
bool dp_copy_is_wide(void);

/**
 * dp_copy_long() - dp_copy() of more than 48 bytes
 *
 * Context: any. Source: -.
 */
void dp_copy_long(uint8_t *d, const uint8_t *s, uint32_t n);

/**
 * dp_copy() - memcpy() for n >= 16
 *
 * Context: any. Source: -.
 */
static inline void dp_copy(uint8_t *d, const uint8_t *s, uint32_t n)
{
	if (unlikely(n > 48)) {
		dp_copy_long(d, s, n);
		return;
	}
	copy16(d, s);
	if (n > 32)
		copy16(d + 16, s + 16);
	copy16(d + n - 16, s + n - 16);
}
