#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* cmocka with the headers it wants before itself. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
