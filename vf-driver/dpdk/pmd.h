#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * librte_net_sriov_vf.so: an 82576 VF as a DPDK port. Control goes through the VF driver's core
 * (vfdrv/queue.h); rings and burst functions are here, since they work on mbufs.
 *
 * One mutex serialises control calls with the interrupt thread. A queue's burst function takes no
 * lock and belongs to one thread, as DPDK has it.
 *
 * Left out: traffic in secondary processes.
 */
#include <ethdev_driver.h>
#include <lib/pcif.h>
#include <pthread.h>
#include <rte_interrupts.h>
#include <rte_mbuf.h>
#include <stdatomic.h>
#include <vfdrv/queue.h>
#include <vfdrv/vfdrv_pcif.h>

#define PMD_BATCH	   32u /* descriptors posted, reported and freed at once */
#define PMD_RING_MIN	   64u
#define PMD_RING_MAX	   4096u
#define PMD_RING_DEF	   256u
#define PMD_SEGS_MAX	   16u /* buffers of one frame to be sent */
/* ... of a packet to be segmented: 64 KiB in buffers of 2 KiB, and some */
#define PMD_TSO_SEGS_MAX   40u
#define PMD_TSO_HEADER_MAX 240u /* MAC, IP and TCP headers the function repeats */
#define PMD_TSO_MSS_MIN	   64u
#define PMD_MACS_MAX	   1u
#define PMD_VLANS	   4096u
#define PMD_FRAME_MAX	   9728u /* longest frame asked of a PF, with CRC */
#define PMD_OVERHEAD	   22u	 /* of a frame over its MTU: header, VLAN tag, CRC */

#define PMD_LINE 128 /* two cache lines: the neighbour is fetched as well */

struct pmd;

/* How a queue receives; chosen at start. */
struct pmd_rx_mode {
	bool scalar;  /* the plain twin of the vector function */
	bool scatter; /* frames may take several buffers */
	bool strip;   /* take VLAN tags out ourselves */
};

struct pmd_rxq {
	/* what a burst uses; written by its thread only */
	volatile uint64_t *desc; /* two words a descriptor */
	struct rte_mbuf **sw;	 /* buffer of each descriptor */
	volatile uint32_t *tail_reg;
	uint32_t mask;
	uint32_t next; /* to look at next; free running */
	uint32_t tail; /* to post next; free running */
	uint32_t buf_bytes;
	uint64_t rearm; /* first fields of a fresh mbuf */
	struct rte_mempool *pool;
	uint64_t packets, bytes, errors, no_mbuf;
	/* the rest */
	uint8_t rearm_guard[PMD_LINE];
	struct pmd *pmd;
	const struct rte_memzone *zone;
	uint32_t n_desc;
	uint16_t q, port;
	uint16_t free_thresh;
	uint32_t dropped_last;
	uint64_t dropped;
	/* of frames in several buffers */
	struct rte_mbuf *chain, *chain_end; /* one that has not ended yet, or NULL */
	bool skip;			    /* the rest of one that is lost */
	uint64_t scattered;
} __rte_aligned(PMD_LINE);

struct pmd_txq {
	volatile uint64_t *desc;
	struct rte_mbuf **sw; /* to be freed with each descriptor; NULL: none */
	volatile uint32_t *tail_reg;
	const volatile uint32_t *head_wb; /* NULL: DD in the descriptor */
	uint32_t mask;
	uint32_t next; /* to free next; free running */
	uint32_t tail; /* to fill next; free running */
	bool fast_free;
	uint64_t packets, bytes, full;
	/* frames with offloads or of several buffers */
	uint64_t ctx_lo; /* context the function has, valid if ctx_cmd is not 0 */
	uint32_t ctx_cmd;
	uint32_t reported; /* descriptors up to here have asked for a report */
	uint32_t rs_first, rs_last;
	uint32_t *rs; /* ends of what was asked for, as a ring of n_desc entries */
	/* the rest */
	uint8_t guard[PMD_LINE];
	struct pmd *pmd;
	const struct rte_memzone *zone;
	uint32_t n_desc;
	uint16_t q, port;
	uint64_t offloads;
	/* with segmentation: in place of ctx_cmd */
	uint64_t ctx_hi;
	uint64_t segmented;
} __rte_aligned(PMD_LINE);

struct pmd_args {
	char *path;
	char *bdf;
	char *token;
	bool scalar;
	int head_wb; /* -1: as is best for the function */
	bool trapped;
	bool rss; /* ask a PF that need not know of it */
};

struct pmd_regions;

struct pmd {
	struct rte_eth_dev *eth;
	pthread_mutex_t lock;
	struct pmd_args args;
	struct pcif *f;
	struct vfdrv_pcif *home;
	struct vfdrv *core;
	struct pmd_regions *regions;
	struct rte_intr_handle *watch;	 /* hang-up and removal request */
	struct rte_intr_handle *mailbox; /* the PF has something to say */
	int watch_epoll, request_fd;
	bool watching, mailing;
	atomic_bool removed;
	bool lost_pf; /* the PF was reset: the port has to be as well */
	bool lost_pf_told;
	bool up;
	unsigned int n_rx_max; /* 2 when the PF spreads frames over two queues */
	uint8_t mac[RTE_ETHER_ADDR_LEN];
	uint32_t vlan[PMD_VLANS / 32];
	uint8_t groups[NIC_MBX_MC_MAX][RTE_ETHER_ADDR_LEN];
	uint32_t n_groups;
	uint64_t refused; /* what the PF had allowed, or was not asked, and refused at a start */
	struct vfdrv_hw_counters hw_base;
	struct pcif_counters traps_base;
};

extern int pmd_logtype;
#define PMD_LOG(level, fmt, ...) \
	rte_log(RTE_LOG_##level, pmd_logtype, "net_sriov_vf: " fmt "\n", ##__VA_ARGS__)

static inline struct pmd *pmd_of(struct rte_eth_dev *dev)
{
	return dev->data->dev_private;
}

#define PMD_ARGS_HELP                                                                          \
	"path=<path> bdf=<string> token=<string> burst=vector|scalar head_wb=0|1 trapped=0|1 " \
	"rss=0|1"

/* args.c: on failure, too, what was read has to be done away with */
int pmd_args_read(const char *text, struct pmd_args *ret);
void pmd_args_done(struct pmd_args *args);

/* rx.c, rx_scatter.c, tx.c, tx_tso.c, tx_prepare.c: burst functions */
eth_rx_burst_t pmd_rx_burst(struct pmd_rx_mode mode);
uint16_t pmd_rx_vector(void *rxq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_rx_scalar(void *rxq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_rx_vector_strip(void *rxq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_rx_scalar_strip(void *rxq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_rx_scatter(void *rxq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_rx_scatter_strip(void *rxq, struct rte_mbuf **pkts, uint16_t n);
void pmd_rx_scatter_end(struct pmd_rxq *q);
uint16_t pmd_rx_none(void *rxq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_tx_simple(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_tx_full(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_tx_tso(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_tx_none(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_tx_prepare(void *txq, struct rte_mbuf **pkts, uint16_t n);
uint16_t pmd_tx_tso_prepare(void *txq, struct rte_mbuf **pkts, uint16_t n);
bool pmd_rx_refill(struct pmd_rxq *q);
int pmd_rx_status(void *rxq, uint16_t offset);
int pmd_tx_status(void *txq, uint16_t offset);
uint32_t pmd_rx_count(void *rxq);

/* queue.c: rings */
int pmd_rxq_setup(struct rte_eth_dev *dev, uint16_t qid, uint16_t n, unsigned int socket,
		  const struct rte_eth_rxconf *conf, struct rte_mempool *pool);
int pmd_txq_setup(struct rte_eth_dev *dev, uint16_t qid, uint16_t n, unsigned int socket,
		  const struct rte_eth_txconf *conf);
void pmd_rxq_release(struct rte_eth_dev *dev, uint16_t qid);
void pmd_txq_release(struct rte_eth_dev *dev, uint16_t qid);
int pmd_queues_start(struct pmd *p);
void pmd_queues_stop(struct pmd *p);

/* dma.c: EAL's memory, known to the function */
int pmd_dma_open(struct pmd *p);
void pmd_dma_close(struct pmd *p);
int pmd_dma_map_external(struct pmd *p, void *va, uint64_t iova, size_t len);
int pmd_dma_unmap_external(struct pmd *p, void *va, uint64_t iova, size_t len);

/* intr.c */
int pmd_intr_open(struct pmd *p);
void pmd_intr_close(struct pmd *p);
int pmd_rx_intr_start(struct pmd *p);
void pmd_rx_intr_stop(struct pmd *p);
int pmd_rx_intr_enable(struct rte_eth_dev *dev, uint16_t qid);
int pmd_rx_intr_disable(struct rte_eth_dev *dev, uint16_t qid);
void pmd_pf_lost(struct pmd *p);
int pmd_link_read(struct pmd *p, struct rte_eth_link *ret_link);

/* filter.c */
int pmd_filters_restore(struct pmd *p);
int pmd_mac_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr);
int pmd_multicast_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr, uint32_t n);
int pmd_vlan_set(struct rte_eth_dev *dev, uint16_t vid, int on);
int pmd_vlan_offload_set(struct rte_eth_dev *dev, int mask);
int pmd_promisc_on(struct rte_eth_dev *dev);
int pmd_promisc_off(struct rte_eth_dev *dev);
int pmd_allmulti_on(struct rte_eth_dev *dev);
int pmd_allmulti_off(struct rte_eth_dev *dev);
int pmd_mtu_set(struct rte_eth_dev *dev, uint16_t mtu);

/* stats.c */
int pmd_stats_peek(struct rte_eth_dev *dev, struct rte_eth_stats *stats);
int pmd_stats_get(struct rte_eth_dev *dev, struct rte_eth_stats *stats);
int pmd_stats_reset(struct rte_eth_dev *dev);
int pmd_xstats_get(struct rte_eth_dev *dev, struct rte_eth_xstat *xstats, unsigned int n);
int pmd_xstats_names(struct rte_eth_dev *dev, struct rte_eth_xstat_name *names, unsigned int n);
