#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Proof that an attached net is what was promised: facts are read from where they are true (NIC,
 * VMM, guest, sysfs), two looks at the counters tell what a packet costs, and a pure judge makes
 * checks of them. Nothing is held meanwhile: who detaches the net ends its verification.
 */
#include <jansson.h>
#include <sriovd/state.h>
#include <sriovd/vf_rtnl.h>

#define VERIFY_DEFAULT_MS 1000
#define VERIFY_MAX_MS	  60000

/* How a VF reaches its VM. */
enum verify_how {
	VERIFY_SOFT,   /* vfio-user, from a soft NIC */
	VERIFY_HOST,   /* VFIO: a function of this host */
	VERIFY_VIRTIO, /* no VF: a port of our bridge */
	VERIFY_TAP,    /* no VF: a tap in a bridge of the host */
};

/* What was seen. Texts name the reason where something could not be. */
struct verify_facts {
	char net[NAME_SIZE];
	enum verify_how how;
	bool trapped;	   /* path emulated */
	char back_end[64]; /* "soft-nic p0", "bridge br0", "tap sv-blue" */
	char address[24];  /* VERIFY_HOST */
	char driver[64];   /* VERIFY_HOST */
	int group;	   /* VERIFY_HOST; -1: none */
	char others[128];  /* VERIFY_HOST: who else is in its group; empty: nobody */
	int remapping;	   /* VERIFY_HOST: 1, 0, negative: cannot be told */
	bool unsafe;	   /* VERIFY_HOST: allow_unsafe_interrupts */

	bool device_known;
	char device_state[16];
	bool msix_known, msix_enabled;
	unsigned int vectors, unmasked, direct;

	struct vf_attrs want, now;
	unsigned int has;    /* enum vf_attr: what of now is known; 0: nothing */
	char vf_reason[160]; /* why nothing is */

	bool guest_known;
	char guest_state[16]; /* empty: the guest shows no such interface */
	char guest_mac[MAC_TEXT];

	bool port_known, port_connected; /* VERIFY_VIRTIO; VERIFY_TAP: it is in the bridge */
	char fdb_port[64];		 /* VERIFY_VIRTIO: where the bridge saw the MAC; empty */

	uint64_t window_ms;
	bool traffic_known;
	bool by_guest; /* packets are as the guest counts them: the NIC does not */
	uint64_t packets, traps;
};

/**
 * verify_judge() - the checks: [{"name","state","text"}], a new reference
 * @ret_ok: none is bad, and of a VF binding, isolation, remapping and identity are good
 *
 * Context: any; pure. Return: the array; NULL no memory. Source: docs/api.md.
 */
json_t *verify_judge(const struct verify_facts *f, bool *ret_ok);

/**
 * net_verify() - look, watch for @window_ms, look again, judge
 * @ret: {"net","vm","vf","checks","ok"}, a new reference
 *
 * Context: request; drops the baton. Return: 0; -ENOENT; -ENOTCONN it is not attached, or not any
 * more; -ECANCELED sriovd is stopping. Source: docs/api.md.
 */
int net_verify(struct sriovd *d, const char *name, uint64_t window_ms, json_t **ret,
	       struct op_error *e) _must_check_;
