#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The driver of an 82576 physical function whose only purpose are its virtual functions: it brings
 * the PF up, enables VFs, programs the embedded switch for them and serves their mailboxes. It
 * moves no packets itself. It knows the device through the PCI function seam and nothing else.
 *
 * State lives in the device. A PF that runs is re-adopted without a reset: filters, VLANs,
 * anti-spoof and enables are read back from their registers; what no register tells (who set a MAC,
 * trust, link policy, which VF did its reset exchange) is kept in the RSS key registers, which mean
 * nothing while MRQC selects VMDq without RSS.
 *
 * One thread. A register access that fails makes the PF lost for good: every later call gives the
 * same errno, and a new function must be opened.
 */
#include <lib/cleanup.h>
#include <lib/pcif.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PFDRV_VFS_MAX	    8u
#define PFDRV_FRAME_MAX	    9728u /* longest frame a VF may ask for, with CRC */
#define PFDRV_FRAME_DEFAULT 1522u /* what a VF gets until it asks */
#define PFDRV_VF_VLANS_MAX  8u	  /* VLANs one VF may join by itself */
#define PFDRV_TICK_US	    UINT64_C(1000000)

struct pfdrv;

enum pfdrv_link_state {
	PFDRV_LINK_AUTO = 0,   /* follows the wire */
	PFDRV_LINK_ENABLE = 1, /* accepted; the 82576 cannot show a link it has not: same as auto */
	PFDRV_LINK_DISABLE = 2, /* pool off in both directions, CTS withheld: the VF sees no link */
};

/* What an administrator sets. */
struct pfdrv_vf_attr {
	uint8_t mac[6];
	bool mac_set;	  /* false: none; the VF may choose one */
	uint16_t vlan;	  /* port VLAN, 0: none */
	uint8_t vlan_qos; /* 0..7, with a port VLAN only */
	bool spoofchk;
	bool trust;
	enum pfdrv_link_state link_state;
};

/* Bits of the @fields of pfdrv_vf_set(). */
#define PFDRV_SET_MAC	     (1u << 0) /* mac, mac_set */
#define PFDRV_SET_VLAN	     (1u << 1) /* vlan, vlan_qos */
#define PFDRV_SET_SPOOFCHK   (1u << 2)
#define PFDRV_SET_TRUST	     (1u << 3)
#define PFDRV_SET_LINK_STATE (1u << 4)
#define PFDRV_SET_ALL	     0x1fu

struct pfdrv_vf_info {
	struct pfdrv_vf_attr attr; /* as read back from the device */
	uint8_t mac[6];		   /* address in use, the VF's own choice included */
	bool ready;		   /* did its reset exchange */
	uint32_t max_frame_bytes;
	/* since the VF's baseline or since this process took the PF, whatever came last */
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes, rx_multicast;
	uint64_t resets, messages, refused;
};

struct pfdrv_link {
	bool up;
	unsigned int speed_mbps;
};

/* Told from inside pfdrv_service() and pfdrv_tick(); must not call back into the driver. */
struct pfdrv_events {
	void (*link)(void *userdata, bool up);
	void (*vf_reset)(void *userdata, unsigned int vf);
	/* @message: name of what was refused, a constant */
	void (*vf_refused)(void *userdata, unsigned int vf, const char *message);
	void *userdata;
};

/**
 * pfdrv_open() - reset a PF and bring it up, without VFs
 * @f:       the function; owned by the driver on success
 * @irq_fd:  eventfd that every interrupt of the PF signals; kept by the caller, outlives the driver
 * @events:  copied; may be NULL
 *
 * VFs that something left enabled are disabled first; where the host owns the SR-IOV capability
 * they stay and are reset, and are served after pfdrv_set_vfs().
 *
 * Context: the driver's thread; blocks up to half a second.
 * Return: 0; -ENODEV not an 82576 PF, or gone; -ETIMEDOUT it did not come out of reset;
 *         -EBADMSG NVM checksum; -EADDRNOTAVAIL NVM without a valid MAC; -ENXIO no SR-IOV
 *         capability or PHY; -ENOMEM.
 * Source: docs/sources.md [L] igb_reset_hw_82575, [Q].
 */
int pfdrv_open(struct pcif *f, int irq_fd, const struct pfdrv_events *events,
	       struct pfdrv **ret_pf) _must_check_;

/**
 * pfdrv_adopt() - take over a PF that an earlier process of ours brought up
 *
 * Nothing is reset and no VF notices: software state is rebuilt from registers, interrupts are
 * armed anew, and what queued up meanwhile is handled by the first pfdrv_service(), which the
 * caller owes. Multicast filters found are kept until every VF that had some sent its list again or
 * was reset.
 *
 * Context: as pfdrv_open(), so are the arguments. Return: 0; -ENOENT it does not run under this
 * driver: open it instead; -EUCLEAN it does, but its registers contradict each other; else as
 * pfdrv_open(). Source: -
 */
int pfdrv_adopt(struct pcif *f, int irq_fd, const struct pfdrv_events *events,
		struct pfdrv **ret_pf) _must_check_;

/**
 * pfdrv_close() - let go of the PF; the device goes on as it is
 *
 * Context: the driver's thread; closes the function too, NULL is fine. Source: -.
 */
void pfdrv_close(struct pfdrv *pf);
DEFINE_CLEANUP(struct pfdrv *, pfdrv_close);

/**
 * pfdrv_error() - 0, or the negative errno that lost the PF
 *
 * Context: the driver's thread. Return: 0; negative errno. Source: -.
 */
int pfdrv_error(const struct pfdrv *pf);

/** pfdrv_mac() - the PF's own address. Context: the driver's thread. Source: -. */
void pfdrv_mac(const struct pfdrv *pf, uint8_t ret_mac[6]);

/**
 * pfdrv_link() - the link as last seen
 *
 * Context: the driver's thread; no access to the device. Source: -.
 */
void pfdrv_link(const struct pfdrv *pf, struct pfdrv_link *ret_link);

/**
 * pfdrv_total_vfs(), pfdrv_num_vfs() - VFs that the PF can have, that are enabled
 *
 * Context: the driver's thread; no access to the device. Return: the number. Source: -.
 */
unsigned int pfdrv_total_vfs(const struct pfdrv *pf);
unsigned int pfdrv_num_vfs(const struct pfdrv *pf);

/**
 * pfdrv_pcif() - the function inside, owned by @pf
 *
 * Context: the driver's thread. Return: the function. Source: -.
 */
struct pcif *pfdrv_pcif(const struct pfdrv *pf);

/**
 * pfdrv_set_vfs() - enable @n VFs; a change goes through 0 and puts every VF to its baseline
 *
 * Where the host owns the SR-IOV capability (pcif_host_sriov()), it has enabled that many VFs by
 * itself before this is called, and here they get a PF that serves them.
 *
 * Context: the driver's thread. A VF may be touched 100 ms later (PCIe).
 * Return: 0; -ERANGE more than the PF has; -EAGAIN the host has not enabled that many; -EIO the
 * device did not take it; a lost PF's errno. Source: docs/sources.md [L]; PCIe SR-IOV capability.
 */
int pfdrv_set_vfs(struct pfdrv *pf, unsigned int n) _must_check_;

/**
 * pfdrv_vf_set() - set attributes of a VF, all or nothing
 * @fields: PFDRV_SET_*: which members of @attr count
 * @attr:   wanted values
 * @ret_why: on refusal a constant sentence fragment; may be NULL
 *
 * The request is checked as a whole, applied, and read back; if the device shows something else,
 * the former attributes are put back.
 *
 * Context: the driver's thread.
 * Return: 0; -ENOENT no such VF; -EINVAL a value; -EADDRINUSE the MAC is another's; -ENOSPC no VLAN
 *         slot; -EIO read back differs; a lost PF's errno.
 * Source: docs/sources.md [L] igb_ndo_set_vf_*.
 */
int pfdrv_vf_set(struct pfdrv *pf, unsigned int vf, unsigned int fields,
		 const struct pfdrv_vf_attr *attr, const char **ret_why) _must_check_;

/**
 * pfdrv_vf_get() - attributes and filters read from the device, counters
 *
 * Context: the driver's thread. Return: 0; -ENOENT no such VF; a lost PF's errno. Source:
 * docs/sources.md [L].
 */
int pfdrv_vf_get(struct pfdrv *pf, unsigned int vf, struct pfdrv_vf_info *ret_info) _must_check_;

/**
 * pfdrv_vf_baseline() - scrub a VF that nobody uses
 * @ret_reason: NULL when clean, else what did not come back to its baseline; a constant
 *
 * Pool off, queues off, no MAC, no VLAN, no filters, spoofchk on, trust off, link auto, mailbox
 * memory zeroed, counters from zero; then every register is read back.
 *
 * Context: the driver's thread. Return: 0 (look at @ret_reason); -ENOENT; a lost PF's errno.
 * Source: -
 */
int pfdrv_vf_baseline(struct pfdrv *pf, unsigned int vf, const char **ret_reason) _must_check_;

/**
 * pfdrv_service() - handle what an interrupt is about: VF resets, messages, link; re-arm it
 *
 * Bounded: at most one message of each VF a round, and a few rounds.
 *
 * Context: the driver's thread, when the eventfd fires and once after pfdrv_adopt().
 * Return: 0 all done; 1 there is more, call again; a lost PF's errno.
 * Source: docs/sources.md [L] igb_msix_other, igb_msg_task.
 */
int pfdrv_service(struct pfdrv *pf) _must_check_;

/**
 * pfdrv_tick() - once in PFDRV_TICK_US: pfdrv_service(), link, counters before they wrap
 *
 * Context: the driver's thread. Return: as pfdrv_service(). Source: docs/sources.md [L]
 * igb_watchdog_task.
 */
int pfdrv_tick(struct pfdrv *pf) _must_check_;

/**
 * pfdrv_link_state_name() - "auto", "enable", "disable"
 *
 * Context: any; pure. Return: constant text, "?" for no such state. Source: -.
 */
const char *pfdrv_link_state_name(enum pfdrv_link_state s);

/**
 * pfdrv_link_state_parse() - the reverse of pfdrv_link_state_name()
 *
 * Context: any; pure. Return: 0; -EINVAL. Source: -.
 */
int pfdrv_link_state_parse(const char *name, enum pfdrv_link_state *ret_state) _must_check_;
