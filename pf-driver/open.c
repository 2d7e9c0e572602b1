/* SPDX-License-Identifier: BSD-3-Clause */
/* Bring-up of a PF, SR-IOV on and off. Steps in the order of the Linux driver. */
#include <linux/pci_regs.h>
#include <lib/clock.h>
#include <string.h>
#include "open.h"

#define MASTER_TIMEOUT_US UINT64_C(80000)
#define RESET_TIMEOUT_US  UINT64_C(100000)
#define NVM_TIMEOUT_US	  UINT64_C(20000)
#define COLLISION_COUNT	  15u
#define COLLISION_DIST	  0x40u
#define EXT_CAPS_MAX	  64u

/* The extended capabilities are a list in the device: bounded, in case it has a loop. */
static uint32_t find_sriov(struct pfdrv *pf)
{
	uint32_t off = PCI_CFG_SPACE_SIZE;

	for (unsigned int i = 0; i < EXT_CAPS_MAX && off >= PCI_CFG_SPACE_SIZE; i++) {
		uint32_t header = pfdrv_cfg_rd(pf, off, 4);

		if (pf->error || header == 0 || header == UINT32_MAX)
			return 0;
		if (PCI_EXT_CAP_ID(header) == PCI_EXT_CAP_ID_SRIOV)
			return off;
		off = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

int pfdrv_new(struct pcif *f, int irq_fd, const struct pfdrv_events *events, struct pfdrv **ret_pf)
{
	_cleanup_(pfdrv_closep) struct pfdrv *pf = NULL;
	uint32_t id;

	pf = calloc(1, sizeof(*pf));
	if (!pf)
		return -ENOMEM;
	pf->f = f;
	pf->irq_fd = irq_fd;
	if (events)
		pf->events = *events;
	for (unsigned int i = 0; i < PFDRV_VFS_MAX; i++)
		pfdrv_vf_defaults(&pf->vf[i]);

	id = pfdrv_cfg_rd(pf, PCI_VENDOR_ID, 4);
	if (pf->error)
		return pf->error;
	if (id != ((uint32_t)NIC_DEVICE_PF << 16 | NIC_VENDOR))
		return -ENODEV;
	pf->sriov_cap = find_sriov(pf);
	if (pf->error)
		return pf->error;
	if (pf->sriov_cap == 0)
		return -ENXIO;
	pf->total_vfs = pfdrv_cfg_rd(pf, pf->sriov_cap + PCI_SRIOV_TOTAL_VF, 2);
	if (pf->total_vfs > PFDRV_VFS_MAX)
		pf->total_vfs = PFDRV_VFS_MAX;
	if (pf->error)
		return pf->error;

	*ret_pf = TAKE_PTR(pf);
	return 0;
}

void pfdrv_close(struct pfdrv *pf)
{
	if (!pf)
		return;
	if (pf->owns_f)
		pcif_close(pf->f);
	free(pf);
}

static int reset(struct pfdrv *pf)
{
	int r;

	pfdrv_wr(pf, nic_EIMC(0), UINT32_MAX);
	pfdrv_wr(pf, nic_IMC_LEGACY(0), UINT32_MAX);
	pfdrv_wr(pf, nic_CTRL(0), pfdrv_rd(pf, nic_CTRL(0)) | CTRL_GIO_MASTER_DISABLE);
	/* DMA that does not drain is no reason to give up: the reset ends it */
	(void)pfdrv_wait(pf, nic_STATUS(0), STATUS_GIO_MASTER_ENABLE, 0, MASTER_TIMEOUT_US);
	pfdrv_wr(pf, nic_RCTL(0), 0);
	pfdrv_wr(pf, nic_TCTL(0), TCTL_PSP);
	clock_sleep_us(10000);

	pfdrv_wr(pf, nic_CTRL(0), pfdrv_rd(pf, nic_CTRL(0)) | CTRL_RST);
	clock_sleep_us(1000);
	r = pfdrv_wait(pf, nic_CTRL(0), CTRL_RST, 0, RESET_TIMEOUT_US);
	if (r < 0)
		return r;
	/* some models never say so; the checksum decides */
	(void)pfdrv_wait(pf, nic_EECD(0), EECD_AUTO_RD, EECD_AUTO_RD, NVM_TIMEOUT_US);
	pfdrv_wr(pf, nic_IMC_LEGACY(0), UINT32_MAX);
	(void)pfdrv_rd(pf, nic_ICR_LEGACY(0));
	return pf->error;
}

/*
 * The PF takes no packets, so its own address is no receive address: a valid entry without a queue
 * behind it would swallow what VFs send to somebody outside who carries that address.
 */
static int take_mac(struct pfdrv *pf)
{
	uint32_t high;

	pfdrv_rar_read(pf, 0, pf->mac, &high);
	if (pf->error)
		return pf->error;
	if (!(high & RAH_AV) || !nic_mac_valid(pf->mac))
		return -EADDRNOTAVAIL;
	pfdrv_wr(pf, nic_RAR_high(0), high & RAH_ADDR);
	return pf->error;
}

/*
 * What depends on the number of VFs. Pools of VFs come first, the PF's, if one is left, after them.
 */
void pfdrv_vt_sync(struct pfdrv *pf)
{
	uint32_t pool = pf->num_vfs < NIC_VFS_MAX ? pf->num_vfs : NIC_VFS_MAX - 1;

	pfdrv_wr(pf, nic_VT_CTL(0),
		 field_prep(VT_CTL_DEF_PL, pool) | VT_CTL_DIS_DEF_POOL | VT_CTL_REPL_EN);
	pfdrv_spoof_sync(pf);
}

static void switch_init(struct pfdrv *pf)
{
	pfdrv_wr(pf, nic_VFRE(0), 0);
	pfdrv_wr(pf, nic_VFTE(0), 0);
	pfdrv_tables_clear(pf);
	pfdrv_wr(pf, nic_VET(0), 0x81008100);
	pfdrv_wr(pf, nic_RLPML(0), PFDRV_FRAME_MAX);
	pfdrv_wr(pf, nic_RPLOLR(0), RPLOLR_STRVLAN | VMOLR_STRCRC);
	pfdrv_wr(pf, nic_QDE(0), 0xffff);
	pfdrv_wr(pf, nic_MRQC(0), field_prep(MRQC_MODE, MRQC_MODE_VMDQ));
	pf->rss = false;
	pfdrv_vt_sync(pf);
	for (unsigned int i = 0; i < PFDRV_VFS_MAX; i++) {
		pfdrv_vmolr_sync(pf, i);
		pfdrv_vmvir_sync(pf, i);
	}
	pfdrv_wr(pf, nic_TCTL(0),
		 TCTL_EN | TCTL_PSP | TCTL_RTLC | field_prep(TCTL_CT, COLLISION_COUNT) |
			 field_prep(TCTL_COLD, COLLISION_DIST));
	pf->rctl = 0;
	pfdrv_promisc_sync(pf);
}

/* Where the host owns the capability, it enables VFs and this driver only takes note. */
static void vf_enable(struct pfdrv *pf, unsigned int n)
{
	const uint32_t on = PCI_SRIOV_CTRL_VFE | PCI_SRIOV_CTRL_MSE;
	uint32_t ctl;

	if (pcif_host_sriov(pf->f))
		return;
	ctl = pfdrv_cfg_rd(pf, pf->sriov_cap + PCI_SRIOV_CTRL, 2);
	if (n > 0) {
		pfdrv_cfg_wr(pf, pf->sriov_cap + PCI_SRIOV_NUM_VF, n, 2);
		pfdrv_cfg_wr(pf, pf->sriov_cap + PCI_SRIOV_CTRL, ctl | on, 2);
	} else if (ctl & PCI_SRIOV_CTRL_VFE) {
		pfdrv_cfg_wr(pf, pf->sriov_cap + PCI_SRIOV_CTRL, ctl & ~on, 2);
	}
}

unsigned int pfdrv_enabled_vfs(struct pfdrv *pf)
{
	uint32_t ctl = pfdrv_cfg_rd(pf, pf->sriov_cap + PCI_SRIOV_CTRL, 2);

	return ctl & PCI_SRIOV_CTRL_VFE ? pfdrv_cfg_rd(pf, pf->sriov_cap + PCI_SRIOV_NUM_VF, 2) : 0;
}

static int bring_up(struct pfdrv *pf)
{
	int r;

	pfdrv_cfg_wr(pf, PCI_COMMAND,
		     pfdrv_cfg_rd(pf, PCI_COMMAND, 2) | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	vf_enable(pf, 0);

	r = reset(pf);
	if (r < 0)
		return r;
	r = pfdrv_nvm_check(pf);
	if (r < 0)
		return r;
	r = take_mac(pf);
	if (r < 0)
		return r;
	r = pfdrv_phy_start(pf);
	if (r < 0)
		return r;
	switch_init(pf);
	r = pcif_irq_set(pf->f, PCIF_IRQ_MSIX, 0, 1, &pf->irq_fd);
	if (r < 0)
		return r;
	pfdrv_irq_arm(pf);

	/* from the magic on, a successor adopts; DRV_LOAD says that somebody drives the PF */
	pf->marker[0] = pf->marker[1] = 0;
	pfdrv_marker_sync(pf);
	pfdrv_wr(pf, nic_RSSRK(0), MARKER_MAGIC);
	pfdrv_wr(pf, nic_CTRL_EXT(0),
		 pfdrv_rd(pf, nic_CTRL_EXT(0)) | CTRL_EXT_DRV_LOAD | CTRL_EXT_PFRSTD);
	pfdrv_link_check(pf, false);
	return pf->error;
}

int pfdrv_open(struct pcif *f, int irq_fd, const struct pfdrv_events *events, struct pfdrv **ret_pf)
{
	_cleanup_(pfdrv_closep) struct pfdrv *pf = NULL;
	int r;

	r = pfdrv_new(f, irq_fd, events, &pf);
	if (r < 0)
		return r;
	r = bring_up(pf);
	if (r < 0)
		return r;

	pf->owns_f = true;
	*ret_pf = TAKE_PTR(pf);
	return 0;
}

static void vfs_off(struct pfdrv *pf)
{
	/* first nothing moves any more, then they vanish, then nothing of them is left */
	pfdrv_wr(pf, nic_VFTE(0), 0);
	pfdrv_wr(pf, nic_VFRE(0), 0);
	vf_enable(pf, 0);
	for (unsigned int i = 0; i < pf->num_vfs; i++) {
		pfdrv_vf_defaults(&pf->vf[i]);
		pfdrv_vf_wipe(pf, i);
	}
	pf->num_vfs = 0;
	pf->unfinished = 0;
	pfdrv_marker_sync(pf);
	pfdrv_vt_sync(pf);
}

static int vfs_on(struct pfdrv *pf, unsigned int n)
{
	pf->num_vfs = n;
	pfdrv_vt_sync(pf);
	for (unsigned int i = 0; i < n; i++) {
		pfdrv_vf_defaults(&pf->vf[i]);
		pfdrv_vf_wipe(pf, i);
		pfdrv_stats_rebase(pf, i);
	}
	pfdrv_marker_sync(pf);
	pfdrv_wr(pf, nic_VFLRE(0), 0xff);
	pfdrv_wr(pf, nic_MBVFICR(0), MBVFICR_REQ | MBVFICR_ACK);

	vf_enable(pf, n);
	pfdrv_wr(pf, nic_CTRL_EXT(0), pfdrv_rd(pf, nic_CTRL_EXT(0)) | CTRL_EXT_PFRSTD);

	if (pfdrv_enabled_vfs(pf) != n && !pf->error) {
		vfs_off(pf);
		return -EIO;
	}
	return pf->error;
}

int pfdrv_set_vfs(struct pfdrv *pf, unsigned int n)
{
	if (pf->error)
		return pf->error;
	if (n > pf->total_vfs)
		return -ERANGE;
	if (n == pf->num_vfs)
		return 0;
	if (pcif_host_sriov(pf->f) && pfdrv_enabled_vfs(pf) != n)
		return pf->error ? pf->error : -EAGAIN;

	if (pf->num_vfs > 0)
		vfs_off(pf);
	if (pf->error || n == 0)
		return pf->error;
	return vfs_on(pf, n);
}
