#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses that must not be mixed up: wrapped, so that mixing them does not compile. */
#include <stdint.h>

typedef struct {
	uint64_t v;
} iova_t; /* address as the device sees it */

typedef struct {
	uint64_t v;
} gpa_t; /* address as the guest sees it */
