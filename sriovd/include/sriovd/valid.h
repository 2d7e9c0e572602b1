#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Names and MAC addresses as they may come from a client or a file. Pure, except mac_make(). */
#include <lib/cleanup.h>
#include <lib/mac.h>
#include <stdbool.h>
#include <stdint.h>

#define NAME_LEN_MAX   32u
#define NAME_SIZE      (NAME_LEN_MAX + 1)
#define VLAN_MAX       4094
#define VLAN_QOS_MAX   7
#define TAP_QUEUES_MAX 4

struct mac {
	uint8_t b[6];
};

/**
 * name_valid() - [a-z0-9-]{1,32}, not starting with a dash
 *
 * Context: any. Return: true or false. Source: docs/api.md.
 */
bool name_valid(const char *name);

/**
 * ifname_valid() - can a network device of the host have this name? Templates ("%d") are none
 *
 * Context: any. Return: true or false. Source: dev_valid_name() of Linux.
 */
bool ifname_valid(const char *name);

/** mac_parse() - six hex pairs with colons. Return: 0; -EINVAL. Context: any. Source: -. */
int mac_parse(const char *text, struct mac *ret_mac) _must_check_;

/**
 * mac_assignable() - neither zero nor multicast (nor broadcast)
 *
 * Context: any. Return: true or false. Source: IEEE 802 group and local addresses.
 */
bool mac_assignable(const struct mac *mac);

/**
 * mac_equal() - are they the same address?
 *
 * Context: any; pure. Return: true or false. Source: -.
 */
bool mac_equal(const struct mac *a, const struct mac *b);

/** mac_format() - lower case with colons into @buf. Context: any; pure. Return: @buf. Source: -. */
const char *mac_format(const struct mac *mac, char buf[MAC_TEXT]);

/**
 * mac_make() - a random locally administered unicast address, 02:xx:xx:xx:xx:xx
 * Context: any thread. Return: 0; -errno of getrandom(2). Source: IEEE 802 local addresses.
 */
int mac_make(struct mac *ret_mac) _must_check_;
