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

/* The PF may allow no other address than the one it gave: what is already is not asked for. */
static bool mac_is(const struct pmd *p, const uint8_t mac[RTE_ETHER_ADDR_LEN])
{
	return p->core->has_mac && !memcmp(p->core->mac, mac, RTE_ETHER_ADDR_LEN);
}

int pmd_mac_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr)
{
	struct pmd *p = pmd_of(dev);
	int r = begin(p);

	if (r < 0)
		return r;
	if (p->up && !mac_is(p, addr->addr_bytes))
		r = vfdrv_set_mac(p->core, addr->addr_bytes);
	if (r >= 0)
		memcpy(p->mac, addr->addr_bytes, sizeof(p->mac));
	return end(p, "another address", r);
}

int pmd_multicast_set(struct rte_eth_dev *dev, struct rte_ether_addr *addr, uint32_t n)
{
	uint8_t groups[NIC_MBX_MC_MAX][RTE_ETHER_ADDR_LEN] = {0};
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
		memcpy(groups[i], addr[i].addr_bytes, sizeof(groups[i]));
	if (p->up)
		r = vfdrv_set_multicast(p->core, (const uint8_t(*)[6])groups, n);
	if (r >= 0) {
		memcpy(p->groups, groups, sizeof(p->groups));
		p->n_groups = n;
	}
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

/*
 * What is set while the port is down is not asked then, and a PF may have changed its mind since:
 * what it refuses at a start is done without, said and counted, and the port starts.
 */
static int mac_restore(struct pmd *p)
{
	int r;

	if (mac_is(p, p->mac))
		return 0;
	r = vfdrv_set_mac(p->core, p->mac);
	if (r != -EPERM)
		return r;
	if (!p->core->has_mac) {
		PMD_LOG(ERR, "port %u: the PF refuses the address, and has given none",
			p->eth->data->port_id);
		return r;
	}
	p->refused++;
	memcpy(p->mac, p->core->mac, sizeof(p->mac));
	memcpy(p->eth->data->mac_addrs->addr_bytes, p->mac, sizeof(p->mac));
	PMD_LOG(WARNING,
		"port %u: the PF refuses the address that was set: the port has the "
		"PF's, " RTE_ETHER_ADDR_PRT_FMT,
		p->eth->data->port_id, RTE_ETHER_ADDR_BYTES(p->eth->data->mac_addrs));
	return 0;
}

static int vlans_restore(struct pmd *p)
{
	struct rte_vlan_filter_conf *known = &p->eth->data->vlan_filter_conf;
	unsigned int n = 0, last = 0;

	for (uint16_t vid = 0; vid < PMD_VLANS; vid++) {
		int r;

		if (!(p->vlan[vid / 32] & BIT32(vid % 32)))
			continue;
		r = vfdrv_set_vlan(p->core, vid, true);
		if (r == -EPERM) {
			p->vlan[vid / 32] &= ~BIT32(vid % 32);
			known->ids[vid / 64] &= ~RTE_BIT64(vid % 64);
			last = vid;
			n++;
		} else if (r < 0) {
			return r;
		}
	}
	p->refused += n;
	if (n)
		PMD_LOG(WARNING, "port %u: the PF refuses %u VLANs, the last one %u: without them",
			p->eth->data->port_id, n, last);
	return 0;
}

static int groups_restore(struct pmd *p)
{
	int r;

	if (!p->n_groups)
		return 0;
	r = vfdrv_set_multicast(p->core, (const uint8_t(*)[6])p->groups, p->n_groups);
	if (r != -EPERM)
		return r;
	PMD_LOG(WARNING, "port %u: the PF refuses %u multicast groups: without them",
		p->eth->data->port_id, p->n_groups);
	p->refused++;
	p->n_groups = 0;
	return 0;
}

/* ethdev asks for these modes again after a start, and ends it when they are refused then. */
static int promisc_restore(struct pmd *p)
{
	struct rte_eth_dev_data *data = p->eth->data;
	int r = 0;

	if (data->promiscuous) {
		r = promisc_tell(p);
		if (r != -EPERM)
			return r;
		PMD_LOG(WARNING, "port %u: the PF refuses promiscuous mode: without it",
			data->port_id);
		p->refused++;
		data->promiscuous = 0;
	}
	if (data->all_multicast) {
		r = promisc_tell(p);
		if (r != -EPERM)
			return r;
		PMD_LOG(WARNING, "port %u: the PF refuses all-multicast mode: without it",
			data->port_id);
		p->refused++;
		data->all_multicast = 0;
	}
	return 0;
}

/* A reset of the function has made the PF forget everything; under the lock. */
int pmd_filters_restore(struct pmd *p)
{
	uint32_t frame = p->eth->data->mtu + PMD_OVERHEAD;
	int r = frame_fits(p->eth, frame);

	if (r < 0)
		return r;
	r = vfdrv_set_max_frame(p->core, frame);
	if (r == -EPERM)
		PMD_LOG(ERR, "port %u: the PF refuses frames of %u bytes", p->eth->data->port_id,
			frame);
	if (r < 0)
		return r;
	r = mac_restore(p);
	if (r < 0)
		return r;
	r = vlans_restore(p);
	if (r < 0)
		return r;
	r = groups_restore(p);
	if (r < 0)
		return r;
	return promisc_restore(p);
}
