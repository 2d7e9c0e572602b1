#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside the PF driver. Software state is the truth that registers are computed from; each function
 * below brings one register group of the device in line with it. Register accesses do not return an
 * error: the first failure sticks in pf->error, later accesses do nothing and read 0.
 */
#include <abi/nic_mbx.h>
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include <pfdrv/pfdrv.h>
#include "marker.h"
#include "mta.h"
#include "vlan_table.h"

#define EXTRA_FIRST	 1u /* receive addresses 1..15 are the VFs' additional ones */
#define EXTRA_COUNT	 15u
#define EXTRA_PER_VF	 4u
#define NACK_INTERVAL_US UINT64_C(2000000)

enum vf_counter {
	VF_RX_PACKETS,
	VF_TX_PACKETS,
	VF_RX_BYTES,
	VF_TX_BYTES,
	VF_RX_MULTICAST,
	VF_COUNTERS,
};

struct pfdrv_vf {
	struct pfdrv_vf_attr attr;
	uint8_t mac[6]; /* in the VF's receive address; zeros: none */
	uint16_t max_frame_bytes;
	bool cts;	 /* did its reset exchange */
	bool strip_vlan; /* spoke of a VLAN since its reset: gets tags stripped */
	bool promisc_multi;
	bool promisc_unicast;
	bool rss; /* wants its frames spread over both queues */
	bool ping_owed;
	bool nacked;
	uint64_t last_nack_us;
	uint32_t raw[VF_COUNTERS]; /* the device's, 32 bits that wrap */
	uint64_t sum[VF_COUNTERS];
	uint64_t resets, messages, refused;
};

struct pfdrv {
	struct pcif *f;
	bool owns_f;
	int error;
	int irq_fd;
	struct pfdrv_events events;
	uint32_t sriov_cap;
	unsigned int total_vfs;
	unsigned int num_vfs;
	uint8_t mac[6];
	struct pfdrv_link link;
	struct vlan_table vlan; /* what the device has */
	struct mta_union mta;
	struct {
		bool used;
		uint8_t vf;
		uint8_t mac[6];
	} extra[EXTRA_COUNT];
	uint32_t marker[2]; /* what the device has */
	uint32_t rctl;	    /* what the device has */
	bool rss;	    /* the device spreads frames of pools that want it */
	bool uta_full;
	uint32_t unfinished; /* VFs whose message an earlier process had begun to answer */
	struct pfdrv_vf vf[PFDRV_VFS_MAX];
};

/* reg.c */
uint32_t pfdrv_rd(struct pfdrv *pf, uint32_t off);
void pfdrv_wr(struct pfdrv *pf, uint32_t off, uint32_t val);
/* -ETIMEDOUT without making the PF lost; pf->error if it is */
int pfdrv_wait(struct pfdrv *pf, uint32_t off, uint32_t mask, uint32_t want, uint64_t timeout_us);
uint32_t pfdrv_cfg_rd(struct pfdrv *pf, uint32_t off, size_t len);
void pfdrv_cfg_wr(struct pfdrv *pf, uint32_t off, uint32_t val, size_t len);
int pfdrv_nvm_read(struct pfdrv *pf, unsigned int word, uint16_t *ret_val);
int pfdrv_nvm_check(struct pfdrv *pf);
int pfdrv_phy_start(struct pfdrv *pf);

/* filter.c: bring the device in line with software state */
void pfdrv_vmolr_sync(struct pfdrv *pf, unsigned int vf);
void pfdrv_vmvir_sync(struct pfdrv *pf, unsigned int vf);
void pfdrv_mac_sync(struct pfdrv *pf, unsigned int vf);
void pfdrv_mta_sync(struct pfdrv *pf);
void pfdrv_vlan_sync(struct pfdrv *pf, const struct vlan_table *want);
void pfdrv_spoof_sync(struct pfdrv *pf);
void pfdrv_enable_sync(struct pfdrv *pf, unsigned int vf);
void pfdrv_promisc_sync(struct pfdrv *pf);
void pfdrv_marker_sync(struct pfdrv *pf);
void pfdrv_extra_drop(struct pfdrv *pf, unsigned int vf);
int pfdrv_extra_add(struct pfdrv *pf, unsigned int vf, const uint8_t mac[6]);
bool pfdrv_mac_taken(const struct pfdrv *pf, unsigned int vf, const uint8_t mac[6]);
uint32_t pfdrv_vmolr_want(const struct pfdrv *pf, unsigned int vf);
uint32_t pfdrv_vmvir_want(const struct pfdrv *pf, unsigned int vf);
uint32_t pfdrv_dtxswc_want(const struct pfdrv *pf);
bool pfdrv_pool_on(const struct pfdrv *pf, unsigned int vf);
void pfdrv_rar_read(struct pfdrv *pf, unsigned int index, uint8_t ret_mac[6], uint32_t *ret_high);
void pfdrv_tables_clear(struct pfdrv *pf);

/* rss.c */
void pfdrv_rss_sync(struct pfdrv *pf);

/* vf.c */
void pfdrv_vf_wipe(struct pfdrv *pf, unsigned int vf);
void pfdrv_vf_defaults(struct pfdrv_vf *v);

/* mailbox.c */
void pfdrv_mbx_vflr(struct pfdrv *pf, unsigned int vf);
void pfdrv_mbx_request(struct pfdrv *pf, unsigned int vf);
void pfdrv_mbx_ack(struct pfdrv *pf, unsigned int vf);
void pfdrv_mbx_resume(struct pfdrv *pf, unsigned int vf);
void pfdrv_mbx_ping(struct pfdrv *pf, unsigned int vf);

/* service.c */
void pfdrv_irq_arm(struct pfdrv *pf);
void pfdrv_link_check(struct pfdrv *pf, bool tell);
void pfdrv_stats_update(struct pfdrv *pf, unsigned int vf);
void pfdrv_stats_rebase(struct pfdrv *pf, unsigned int vf);

/* open.c */
void pfdrv_vt_sync(struct pfdrv *pf);
