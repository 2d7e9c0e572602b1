/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The port: probe, configure, start, stop, removal.
 *
 *   --vdev net_sriov_vf0,path=SOCKET          a VF of the software NIC
 *   --vdev net_sriov_vf0,bdf=0000:01:10.0     a VF on vfio-pci; token=UUID if its PF is as well
 */
#include <ethdev_vdev.h>
#include "pmd.h"

#define RX_OFFLOADS                                                       \
	(RTE_ETH_RX_OFFLOAD_VLAN_STRIP | RTE_ETH_RX_OFFLOAD_VLAN_FILTER | \
	 RTE_ETH_RX_OFFLOAD_IPV4_CKSUM | RTE_ETH_RX_OFFLOAD_UDP_CKSUM |   \
	 RTE_ETH_RX_OFFLOAD_TCP_CKSUM | RTE_ETH_RX_OFFLOAD_SCTP_CKSUM |   \
	 RTE_ETH_RX_OFFLOAD_RSS_HASH | RTE_ETH_RX_OFFLOAD_SCATTER)
#define TX_OFFLOADS_FULL                                                  \
	(RTE_ETH_TX_OFFLOAD_VLAN_INSERT | RTE_ETH_TX_OFFLOAD_IPV4_CKSUM | \
	 RTE_ETH_TX_OFFLOAD_UDP_CKSUM | RTE_ETH_TX_OFFLOAD_TCP_CKSUM |    \
	 RTE_ETH_TX_OFFLOAD_MULTI_SEGS)
#define RSS_TYPES                                                                         \
	(RTE_ETH_RSS_IPV4 | RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV4_UDP | \
	 RTE_ETH_RSS_IPV6 | RTE_ETH_RSS_NONFRAG_IPV6_TCP | RTE_ETH_RSS_NONFRAG_IPV6_UDP)
/* ... and what takes more than the full function */
#define TX_OFFLOADS_TSO (RTE_ETH_TX_OFFLOAD_TCP_TSO | RTE_ETH_TX_OFFLOAD_SCTP_CKSUM)
#define TX_OFFLOADS	(TX_OFFLOADS_FULL | TX_OFFLOADS_TSO | RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE)

RTE_LOG_REGISTER_DEFAULT(pmd_logtype, NOTICE);

/* ---- start and stop --------------------------------------------------------------------- */

static void bursts_choose(struct pmd *p)
{
	struct rte_eth_dev *dev = p->eth;
	uint64_t rx = dev->data->dev_conf.rxmode.offloads, tx = 0;
	struct pmd_rx_mode mode = {.scalar = p->args.scalar,
				   .scatter = rx & RTE_ETH_RX_OFFLOAD_SCATTER,
				   .strip = rx & RTE_ETH_RX_OFFLOAD_VLAN_STRIP};

	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		tx |= ((struct pmd_txq *)dev->data->tx_queues[i])->offloads;
	dev->data->scattered_rx = mode.scatter;
	dev->rx_pkt_burst = pmd_rx_burst(mode);
	if (tx & TX_OFFLOADS_TSO) {
		dev->tx_pkt_burst = pmd_tx_tso;
		dev->tx_pkt_prepare = pmd_tx_tso_prepare;
	} else {
		dev->tx_pkt_burst = tx & TX_OFFLOADS_FULL ? pmd_tx_full : pmd_tx_simple;
		dev->tx_pkt_prepare = tx & TX_OFFLOADS_FULL ? pmd_tx_prepare : NULL;
	}
}

/* Under the lock. */
static int start(struct pmd *p)
{
	struct rte_eth_dev_data *data = p->eth->data;
	int r = vfdrv_reset(p->core);

	if (r < 0)
		return r;
	p->lost_pf = p->lost_pf_told = false;
	r = pmd_filters_restore(p);
	if (r < 0)
		return r;
	if (data->nb_rx_queues > 1) {
		r = vfdrv_set_rx_queues(p->core, data->nb_rx_queues);
		if (r < 0)
			return r;
	}
	bursts_choose(p);
	r = pmd_queues_start(p);
	if (r < 0)
		return r;
	for (uint16_t i = 0; i < data->nb_rx_queues; i++)
		((struct pmd_rxq *)data->rx_queues[i])->dropped_last = vfdrv_rx_dropped(p->core, i);
	r = pmd_rx_intr_start(p);
	if (r < 0)
		return r;
	p->up = true;
	return 0;
}

static int pmd_start(struct rte_eth_dev *dev)
{
	struct pmd *p = pmd_of(dev);
	struct rte_eth_link link;
	int r;

	if (atomic_load(&p->removed))
		return -ENODEV;
	pthread_mutex_lock(&p->lock);
	r = start(p);
	if (r < 0) {
		pmd_queues_stop(p);
		pmd_rx_intr_stop(p);
	}
	pthread_mutex_unlock(&p->lock);
	if (r < 0) {
		PMD_LOG(ERR, "port %u cannot start: %s", dev->data->port_id, strerror(-r));
		return r;
	}
	if (pmd_link_read(p, &link) >= 0)
		(void)rte_eth_linkstatus_set(dev, &link);
	return 0;
}

static int pmd_stop(struct rte_eth_dev *dev)
{
	struct pmd *p = pmd_of(dev);
	struct rte_eth_link link = {0};

	dev->rx_pkt_burst = pmd_rx_none;
	dev->tx_pkt_burst = pmd_tx_none;
	rte_wmb();
	pthread_mutex_lock(&p->lock);
	pmd_queues_stop(p);
	pmd_rx_intr_stop(p);
	pthread_mutex_unlock(&p->lock);
	(void)rte_eth_linkstatus_set(dev, &link);
	dev->data->dev_started = 0;
	return 0;
}

static int pmd_configure(struct rte_eth_dev *dev)
{
	const struct rte_eth_conf *conf = &dev->data->dev_conf;
	struct pmd *p = pmd_of(dev);

	if (conf->rxmode.mq_mode & ~RTE_ETH_MQ_RX_RSS || conf->txmode.mq_mode) {
		PMD_LOG(ERR, "port %u: of the multi-queue modes there is RSS", dev->data->port_id);
		return -ENOTSUP;
	}
	if (conf->link_speeds & RTE_ETH_LINK_SPEED_FIXED || conf->lpbk_mode) {
		PMD_LOG(ERR, "port %u: a VF has no say in speed and loopback", dev->data->port_id);
		return -ENOTSUP;
	}
	if (dev->data->nb_rx_queues > p->n_rx_max)
		return -EINVAL;
	return 0;
}

static int pmd_info(struct rte_eth_dev *dev, struct rte_eth_dev_info *info)
{
	struct pmd *p = pmd_of(dev);
	const struct rte_eth_desc_lim lim = {.nb_max = PMD_RING_MAX,
					     .nb_min = PMD_RING_MIN,
					     .nb_align = PMD_RING_MIN,
					     .nb_seg_max = PMD_TSO_SEGS_MAX,
					     .nb_mtu_seg_max = PMD_SEGS_MAX};

	info->max_rx_queues = (uint16_t)p->n_rx_max;
	info->max_tx_queues = VFDRV_QUEUES;
	info->max_mac_addrs = PMD_MACS_MAX;
	info->min_rx_bufsize = 1024;
	info->max_rx_pktlen = PMD_FRAME_MAX;
	info->min_mtu = RTE_ETHER_MIN_MTU;
	info->max_mtu = PMD_FRAME_MAX - PMD_OVERHEAD;
	info->rx_offload_capa = RX_OFFLOADS;
	info->tx_offload_capa = TX_OFFLOADS;
	info->tx_queue_offload_capa = 0;
	info->rx_desc_lim = info->tx_desc_lim = lim;
	if (p->n_rx_max > 1) {
		info->flow_type_rss_offloads = RSS_TYPES;
		info->hash_key_size = 40;
	}
	info->default_rxconf.rx_free_thresh = PMD_BATCH;
	info->default_rxconf.rx_drop_en = 1;
	info->default_txconf.tx_rs_thresh = PMD_BATCH;
	info->default_rxportconf = info->default_txportconf = (struct rte_eth_dev_portconf){
		.burst_size = PMD_BATCH, .ring_size = PMD_RING_DEF, .nb_queues = 1};
	info->speed_capa = RTE_ETH_LINK_SPEED_1G;
	return 0;
}

/* Types and key are the PF's, one choice for all its VFs: the key is not told. */
static int pmd_rss_get(struct rte_eth_dev *dev, struct rte_eth_rss_conf *conf)
{
	if (pmd_of(dev)->n_rx_max < 2)
		return -ENOTSUP;
	conf->rss_hf = dev->data->nb_rx_queues > 1 ? RSS_TYPES : 0;
	return 0;
}

static int pmd_link_update(struct rte_eth_dev *dev, int wait)
{
	struct rte_eth_link link;

	(void)pmd_link_read(pmd_of(dev), &link);
	return rte_eth_linkstatus_set(dev, &link);
}

static int pmd_is_removed(struct rte_eth_dev *dev)
{
	struct pmd *p = pmd_of(dev);

	return atomic_load(&p->removed) || pcif_lost(p->f);
}

static int pmd_rx_mode(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_burst_mode *mode)
{
	bool vector =
		dev->rx_pkt_burst == pmd_rx_vector || dev->rx_pkt_burst == pmd_rx_vector_strip;
	bool scatter =
		dev->rx_pkt_burst == pmd_rx_scatter || dev->rx_pkt_burst == pmd_rx_scatter_strip;

	snprintf(mode->info, sizeof(mode->info), "%s",
		 vector	   ? "Vector SSE"
		 : scatter ? "Scalar Scattered"
			   : "Scalar");
	return 0;
}

static int pmd_tx_mode(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_burst_mode *mode)
{
	const struct pmd_txq *q = dev->data->tx_queues[qid];

	snprintf(mode->info, sizeof(mode->info), "%s, %s",
		 dev->tx_pkt_burst == pmd_tx_simple ? "Simple"
		 : dev->tx_pkt_burst == pmd_tx_tso  ? "Segmenting"
						    : "Full",
		 q->head_wb ? "head write-back" : "DD write-back");
	return 0;
}

static void pmd_rxq_info(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_rxq_info *info)
{
	const struct pmd_rxq *q = dev->data->rx_queues[qid];

	info->mp = q->pool;
	info->nb_desc = (uint16_t)q->n_desc;
	info->rx_buf_size = (uint16_t)q->buf_bytes;
	info->conf.rx_free_thresh = q->free_thresh;
	info->conf.rx_drop_en = 1;
	info->scattered_rx = !!(dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER);
	info->conf.offloads = dev->data->dev_conf.rxmode.offloads;
}

static void pmd_txq_info(struct rte_eth_dev *dev, uint16_t qid, struct rte_eth_txq_info *info)
{
	const struct pmd_txq *q = dev->data->tx_queues[qid];

	info->nb_desc = (uint16_t)q->n_desc;
	info->conf.tx_rs_thresh = PMD_BATCH;
	info->conf.tx_free_thresh = PMD_BATCH;
	info->conf.offloads = q->offloads;
}

/* ---- open and close --------------------------------------------------------------------- */

static int function_open(struct pmd *p)
{
	struct vfdrv_pcif_config config = {.control = true, .no_mmap = p->args.trapped};
	char err[PCIF_ERR_MAX] = "";
	int r;

	if (p->args.path) {
		r = pcif_open_vfu_path(p->args.path, 0, &p->f);
	} else {
		struct pcif_vfio_config c = {.bdf = p->args.bdf, .token = p->args.token};

		r = pcif_open_vfio(&c, &p->f, err, sizeof(err));
	}
	if (r < 0) {
		PMD_LOG(ERR, "%s cannot be opened: %s", p->args.path ? p->args.path : p->args.bdf,
			err[0]	       ? err
			: r == -EAGAIN ? "somebody else has it"
				       : strerror(-r));
		return r;
	}
	r = pmd_dma_open(p);
	if (r < 0)
		return r;
	r = vfdrv_pcif_open(p->f, &config, &p->home);
	if (r < 0) {
		PMD_LOG(ERR, "%s: the function does not come up: %s",
			p->args.path ? p->args.path : p->args.bdf, strerror(-r));
		return r;
	}
	p->core = vfdrv_pcif_core(p->home);
	return pmd_intr_open(p);
}

/* Everything that probe made; half-made as well. Called again it does nothing. */
static void function_close(struct pmd *p)
{
	pmd_intr_close(p);
	vfdrv_pcif_close(p->home);
	p->home = NULL;
	p->core = NULL;
	pmd_dma_close(p);
	if (p->f)
		pcif_close(p->f);
	p->f = NULL;
	pmd_args_done(&p->args);
}

static int pmd_close(struct rte_eth_dev *dev)
{
	struct pmd *p = pmd_of(dev);

	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return 0;
	if (dev->data->dev_started || p->up)
		pmd_stop(dev);
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++)
		pmd_rxq_release(dev, i);
	for (uint16_t i = 0; i < dev->data->nb_tx_queues; i++)
		pmd_txq_release(dev, i);
	function_close(p);
	pthread_mutex_destroy(&p->lock);
	return 0;
}

/* After a reset of the PF: the port is stopped by now, and starts from nothing. */
static int pmd_reset(struct rte_eth_dev *dev)
{
	struct pmd *p = pmd_of(dev);
	int r;

	if (atomic_load(&p->removed))
		return -ENODEV;
	pthread_mutex_lock(&p->lock);
	r = vfdrv_reset(p->core);
	if (r >= 0)
		p->lost_pf = p->lost_pf_told = false;
	pthread_mutex_unlock(&p->lock);
	return r;
}

static const struct eth_dev_ops pmd_ops = {
	.dev_configure = pmd_configure,
	.dev_start = pmd_start,
	.dev_stop = pmd_stop,
	.dev_close = pmd_close,
	.dev_reset = pmd_reset,
	.dev_infos_get = pmd_info,
	.link_update = pmd_link_update,
	.is_removed = pmd_is_removed,
	.promiscuous_enable = pmd_promisc_on,
	.promiscuous_disable = pmd_promisc_off,
	.allmulticast_enable = pmd_allmulti_on,
	.allmulticast_disable = pmd_allmulti_off,
	.mac_addr_set = pmd_mac_set,
	.set_mc_addr_list = pmd_multicast_set,
	.mtu_set = pmd_mtu_set,
	.vlan_filter_set = pmd_vlan_set,
	.vlan_offload_set = pmd_vlan_offload_set,
	.stats_get = pmd_stats_get,
	.stats_reset = pmd_stats_reset,
	.xstats_get = pmd_xstats_get,
	.xstats_reset = pmd_stats_reset,
	.xstats_get_names = pmd_xstats_names,
	.rx_queue_setup = pmd_rxq_setup,
	.rx_queue_release = pmd_rxq_release,
	.tx_queue_setup = pmd_txq_setup,
	.tx_queue_release = pmd_txq_release,
	.rx_queue_intr_enable = pmd_rx_intr_enable,
	.rx_queue_intr_disable = pmd_rx_intr_disable,
	.rss_hash_conf_get = pmd_rss_get,
	.rxq_info_get = pmd_rxq_info,
	.txq_info_get = pmd_txq_info,
	.rx_burst_mode_get = pmd_rx_mode,
	.tx_burst_mode_get = pmd_tx_mode,
};

/* ---- the bus ---------------------------------------------------------------------------- */

/* The port belongs to the primary process; others may look. */
static const struct eth_dev_ops pmd_secondary_ops = {
	.dev_close = pmd_close,
	.dev_infos_get = pmd_info,
	.stats_get = pmd_stats_peek,
};

static int secondary_probe(struct rte_vdev_device *vdev, const char *name)
{
	struct rte_eth_dev *dev = rte_eth_dev_attach_secondary(name);

	if (!dev)
		return -ENODEV;
	dev->device = &vdev->device;
	dev->dev_ops = &pmd_secondary_ops;
	dev->rx_pkt_burst = pmd_rx_none;
	dev->tx_pkt_burst = pmd_tx_none;
	rte_eth_dev_probing_finish(dev);
	PMD_LOG(NOTICE, "%s: a secondary process may look; frames and control are the primary's",
		name);
	return 0;
}

static int mac_choose(struct pmd *p)
{
	struct rte_ether_addr *addr = rte_zmalloc("sriov_vf_mac", PMD_MACS_MAX * sizeof(*addr), 0);

	if (!addr)
		return -ENOMEM;
	if (p->core->has_mac)
		memcpy(addr->addr_bytes, p->core->mac, sizeof(p->mac));
	else
		rte_eth_random_addr(addr->addr_bytes);
	memcpy(p->mac, addr->addr_bytes, sizeof(p->mac));
	p->eth->data->mac_addrs = addr;
	return 0;
}

static int pmd_init(struct rte_eth_dev *dev, const char *args)
{
	struct pmd *p = pmd_of(dev);
	int r;

	*p = (struct pmd){.eth = dev, .watch_epoll = -1, .request_fd = -1};
	pthread_mutex_init(&p->lock, NULL);
	r = pmd_args_read(args, &p->args);
	if (r < 0)
		return r;
	r = function_open(p);
	if (r < 0)
		return r;
	/* of a PF in the kernel it is known that it has no such thing, and would log the question
	 */
	p->n_rx_max = 1;
	if (p->args.path || p->args.rss) {
		r = vfdrv_set_rx_queues(p->core, VFDRV_QUEUES);
		if (r < 0 && r != -EPERM)
			return r;
		if (r >= 0)
			p->n_rx_max = VFDRV_QUEUES;
	}
	r = mac_choose(p);
	if (r < 0)
		return r;
	vfdrv_hw_counters(p->core, &p->hw_base);

	dev->dev_ops = &pmd_ops;
	dev->rx_pkt_burst = pmd_rx_none;
	dev->tx_pkt_burst = pmd_tx_none;
	dev->rx_queue_count = pmd_rx_count;
	dev->rx_descriptor_status = pmd_rx_status;
	dev->tx_descriptor_status = pmd_tx_status;
	dev->data->dev_flags |=
		RTE_ETH_DEV_INTR_LSC | RTE_ETH_DEV_INTR_RMV | RTE_ETH_DEV_AUTOFILL_QUEUE_XSTATS;
	return 0;
}

static int pmd_probe(struct rte_vdev_device *vdev)
{
	const char *name = rte_vdev_device_name(vdev);
	struct rte_eth_dev *dev;
	int r;

	if (rte_eal_process_type() != RTE_PROC_PRIMARY)
		return secondary_probe(vdev, name);
	dev = rte_eth_vdev_allocate(vdev, sizeof(struct pmd));
	if (!dev)
		return -ENOMEM;
	r = pmd_init(dev, rte_vdev_device_args(vdev));
	if (r < 0) {
		function_close(pmd_of(dev));
		pthread_mutex_destroy(&pmd_of(dev)->lock);
		rte_eth_dev_release_port(dev);
		return r;
	}
	rte_eth_dev_probing_finish(dev);
	return 0;
}

static int pmd_remove(struct rte_vdev_device *vdev)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));

	if (!dev)
		return 0; /* closed already */
	pmd_close(dev);
	return rte_eth_dev_release_port(dev);
}

static int pmd_dma_map(struct rte_vdev_device *vdev, void *addr, uint64_t iova, size_t len)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));
	int r = dev ? pmd_dma_map_external(pmd_of(dev), addr, iova, len) : -ENODEV;

	if (r < 0)
		rte_errno = -r;
	return r;
}

static int pmd_dma_unmap(struct rte_vdev_device *vdev, void *addr, uint64_t iova, size_t len)
{
	struct rte_eth_dev *dev = rte_eth_dev_allocated(rte_vdev_device_name(vdev));
	int r = dev ? pmd_dma_unmap_external(pmd_of(dev), addr, iova, len) : -ENODEV;

	if (r < 0)
		rte_errno = -r;
	return r;
}

static struct rte_vdev_driver sriov_vf_driver = {
	.probe = pmd_probe,
	.remove = pmd_remove,
	.dma_map = pmd_dma_map,
	.dma_unmap = pmd_dma_unmap,
};

RTE_PMD_REGISTER_VDEV(net_sriov_vf, sriov_vf_driver);
RTE_PMD_REGISTER_PARAM_STRING(net_sriov_vf, PMD_ARGS_HELP);
