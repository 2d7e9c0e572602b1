/* SPDX-License-Identifier: BSD-3-Clause */
#include "dp_copy.h"
#include <immintrin.h>

#define COPY_LOOP 1024u /* above it the processor's own string copy beats moves of 16 bytes */

#define WIDE __attribute__((target("avx2")))

void dp_copy_narrow(uint8_t *d, const uint8_t *s, uint32_t n)
{
	uint32_t i;

	if (n > COPY_LOOP) {
		__asm__ volatile("rep movsb"
				 : "+D"(d), "+S"(s), "+c"((unsigned long){n})
				 :
				 : "memory");
		return;
	}
	for (i = 0; i + 64 < n; i += 64) {
		copy16(d + i, s + i);
		copy16(d + i + 16, s + i + 16);
		copy16(d + i + 32, s + i + 32);
		copy16(d + i + 48, s + i + 48);
	}
	for (; i + 16 < n; i += 16)
		copy16(d + i, s + i);
	copy16(d + n - 16, s + n - 16);
}

static inline WIDE __m256i load32(const uint8_t *s)
{
	return _mm256_loadu_si256((const __m256i *)(const void *)s);
}

static inline WIDE void store32(uint8_t *d, __m256i v)
{
	_mm256_storeu_si256((__m256i *)(void *)d, v);
}

/* Loads before stores: two lines are on their way from the sender's cache at a time. */
WIDE void dp_copy_wide(uint8_t *d, const uint8_t *s, uint32_t n)
{
	uint32_t i;

	for (i = 0; i + 128 < n; i += 128) {
		__m256i a = load32(s + i), b = load32(s + i + 32);
		__m256i c = load32(s + i + 64), e = load32(s + i + 96);

		store32(d + i, a);
		store32(d + i + 32, b);
		store32(d + i + 64, c);
		store32(d + i + 96, e);
	}
	for (; i + 32 < n; i += 32)
		store32(d + i, load32(s + i));
	store32(d + n - 32, load32(s + n - 32));
}

bool dp_copy_is_wide(void)
{
	return __builtin_cpu_supports("avx2");
}

void dp_copy_long(uint8_t *d, const uint8_t *s, uint32_t n)
{
	if (dp_copy_is_wide())
		dp_copy_wide(d, s, n);
	else
		dp_copy_narrow(d, s, n);
}
