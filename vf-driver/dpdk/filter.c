/* SPDX-License-Identifier: BSD-3-Clause */
/* What a VF asks its PF for: addresses, VLANs, groups, promiscuity, frame size. */
#include "pmd.h"

/* A control call that talks to the PF, under the lock; nothing to do while the port is down. */
static int begin(struct pmd *p)
{
	if (atomic_load(&p->removed))
		return -ENODEV;
	pthread_mutex_lock(&p->lock);
	return 0;
}

static int end(struct pmd *p, const char *what, int r)
{
	if (r == -ECONNRESET)
		pmd_pf_lost(p);
	pthread_mutex_unlock(&p->lock);
	if (r == -EPERM)
		PMD_LOG(ERR, "port %u: the PF refuses %s", p->eth->data->port_id, what);
	else if (r == -ECONNRESET)
		PMD_LOG(ERR, "port %u: %s: the PF was reset, the port has to be as well",
			p->eth->data->port_id, what);
	else if (r < 0)
		PMD_LOG(ERR, "port %u: %s: %s", p->eth->data->port_id, what, strerror(-r));
	return r;
}

int pmd_mac_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr)
{
	struct pmd *p = pmd_of(dev);
	int r = begin(p);

	if (r < 0)
		return r;
	if (p->up)
		r = vfdrv_set_mac(p->core, addr->addr_bytes);
	if (r >= 0)
		memcpy(p->mac, addr->addr_bytes, sizeof(p->mac));
	return end(p, "another address", r);
}

static int groups_tell(struct pmd *p)
{
	return vfdrv_set_multicast(p->core, (const uint8_t(*)[6])p->groups, p->n_groups);
}

int pmd_multicast_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr, uint32_t n)
{
	struct pmd *p = pmd_of(dev);
	int r;

	if (n > NIC_MBX_MC_MAX) {
		PMD_LOG(ERR, "port %u: a VF has at most %u multicast groups", dev->data->port_id,
			NIC_MBX_MC_MAX);
		return -ENOSPC;
	}
	r = begin(p);
	if (r < 0)
		return r;
	for (uint32_t i = 0; i < n; i++)
		memcpy(p->groups[i], addr[i].addr_bytes, sizeof(p->groups[i]));
	p->n_groups = n;
	if (p->up)
		r = groups_tell(p);
	return end(p, "multicast groups", r);
}

int pmd_vlan_set(struct rte_eth_dev *dev, uint16_t vid, int on)
{
	struct pmd *p = pmd_of(dev);
	uint32_t bit;
	int r;

	if (vid >= PMD_VLANS)
		return -EINVAL;
	bit = BIT32(vid % 32);
	r = begin(p);
	if (r < 0)
		return r;
	if (p->up)
		r = vfdrv_set_vlan(p->core, vid, on);
	if (r >= 0 && on)
		p->vlan[vid / 32] |= bit;
	else if (r >= 0)
		p->vlan[vid / 32] &= ~bit;
	return end(p, "a VLAN", r);
}

/* Filtering is the PF's and always on; stripping takes effect at the next start. */
int pmd_vlan_offload_set(struct rte_eth_dev *dev, int mask)
{
	uint64_t wants = dev->data->dev_conf.rxmode.offloads;

	if ((mask & RTE_ETH_VLAN_EXTEND_MASK) && (wants & RTE_ETH_RX_OFFLOAD_VLAN_EXTEND))
		return -ENOTSUP;
	if ((mask & RTE_ETH_VLAN_STRIP_MASK) && dev->data->dev_started) {
		PMD_LOG(ERR, "port %u: VLAN stripping changes while the port is stopped",
			dev->data->port_id);
		return -EBUSY;
	}
	return 0;
}

static int promisc_tell(struct pmd *p)
{
	const struct rte_eth_dev_data *data = p->eth->data;
	unsigned int flags = 0;

	if (data->promiscuous)
		flags = NIC_MBX_PROMISC_UNICAST | NIC_MBX_PROMISC_MULTI;
	else if (data->all_multicast)
		flags = NIC_MBX_PROMISC_MULTI;
	return vfdrv_set_promisc(p->core, (uint8_t)flags);
}

/* ethdev changes its flags after us on the way on, before us on the way off. */
static int promisc_set(struct rte_eth_dev *dev, bool promisc, bool multi)
{
	struct rte_eth_dev_data *data = dev->data;
	struct pmd *p = pmd_of(dev);
	bool was_promisc = data->promiscuous, was_multi = data->all_multicast;
	int r = begin(p);

	if (r < 0)
		return r;
	data->promiscuous = promisc;
	data->all_multicast = multi;
	if (p->up)
		r = promisc_tell(p);
	data->promiscuous = was_promisc;
	data->all_multicast = was_multi;
	return end(p, "promiscuous mode", r);
}

int pmd_promisc_on(struct rte_eth_dev *dev)
{
	return promisc_set(dev, true, dev->data->all_multicast);
}

int pmd_promisc_off(struct rte_eth_dev *dev)
{
	return promisc_set(dev, false, dev->data->all_multicast);
}

int pmd_allmulti_on(struct rte_eth_dev *dev)
{
	return promisc_set(dev, dev->data->promiscuous, true);
}

int pmd_allmulti_off(struct rte_eth_dev *dev)
{
	return promisc_set(dev, dev->data->promiscuous, false);
}

/* What a frame of this MTU takes must fit one buffer of every queue, if it may not take several. */
static int frame_fits(struct rte_eth_dev *dev, uint32_t frame)
{
	if (dev->data->dev_conf.rxmode.offloads & RTE_ETH_RX_OFFLOAD_SCATTER)
		return 0;
	for (uint16_t i = 0; i < dev->data->nb_rx_queues; i++) {
		const struct pmd_rxq *q = dev->data->rx_queues[i];

		if (q && frame - RTE_ETHER_CRC_LEN > q->buf_bytes) {
			PMD_LOG(ERR,
				"port %u: frames of %u bytes do not fit buffers of %u, and "
				"scattering was not asked for",
				dev->data->port_id, frame - RTE_ETHER_CRC_LEN, q->buf_bytes);
			return -EINVAL;
		}
	}
	return 0;
}

int pmd_mtu_set(struct rte_eth_dev *dev, uint16_t mtu)
{
	struct pmd *p = pmd_of(dev);
	uint32_t frame = mtu + PMD_OVERHEAD;
	int r = frame_fits(dev, frame);

	if (r < 0)
		return r;
	r = begin(p);
	if (r < 0)
		return r;
	if (p->up)
		r = vfdrv_set_max_frame(p->core, frame);
	return end(p, "this MTU", r);
}

static int vlans_tell(struct pmd *p)
{
	for (uint16_t vid = 0; vid < PMD_VLANS; vid++) {
		int r;

		if (!(p->vlan[vid / 32] & BIT32(vid % 32)))
			continue;
		r = vfdrv_set_vlan(p->core, vid, true);
		if (r < 0)
			return r;
	}
	return 0;
}

/* A reset of the function has made the PF forget everything; under the lock. */
int pmd_filters_restore(struct pmd *p)
{
	struct rte_eth_dev_data *data = p->eth->data;
	uint32_t frame = data->mtu + PMD_OVERHEAD;
	int r = frame_fits(p->eth, frame);

	if (r < 0)
		return r;
	r = vfdrv_set_max_frame(p->core, frame);
	if (r < 0)
		return r;
	/* the PF may allow no other address than the one it gave: do not ask for what is */
	if (!p->core->has_mac || memcmp(p->core->mac, p->mac, sizeof(p->mac))) {
		r = vfdrv_set_mac(p->core, p->mac);
		if (r < 0)
			return r;
	}
	r = vlans_tell(p);
	if (r < 0)
		return r;
	if (p->n_groups) {
		r = groups_tell(p);
		if (r < 0)
			return r;
	}
	/* ethdev asks for promiscuous modes again after a start */
	return 0;
}
