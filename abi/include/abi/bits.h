#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bit fields, little endian scalars and the assert that abi/ headers use. Freestanding: the bench
 * guest compiles this without a libc. One shifted mask per field; field_prep/field_get do the rest.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if __STDC_HOSTED__
#include <assert.h>
#else
#define assert(x) ((x) ? (void)0 : __builtin_trap())
#endif

#define BITS(hi, lo) ((UINT32_MAX >> (31 - (hi))) & (UINT32_MAX << (lo)))
#define BIT32(n)     (UINT32_C(1) << (n))
#define BIT64(n)     (UINT64_C(1) << (n))

#ifndef ARRAY_SIZE
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#endif

/* A little endian descriptor field; convert with le*_get/le*_of, never by a cast. */
typedef struct {
	uint16_t raw;
} le16_t;
typedef struct {
	uint32_t raw;
} le32_t;
typedef struct {
	uint64_t raw;
} le64_t;

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "only little endian hosts are supported"
#endif

static inline uint16_t le16_get(le16_t v)
{
	return v.raw;
}

static inline uint32_t le32_get(le32_t v)
{
	return v.raw;
}

static inline uint64_t le64_get(le64_t v)
{
	return v.raw;
}

static inline le16_t le16_of(uint16_t v)
{
	return (le16_t){v};
}

static inline le32_t le32_of(uint32_t v)
{
	return (le32_t){v};
}

static inline le64_t le64_of(uint64_t v)
{
	return (le64_t){v};
}

/**
 * field_prep() - put @val into the field that @mask selects; a value that does not fit asserts
 *
 * Context: any; pure. Return: the register bits. Source: -.
 */
static inline uint32_t field_prep(uint32_t mask, uint32_t val)
{
	uint32_t lsb = mask & -mask;

	assert(val <= mask / lsb);
	return val * lsb;
}

/** field_get() - the value of the field that @mask selects in @reg. */
static inline uint32_t field_get(uint32_t mask, uint32_t reg)
{
	return (reg & mask) / (mask & -mask);
}

/** field_set() - @reg with the field @mask replaced by @val. */
static inline uint32_t field_set(uint32_t reg, uint32_t mask, uint32_t val)
{
	return (reg & ~mask) | field_prep(mask, val);
}
