#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Attributes of a VF by rtnetlink, through the network device of its PF: one VF a message, in the
 * order that drivers need (MAC before spoofchk on; spoofchk off before a zero MAC), each value read
 * back and compared. What a driver cannot do is found by probing and refused by name, not by errno.
 *
 * The kernel works on a message while it is sent, under the RTNL: waiting for that has no bound.
 * Whoever holds it for long makes all of these as slow; what they say of time is what they wait
 * beyond it.
 */
#include <linux/if_link.h>
#include <sriovd/error.h>
#include <sriovd/valid.h>
#include <stdint.h>

/* Which attributes: bits of capability sets and of what to write. */
enum vf_attr {
	VF_ATTR_MAC = 1u << 0,
	VF_ATTR_VLAN = 1u << 1, /* with QoS 0 */
	VF_ATTR_VLAN_QOS = 1u << 2,
	VF_ATTR_VLAN_PROTO = 1u << 3, /* 802.1ad */
	VF_ATTR_SPOOFCHK = 1u << 4,
	VF_ATTR_TRUST = 1u << 5,
	VF_ATTR_MIN_TX_RATE = 1u << 6,
	VF_ATTR_MAX_TX_RATE = 1u << 7,
	VF_ATTR_LINK_STATE = 1u << 8,
	VF_ATTR_STATS = 1u << 9, /* read only */
};

#define VF_ATTR_NAMES_SIZE 128u /* of vf_attr_names() */
#define VF_ATTR_VLANS	   (VF_ATTR_VLAN | VF_ATTR_VLAN_QOS | VF_ATTR_VLAN_PROTO)
#define VF_ATTR_RATES	   (VF_ATTR_MIN_TX_RATE | VF_ATTR_MAX_TX_RATE)
#define VF_ATTR_SETTABLE                                                                  \
	(VF_ATTR_MAC | VF_ATTR_VLANS | VF_ATTR_RATES | VF_ATTR_SPOOFCHK | VF_ATTR_TRUST | \
	 VF_ATTR_LINK_STATE)

enum vf_link {
	VF_LINK_AUTO = 0, /* as IFLA_VF_LINK_STATE has them */
	VF_LINK_ENABLE = 1,
	VF_LINK_DISABLE = 2,
};

struct vf_attrs {
	struct mac mac;
	unsigned int vlan;     /* 0: none */
	unsigned int vlan_qos; /* 0..7 */
	uint16_t vlan_proto;   /* 0x8100 or 0x88a8; also with vlan 0, where it does not matter */
	bool spoofchk;
	bool trust;
	unsigned int min_tx_rate; /* Mbps, 0: none */
	unsigned int max_tx_rate; /* Mbps, 0: none */
	enum vf_link link_state;
};

struct vf_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_dropped, tx_dropped, multicast, broadcast;
};

/**
 * vf_attr_name() - "mac", "max_tx_rate" and so on of one bit, as in the API
 *
 * Context: any; pure. Return: constant text. Source: docs/api.md.
 */
const char *vf_attr_name(enum vf_attr bit);

/**
 * vf_attr_names() - names of all bits in @which, "mac, vlan"
 *
 * Context: any; pure. Return: @buf. Source: docs/api.md.
 */
const char *vf_attr_names(unsigned int which, char buf[static VF_ATTR_NAMES_SIZE]);

/**
 * vf_rtnl_read() - what the driver says of VF @vf now
 * @ret_has:   bits of those it told; may be NULL. The kernel shows zeros for drivers without
 *             counters, so VF_ATTR_STATS says that not all of them are 0
 * @ret_stats: NULL: not asked for (and the kernel told to leave them out)
 *
 * One RTM_GETLINK of one interface. Takes the RTNL in the kernel: not for inventory.
 *
 * Context: any thread, without the baton; blocks up to 2 s. Return: 0; -ENODEV no such interface;
 * -ENOENT the answer has no such VF; -EBADMSG, -EMSGSIZE cut short; -ETIMEDOUT; -errno.
 * Source: docs/sources.md [RT].
 */
int vf_rtnl_read(int ifindex, unsigned int vf, struct vf_attrs *ret, unsigned int *ret_has,
		 struct vf_stats *ret_stats, struct op_error *e) _must_check_;

/* What the kernel said of one VF of several. */
struct vf_told {
	bool told; /* it said anything at all, and that could be read */
	unsigned int has;
	struct vf_attrs attrs;
	struct vf_stats stats;
};

/**
 * vf_rtnl_read_all() - vf_rtnl_read() of the first @n VFs, by the same one message
 * @stats: their counters too
 * @ret:   room for @n; one that the answer does not have is not told, and no error
 *
 * Context: any thread, without the baton; blocks up to 2 s. Return: 0; -ENODEV no such interface;
 * -EBADMSG, -EMSGSIZE the answer as such; -ETIMEDOUT; -errno. Source: docs/sources.md [RT].
 */
int vf_rtnl_read_all(int ifindex, bool stats, unsigned int n, struct vf_told *ret,
		     struct op_error *e) _must_check_;

/**
 * vf_rtnl_write() - set the attributes in @which, read them back and compare
 * @caps: of vf_rtnl_probe(); an attribute that is not in it is refused by name before anything is
 *        sent, unless its value is the one that means "none"
 * @name: of the VF, for messages: "p1/0"
 *
 * All in one message; only if that is refused, one by one to find out which. An attribute that has
 * its value already may be refused. Of VLAN and of rates, what is not in @which stays as it is.
 * Drivers that set a MAC late get 2 s until it reads back.
 *
 * Context: any thread, without the baton; blocks a few seconds at most. Return: 0; -EOPNOTSUPP
 * with the attribute's name in @e; -EIO reads back otherwise, both values in @e; -ENODEV;
 * -ETIMEDOUT; -errno of the driver with attribute and kernel's words (extack) in @e.
 * Source: docs/sources.md [RT].
 */
int vf_rtnl_write(int ifindex, unsigned int vf, const char *name, const struct vf_attrs *want,
		  unsigned int which, unsigned int caps, struct op_error *e) _must_check_;

/**
 * vf_rtnl_probe() - which attributes this driver can set
 *
 * Sets each to a value on VF @vf, which nobody may use meanwhile, and puts back what was there; the
 * MAC is only set to what it is. Some drivers (igb) refuse any rate while the PF has no link, as if
 * it were a wrong one: then the rates count as possible, and @ret_sure is false. Counters are not
 * among the answers: those of a new VF are 0 with every driver.
 *
 * Context: any thread, without the baton. Return: 0 with bits in @ret_caps; -EIO what was there did
 * not come back; else as vf_rtnl_read().
 * Source: docs/sources.md [RT].
 */
int vf_rtnl_probe(int ifindex, unsigned int vf, unsigned int *ret_caps, bool *ret_sure,
		  struct op_error *e) _must_check_;
