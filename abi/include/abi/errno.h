#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Error numbers for code that also runs without a libc (the bench guest). */
#if __STDC_HOSTED__
#include <errno.h>
#else
#include <asm/errno.h>
#endif
