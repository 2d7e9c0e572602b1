#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The console: text goes into the guest block's ring, then one doorbell. A small printf: %s %u %d
 * %x (64 bit: %U %X), %m a MAC (const uint8_t *), %i an IPv4 address (uint32_t, host order).
 */

/** con_printf() - print one or more whole lines and ring the doorbell. Ring 0 and ring 3. */
void con_printf(const char *fmt, ...);

/** con_puts() - the same for fixed text. */
void con_puts(const char *s);
