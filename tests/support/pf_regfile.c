/* SPDX-License-Identifier: BSD-3-Clause */
#include <support/pf_regfile.h>
#include <abi/nic_mbx.h>
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include <linux/pci_regs.h>
#include <pcif_impl.h>
#include <stdlib.h>
#include <string.h>

struct pf_regfile {
	uint32_t reg[NIC_PF_BAR0_SIZE / 4];
	uint8_t cfg[NIC_CFG_SIZE];
	uint32_t v2p[NIC_VFS_MAX];
	uint16_t nvm[64];
	unsigned int writes;
	unsigned int budget; /* writes left before death, if mortal */
	bool mortal;
	uint32_t stuck;
};

struct client {
	struct pcif base;
	struct pf_regfile *r;
};

static void cfg_put(struct pf_regfile *r, uint32_t off, uint32_t val, size_t len)
{
	memcpy(r->cfg + off, &val, len);
}

static void load_resets(struct pf_regfile *r)
{
	for (size_t i = 0; i < nic_pf_regs_n; i++)
		for (uint32_t k = 0; k < nic_pf_regs[i].count; k++)
			r->reg[(nic_pf_regs[i].offset + k * nic_pf_regs[i].stride) / 4] =
				nic_pf_regs[i].reset;
	r->reg[nic_EECD(0) / 4] |= EECD_AUTO_RD;
	r->reg[nic_RAL(0) / 4] = r->nvm[0] | (uint32_t)r->nvm[1] << 16;
	r->reg[nic_RAH(0) / 4] = r->nvm[2] | RAH_AV;
	r->reg[nic_SWSM(0) / 4] = 0;
}

struct pf_regfile *pf_regfile_new(void)
{
	struct pf_regfile *r = calloc(1, sizeof(*r));
	uint16_t sum = 0;

	if (!r)
		abort();
	r->nvm[0] = 0x1102;
	r->nvm[1] = 0x3322;
	r->nvm[2] = 0x5544;
	for (unsigned int i = 0; i < 63; i++)
		sum = (uint16_t)(sum + r->nvm[i]);
	r->nvm[63] = (uint16_t)(0xbaba - sum);
	cfg_put(r, PCI_VENDOR_ID, (uint32_t)NIC_DEVICE_PF << 16 | NIC_VENDOR, 4);
	cfg_put(r, NIC_CFG_AER, 0x15010001, 4);
	cfg_put(r, NIC_CFG_ARI, 0x1601000e, 4);
	cfg_put(r, NIC_CFG_SRIOV, 0x00010010, 4);
	cfg_put(r, NIC_CFG_SRIOV + PCI_SRIOV_TOTAL_VF, NIC_VFS_MAX, 2);
	load_resets(r);
	return r;
}

void pf_regfile_free(struct pf_regfile *r)
{
	free(r);
}

static uint32_t reg_read(struct pf_regfile *r, uint32_t off)
{
	uint32_t val = r->reg[off / 4];

	if (off == nic_ICR(0) || off == nic_ICR_LEGACY(0)) {
		val = r->reg[nic_ICR(0) / 4];
		r->reg[nic_ICR(0) / 4] = 0;
	} else if (off == nic_STATUS(0)) {
		val &= ~STATUS_GIO_MASTER_ENABLE;
		if (!(r->reg[nic_CTRL(0) / 4] & CTRL_GIO_MASTER_DISABLE))
			val |= STATUS_GIO_MASTER_ENABLE;
	} else if (off >= nic_P2VMAILBOX(0) && off <= nic_P2VMAILBOX(7)) {
		val = r->v2p[(off - nic_P2VMAILBOX(0)) / 4] & (V2P_VFU | V2P_PFU);
	}
	return val;
}

static void p2v_write(struct pf_regfile *r, unsigned int vf, uint32_t val)
{
	uint32_t *v2p = &r->v2p[vf];

	if (val & P2V_RVFU) {
		*v2p &= ~V2P_VFU;
		r->reg[nic_MBVFICR(0) / 4] &= ~(BIT32(vf) | BIT32(vf + 16));
	}
	if (!(val & P2V_PFU))
		*v2p &= ~V2P_PFU;
	else if (!(*v2p & V2P_VFU))
		*v2p |= V2P_PFU;
	if (val & P2V_STS)
		*v2p |= V2P_PFSTS;
	if (val & P2V_ACK)
		*v2p |= V2P_PFACK;
}

static void mdic_write(struct pf_regfile *r, uint32_t val)
{
	static const uint16_t id[] = {0x1140, 0x796d, 0x02a8, 0x0391};
	uint32_t phy_reg = field_get(MDIC_REGADD, val);

	if (field_get(MDIC_OP, val) == MDIC_OP_READ)
		val = field_set(val, MDIC_DATA, phy_reg < 4 ? id[phy_reg] : 0);
	r->reg[nic_MDIC(0) / 4] = val | MDIC_READY;
}

static void reg_write(struct pf_regfile *r, uint32_t off, uint32_t val)
{
	uint32_t *reg = &r->reg[off / 4];
	uint32_t addr;

	if (off >= nic_P2VMAILBOX(0) && off <= nic_P2VMAILBOX(7)) {
		p2v_write(r, (off - nic_P2VMAILBOX(0)) / 4, val);
	} else if (off == nic_MBVFICR(0) || off == nic_VFLRE(0)) {
		*reg &= ~val;
	} else if (off == nic_EERD(0)) {
		addr = field_get(EERD_ADDR, val);
		*reg = EERD_DONE | field_prep(EERD_DATA, addr < 64 ? r->nvm[addr] : 0xffff);
	} else if (off == nic_MDIC(0)) {
		mdic_write(r, val);
	} else if (off == nic_CTRL(0) && val & CTRL_RST) {
		load_resets(r);
	} else if (off != nic_STATUS(0)) {
		*reg = val;
	}
}

static struct pf_regfile *of(struct pcif *f)
{
	return ((struct client *)f)->r;
}

static int region_read(struct pcif *f, unsigned int index, uint64_t off, void *buf, size_t len)
{
	struct pf_regfile *r = of(f);
	uint32_t val;

	if (r->mortal && r->budget == 0)
		return -ENODEV;
	if (index == PCIF_REGION_CONFIG) {
		memcpy(buf, r->cfg + off, len);
		return 0;
	}
	if (len != 4 || off % 4)
		abort();
	val = reg_read(r, (uint32_t)off);
	memcpy(buf, &val, 4);
	return 0;
}

static int region_write(struct pcif *f, unsigned int index, uint64_t off, const void *buf,
			size_t len)
{
	struct pf_regfile *r = of(f);
	uint32_t val = 0;

	if (r->mortal && r->budget == 0)
		return -ENODEV;
	r->writes++;
	if (r->mortal)
		r->budget--;
	if (index == PCIF_REGION_CONFIG) {
		memcpy(r->cfg + off, buf, len);
		return 0;
	}
	if (len != 4 || off % 4)
		abort();
	memcpy(&val, buf, 4);
	if (r->stuck == 0 || r->stuck != off)
		reg_write(r, (uint32_t)off, val);
	return 0;
}

static int irq_set(struct pcif *f, unsigned int index, unsigned int start, unsigned int count,
		   const int *fds)
{
	struct pf_regfile *r = of(f);

	return r->mortal && r->budget == 0 ? -ENODEV : 0;
}

static int poll_fd(const struct pcif *f)
{
	return -1;
}

static bool hung_up(const struct pcif *f)
{
	return false;
}

static void close_client(struct pcif *f)
{
	free(f);
}

struct pcif *pf_regfile_pcif(struct pf_regfile *r)
{
	static const struct pcif_ops ops = {
		.region_read = region_read,
		.region_write = region_write,
		.irq_set = irq_set,
		.poll_fd = poll_fd,
		.hung_up = hung_up,
		.close = close_client,
	};
	struct client *c = calloc(1, sizeof(*c));

	if (!c)
		abort();
	c->r = r;
	pcif_init(&c->base, &ops, 0);
	c->base.region[0] =
		(struct pcif_region){.size = NIC_PF_BAR0_SIZE, .readable = true, .writable = true};
	c->base.region[PCIF_REGION_CONFIG] =
		(struct pcif_region){.size = NIC_CFG_SIZE, .readable = true, .writable = true};
	c->base.irq_count[PCIF_IRQ_MSIX] = NIC_PF_MSIX_N;
	return &c->base;
}

void pf_regfile_die_after(struct pf_regfile *r, unsigned int n)
{
	r->mortal = true;
	r->budget = n;
	r->writes = 0;
}

unsigned int pf_regfile_revive(struct pf_regfile *r)
{
	r->mortal = false;
	return r->writes;
}

void pf_regfile_stuck(struct pf_regfile *r, uint32_t off)
{
	r->stuck = off;
}

uint32_t pf_regfile_peek(const struct pf_regfile *r, uint32_t off)
{
	return r->reg[off / 4];
}

void pf_regfile_poke(struct pf_regfile *r, uint32_t off, uint32_t val)
{
	r->reg[off / 4] = val;
}

unsigned int pf_regfile_writes(struct pf_regfile *r)
{
	unsigned int n = r->writes;

	r->writes = 0;
	return n;
}

void pf_regfile_vf_flr(struct pf_regfile *r, unsigned int vf)
{
	r->reg[nic_VFRE(0) / 4] &= ~BIT32(vf);
	r->reg[nic_VFTE(0) / 4] &= ~BIT32(vf);
	r->reg[nic_VFLRE(0) / 4] |= BIT32(vf);
	r->reg[nic_ICR(0) / 4] |= ICR_VMMB;
}

uint32_t pf_regfile_vf_read(struct pf_regfile *r, unsigned int vf)
{
	uint32_t val = r->v2p[vf];

	r->v2p[vf] &= ~V2P_R2C;
	return val;
}

void pf_regfile_vf_write(struct pf_regfile *r, unsigned int vf, uint32_t val)
{
	uint32_t *v2p = &r->v2p[vf];

	if (!(val & V2P_VFU))
		*v2p &= ~V2P_VFU;
	else if (!(*v2p & V2P_PFU))
		*v2p |= V2P_VFU;
	if (val & V2P_REQ)
		r->reg[nic_MBVFICR(0) / 4] |= BIT32(vf);
	if (val & V2P_ACK)
		r->reg[nic_MBVFICR(0) / 4] |= BIT32(vf + 16);
	r->reg[nic_ICR(0) / 4] |= ICR_VMMB;
}

void pf_regfile_vf_words(struct pf_regfile *r, unsigned int vf, const uint32_t *words,
			 unsigned int n)
{
	for (unsigned int i = 0; i < n && i < NIC_MBX_WORDS; i++)
		r->reg[nic_VMBMEM(vf * NIC_MBX_WORDS + i) / 4] = words[i];
}

void pf_regfile_vf_ask(struct pf_regfile *r, unsigned int vf, const uint32_t *words, unsigned int n)
{
	pf_regfile_vf_write(r, vf, V2P_VFU);
	pf_regfile_vf_words(r, vf, words, n);
	pf_regfile_vf_write(r, vf, V2P_REQ);
}

void pf_regfile_copy(struct pf_regfile *to, const struct pf_regfile *from)
{
	*to = *from;
}
