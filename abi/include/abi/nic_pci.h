#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the 82576 shows in PCI configuration space: ids, BARs and where its capabilities lie.
 * Register layouts of the standard capabilities come from <linux/pci_regs.h>.
 */
#include <abi/bits.h>

#define NIC_VENDOR      0x8086
#define NIC_DEVICE_PF   0x10c9
#define NIC_DEVICE_VF   0x10ca
#define NIC_CLASS       0x020000 /* Ethernet controller */
#define NIC_REVISION    0x01

#define NIC_PF_BAR0_SIZE   0x20000u /* CSRs */
#define NIC_PF_MSIX_BAR    3
#define NIC_PF_MSIX_N      10u
#define NIC_VF_BAR0_SIZE   0x4000u
#define NIC_VF_MSIX_BAR    3
#define NIC_VF_MSIX_N      3u
#define NIC_MSIX_BAR_SIZE  0x4000u
#define NIC_MSIX_TABLE_OFF 0x0000u
#define NIC_MSIX_PBA_OFF   0x2000u

/* The pages of VF BAR0 that are shared memory: RX queues (page 2) and TX queues (page 3). */
#define NIC_VF_SHARED_OFF  0x2000u
#define NIC_VF_SHARED_SIZE 0x2000u

#define NIC_CFG_SIZE      4096u
#define NIC_CFG_PM        0x40
#define NIC_CFG_MSIX      0x70
#define NIC_CFG_PCIE      0xa0
#define NIC_CFG_AER       0x100
#define NIC_CFG_ARI       0x150
#define NIC_CFG_SRIOV     0x160

#define NIC_VFS_MAX       8u /* pools; with all 8 given to VFs the PF has no queue left */
#define NIC_QUEUES        16u
#define NIC_POOL_QUEUES   2u /* pool p owns queues p and p + 8 */
#define NIC_VF_STRIDE     2u
#define NIC_VF_OFFSET     0x180u /* first VF offset without ARI hierarchy */
#define NIC_VF_OFFSET_ARI 0x80u  /* ... and with it */
