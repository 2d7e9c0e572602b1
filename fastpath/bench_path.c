/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_path.h"
#include "bench_frame.h"

#include <ctype.h>
#include <lib/clock.h>
#include <rte_dev.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <string.h>

#define POOL_CACHE 512u
#define NO_PORT	   UINT16_MAX

static int fail(struct fp_bpath *path, unsigned int i, const char *what, int r)
{
	snprintf(path->why, sizeof(path->why), "%.80s: %s: %s", path->port[i].vdev, what,
		 strerror(-r));
	return r;
}

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			return false;
	return len > 0 && len < FP_PATH_NAME;
}

int fp_path_new(const char *name, unsigned int mbufs, struct fp_bpath **ret_path)
{
	_cleanup_(fp_path_freep) struct fp_bpath *path = NULL;
	static unsigned int count;
	char pool[RTE_MEMPOOL_NAMESIZE];

	if (!name_ok(name))
		return -EINVAL;
	path = calloc(1, sizeof(*path));
	if (!path)
		return -ENOMEM;
	memcpy(path->name, name, strlen(name) + 1);
	path->port[0].id = path->port[1].id = NO_PORT;
	snprintf(pool, sizeof(pool), "path%u", count++);
	path->pool = rte_pktmbuf_pool_create(pool, mbufs, POOL_CACHE, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
					     SOCKET_ID_ANY);
	if (!path->pool)
		return -ENOMEM;
	*ret_path = TAKE_PTR(path);
	return 0;
}

static int on_removal(uint16_t id, enum rte_eth_event_type event, void *arg, void *ret)
{
	struct fp_bport *port = arg;

	atomic_store(&port->gone, true);
	return 0;
}

static void unplug(struct fp_bport *p)
{
	struct rte_eth_dev_info info;

	if (p->id == NO_PORT)
		return;
	rte_eth_dev_callback_unregister(p->id, RTE_ETH_EVENT_INTR_RMV, on_removal, p);
	if (rte_eth_dev_info_get(p->id, &info) < 0)
		info.device = NULL;
	(void)rte_eth_dev_stop(p->id);
	(void)rte_eth_dev_close(p->id);
	if (info.device && p->vdev[0])
		(void)rte_dev_remove(info.device);
	p->id = NO_PORT;
}

void fp_path_free(struct fp_bpath *path)
{
	if (!path)
		return;
	unplug(&path->port[0]);
	unplug(&path->port[1]);
	rte_mempool_free(path->pool);
	free(path);
}

static int start(struct fp_bpath *path, unsigned int i, uint16_t ring)
{
	struct rte_eth_conf conf = {0};
	struct fp_bport *p = &path->port[i];
	struct rte_eth_dev_info info;
	struct rte_ether_addr mac;
	int r;

	r = rte_eth_dev_info_get(p->id, &info);
	if (r < 0)
		return fail(path, i, "tells nothing of itself", r);
	snprintf(p->driver, sizeof(p->driver), "%s", info.driver_name);
	/* each transmit queue sees buffers of one pool, each owned once */
	conf.txmode.offloads = info.tx_offload_capa & RTE_ETH_TX_OFFLOAD_MBUF_FAST_FREE;
	if (info.dev_flags && (*info.dev_flags & RTE_ETH_DEV_INTR_RMV))
		conf.intr_conf.rmv = 1;
	r = rte_eth_dev_configure(p->id, 1, 1, &conf);
	if (r < 0)
		return fail(path, i, "cannot be configured", r);
	p->rx_ring = p->tx_ring = ring;
	r = rte_eth_dev_adjust_nb_rx_tx_desc(p->id, &p->rx_ring, &p->tx_ring);
	if (r < 0)
		return fail(path, i, "cannot have rings", r);
	r = rte_eth_rx_queue_setup(p->id, 0, p->rx_ring, SOCKET_ID_ANY, NULL, path->pool);
	if (r < 0)
		return fail(path, i, "cannot have a receive ring", r);
	r = rte_eth_tx_queue_setup(p->id, 0, p->tx_ring, SOCKET_ID_ANY, NULL);
	if (r < 0)
		return fail(path, i, "cannot have a transmit ring", r);
	r = rte_eth_dev_callback_register(p->id, RTE_ETH_EVENT_INTR_RMV, on_removal, p);
	if (r < 0)
		return fail(path, i, "cannot report its removal", r);
	r = rte_eth_dev_start(p->id);
	if (r < 0)
		return fail(path, i, "does not start", r);
	r = rte_eth_macaddr_get(p->id, &mac);
	if (r < 0)
		return fail(path, i, "has no address", r);
	memcpy(p->mac, mac.addr_bytes, sizeof(p->mac));
	return 0;
}

/* "0000:01:10.0": a name of the PCI bus, not of a virtual device. */
static const char *bus_of(const char *name)
{
	return strchr(name, ':') ? "pci" : "vdev";
}

int fp_path_plug(struct fp_bpath *path, unsigned int i, const char *vdev, uint16_t ring)
{
	struct fp_bport *p = &path->port[i];
	char name[RTE_DEV_NAME_MAX_LEN];
	const char *comma = strchrnul(vdev, ',');
	int r;

	if (strlen(vdev) >= sizeof(p->vdev) || (size_t)(comma - vdev) >= sizeof(name) ||
	    comma == vdev)
		return fail(path, i, "a device that is named so", -EINVAL);
	memcpy(p->vdev, vdev, strlen(vdev) + 1);
	snprintf(name, sizeof(name), "%.*s", (int)(comma - vdev), vdev);
	if (rte_eth_dev_get_port_by_name(name, &p->id) == 0) {
		p->id = NO_PORT; /* it is another path's */
		return fail(path, i, "that name is taken", -EEXIST);
	}
	r = rte_eal_hotplug_add(bus_of(name), name, *comma ? comma + 1 : "");
	if (r < 0)
		return fail(path, i, "cannot be added", r);
	if (rte_eth_dev_get_port_by_name(name, &p->id) < 0) {
		p->id = NO_PORT;
		(void)rte_eal_hotplug_remove(bus_of(name), name);
		return fail(path, i, "is no network port", -ENODEV);
	}
	return start(path, i, ring);
}

int fp_path_adopt(struct fp_bpath *path, unsigned int i, uint16_t id, uint16_t ring)
{
	path->port[i].id = id;
	return start(path, i, ring);
}

int fp_path_wait(struct fp_bpath *path, uint64_t timeout_us)
{
	uint64_t end = clock_us() + timeout_us;

	for (unsigned int i = 0; i < 2; i++) {
		struct rte_eth_link link = {0};

		while (rte_eth_link_get_nowait(path->port[i].id, &link) < 0 || !link.link_status) {
			if (fp_path_gone(path))
				return fail(path, i, "went away", -ENODEV);
			if (clock_us() >= end)
				return fail(path, i, "its link does not come up", -ETIMEDOUT);
			clock_sleep_us(1000);
		}
	}
	return 0;
}

bool fp_path_gone(const struct fp_bpath *path)
{
	return atomic_load(&path->port[0].gone) || atomic_load(&path->port[1].gone);
}

void fp_path_drops(const struct fp_bpath *path, struct fp_drops drops[2])
{
	for (unsigned int i = 0; i < 2; i++) {
		struct rte_eth_stats s = {0};

		if (atomic_load(&path->port[i].gone) || rte_eth_stats_get(path->port[i].id, &s) < 0)
			memset(&s, 0, sizeof(s));
		drops[i] = (struct fp_drops){.rx_missed = s.imissed,
					     .rx_errors = s.ierrors,
					     .rx_nombuf = s.rx_nombuf,
					     .tx_errors = s.oerrors};
	}
}
