#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* MAC addresses as people and messages write them: six hex pairs with colons. */
#include <lib/cleanup.h>
#include <stdint.h>

#define MAC_TEXT 18u /* with the NUL */

/**
 * mac_from_text() - read six hex pairs, either case, separated by colons and nothing else
 * @text:    NUL terminated
 * @ret_mac: written only on success; any address, also one that cannot be assigned
 *
 * Context: any thread; pure.
 * Return: 0; -EINVAL.
 * Source: -
 */
int mac_from_text(const char *text, uint8_t ret_mac[6]) _must_check_;

/** mac_to_text() - write @mac in lower case into @buf. Context: any. Return: @buf. Source: -. */
const char *mac_to_text(const uint8_t mac[6], char buf[MAC_TEXT]);
