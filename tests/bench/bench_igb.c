/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * DPDK's own driver of 82576 VFs, as its distribution compiled it, without a PCI bus: this program
 * is the bus. It takes the driver's registration and probes it with a device whose BAR0 is memory;
 * the software NIC polls what the driver writes to its queues. The mailbox says that the PF is
 * being reset, so that the driver asks it for nothing and goes on.
 */
#include "bench_pmd.h"
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include <bus_pci_driver.h>
#include <lib/mmio.h>
#include <rte_interrupts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct rte_pci_driver *igb_vf;

/* In place of the bus's: EAL's own plugin of the same driver comes later and is not taken. */
void rte_pci_register(struct rte_pci_driver *driver)
{
	if (!igb_vf && !strcmp(driver->driver.name, "net_e1000_igb_vf"))
		igb_vf = driver;
}

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "DPDK's driver: %s: %s\n", what, strerror(-r));
	exit(1);
}

struct bench_port bench_igb(uint8_t *page, struct rte_mempool *pool)
{
	static struct rte_pci_device device = {
		.device = {.name = "0000:01:10.0"},
		.id = {.vendor_id = NIC_VENDOR, .device_id = NIC_DEVICE_VF},
	};
	struct rte_eth_conf conf = {0};
	struct rte_eth_dev *dev;
	uint16_t port;

	if (!igb_vf)
		must(-ENODEV, "not linked");
	device.mem_resource[0].addr = page;
	device.mem_resource[0].len = NIC_VF_BAR0_SIZE;
	device.driver = igb_vf;
	device.device.driver = &igb_vf->driver;
	device.intr_handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (!device.intr_handle)
		must(-ENOMEM, "interrupt");
	must(rte_intr_fd_set(device.intr_handle, -1), "interrupt");
	mmio_write32(page + nicvf_V2PMAILBOX(0), V2P_RSTI);
	must(igb_vf->probe(igb_vf, &device), "probe");
	must(rte_eth_dev_get_port_by_name(device.device.name, &port), "port");
	must(rte_eth_dev_configure(port, 1, 1, &conf), "configure");
	must(rte_eth_rx_queue_setup(port, 0, BENCH_RING, 0, NULL, pool), "receive queue");
	must(rte_eth_tx_queue_setup(port, 0, BENCH_RING, 0, NULL), "transmit queue");
	must(rte_eth_dev_start(port), "start");
	dev = &rte_eth_devices[port];
	return (struct bench_port){.rx = dev->rx_pkt_burst,
				   .tx = dev->tx_pkt_burst,
				   .rxq = dev->data->rx_queues[0],
				   .txq = dev->data->tx_queues[0]};
}
