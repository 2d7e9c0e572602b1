/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/errno.h>
#include <guest/pciscan.h>
#include <linux/pci_regs.h>

#define CAPS_MAX 48u /* as many as fit into the first 256 bytes: a loop ends */
#define MSIX_SIZE \
	BITS(26, 16) /* of the dword at the capability: message control is its upper half */
#define MSIX_ENABLE  BIT32(31)
#define MSIX_MASKALL BIT32(30)
#define MSIX_BIR     BITS(2, 0)
#define CAP_ID	     BITS(7, 0)
#define CAP_NEXT     BITS(15, 8)
#define VENDOR_LEN   BITS(23, 16)
#define VENDOR_TYPE  BITS(31, 24)
#define STATUS_CAPS  BIT32(20) /* of the dword at PCI_COMMAND */
#define COMMAND_KEEP BITS(15, 0)

static void command_set(const struct pciscan_io *io, unsigned int slot, uint32_t set,
			uint32_t clear)
{
	uint32_t val = io->cfg_read32(io->ctx, slot, PCI_COMMAND) & COMMAND_KEEP;

	/* the upper half is the status register: zeros leave it alone */
	io->cfg_write32(io->ctx, slot, PCI_COMMAND, (val & ~clear) | set);
}

/* Size one BAR by writing ones; *ret_used BARs were taken. */
static int bar_probe(const struct pciscan_io *io, unsigned int slot, unsigned int i,
		     uint64_t *window, uint64_t end, struct pciscan_slot *s, unsigned int *ret_used)
{
	uint32_t off = PCI_BASE_ADDRESS_0 + 4 * i, low, high = 0;
	uint64_t size, at;
	bool is_64;

	*ret_used = 1;
	io->cfg_write32(io->ctx, slot, off, UINT32_MAX);
	low = io->cfg_read32(io->ctx, slot, off);
	if (!low || low & PCI_BASE_ADDRESS_SPACE_IO)
		return 0;
	is_64 = (low & PCI_BASE_ADDRESS_MEM_TYPE_MASK) == PCI_BASE_ADDRESS_MEM_TYPE_64;
	if (is_64) {
		if (i + 1 >= PCISCAN_BARS)
			return -EIO;
		io->cfg_write32(io->ctx, slot, off + 4, UINT32_MAX);
		high = io->cfg_read32(io->ctx, slot, off + 4);
		*ret_used = 2;
		/* sizes of 4 GiB and more do not fit the window anyway */
		if (high != UINT32_MAX)
			return -ENOSPC;
	}

	low &= (uint32_t)PCI_BASE_ADDRESS_MEM_MASK;
	if (!low)
		return -ENOSPC;
	size = low & -low;
	if (low + size != UINT64_C(1) << 32)
		return -EIO;

	at = (*window + size - 1) & ~(size - 1);
	if (at + size > end)
		return -ENOSPC;
	io->cfg_write32(io->ctx, slot, off, (uint32_t)at);
	if (is_64)
		io->cfg_write32(io->ctx, slot, off + 4, 0);
	*window = at + size;
	s->bar[i] = at;
	s->bar_size[i] = size;
	return 0;
}

static int msix_probe(const struct pciscan_io *io, unsigned int slot, uint32_t cap,
		      struct pciscan_slot *s)
{
	uint32_t control = io->cfg_read32(io->ctx, slot, cap);
	uint32_t table = io->cfg_read32(io->ctx, slot, cap + PCI_MSIX_TABLE);
	uint32_t bir = table & MSIX_BIR, off = table & ~MSIX_BIR;

	s->n_msix = (uint16_t)(field_get(MSIX_SIZE, control) + 1);
	if (bir >= PCISCAN_BARS || !s->bar_size[bir] ||
	    off + (uint64_t)s->n_msix * PCI_MSIX_ENTRY_SIZE > s->bar_size[bir])
		return -EIO;
	s->msix_cap = (uint16_t)cap;
	s->msix_table = s->bar[bir] + off;
	return 0;
}

static void vendor_probe(const struct pciscan_io *io, unsigned int slot, uint32_t cap,
			 uint32_t head, struct pciscan_slot *s)
{
	struct pciscan_vendor_cap *v;

	if (s->n_vendor_caps >= PCISCAN_VENDOR_CAPS || field_get(VENDOR_LEN, head) < 16)
		return;
	v = &s->vendor_cap[s->n_vendor_caps++];
	v->len = (uint8_t)field_get(VENDOR_LEN, head);
	v->type = (uint8_t)field_get(VENDOR_TYPE, head);
	v->bar = (uint8_t)io->cfg_read32(io->ctx, slot, cap + 4);
	v->offset = io->cfg_read32(io->ctx, slot, cap + 8);
	v->length = io->cfg_read32(io->ctx, slot, cap + 12);
	v->extra = v->len >= 20 ? io->cfg_read32(io->ctx, slot, cap + 16) : 0;
}

static int caps_probe(const struct pciscan_io *io, unsigned int slot, struct pciscan_slot *s)
{
	uint32_t cap;

	if (!(io->cfg_read32(io->ctx, slot, PCI_COMMAND) & STATUS_CAPS))
		return 0;
	cap = io->cfg_read32(io->ctx, slot, PCI_CAPABILITY_LIST) & CAP_ID;

	for (unsigned int i = 0; i < CAPS_MAX && cap >= PCI_STD_HEADER_SIZEOF; i++) {
		uint32_t head;
		int r = 0;

		cap &= ~UINT32_C(3);
		head = io->cfg_read32(io->ctx, slot, cap);
		if (field_get(CAP_ID, head) == PCI_CAP_ID_MSIX)
			r = msix_probe(io, slot, cap, s);
		else if (field_get(CAP_ID, head) == PCI_CAP_ID_VNDR)
			vendor_probe(io, slot, cap, head, s);
		if (r < 0)
			return r;
		cap = field_get(CAP_NEXT, head);
	}
	return 0;
}

int pciscan_probe(const struct pciscan_io *io, unsigned int slot, struct pciscan_slot *ret)
{
	uint64_t window = VMM_MMIO32_BASE + (uint64_t)slot * PCISCAN_WINDOW;
	uint64_t end = window + PCISCAN_WINDOW;
	struct pciscan_slot s = {0};
	uint32_t id = io->cfg_read32(io->ctx, slot, PCI_VENDOR_ID);
	unsigned int used;
	int r;

	s.vendor = (uint16_t)id;
	s.device = (uint16_t)(id >> 16);
	if (s.vendor == UINT16_MAX || !s.vendor)
		return -ENODEV;

	command_set(io, slot, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
	for (unsigned int i = 0; i < PCISCAN_BARS; i += used) {
		r = bar_probe(io, slot, i, &window, end, &s, &used);
		if (r < 0)
			return r;
	}
	r = caps_probe(io, slot, &s);
	if (r < 0)
		return r;
	*ret = s;
	return 0;
}

void pciscan_enable(const struct pciscan_io *io, unsigned int slot, const struct pciscan_slot *s,
		    uint32_t addr, const uint32_t data[2])
{
	command_set(io, slot, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0);
	if (!s->msix_cap)
		return;

	/* all at once: masked as a whole while the table is written */
	io->cfg_write32(io->ctx, slot, s->msix_cap, MSIX_ENABLE | MSIX_MASKALL);
	for (unsigned int i = 0; i < s->n_msix; i++) {
		uint64_t entry = s->msix_table + (uint64_t)i * PCI_MSIX_ENTRY_SIZE;

		io->mem_write32(io->ctx, entry + PCI_MSIX_ENTRY_LOWER_ADDR, addr);
		io->mem_write32(io->ctx, entry + PCI_MSIX_ENTRY_UPPER_ADDR, 0);
		io->mem_write32(io->ctx, entry + PCI_MSIX_ENTRY_DATA, data[i ? 1 : 0]);
		io->mem_write32(io->ctx, entry + PCI_MSIX_ENTRY_VECTOR_CTRL, 0);
	}
	io->cfg_write32(io->ctx, slot, s->msix_cap, MSIX_ENABLE);
}

void pciscan_disable(const struct pciscan_io *io, unsigned int slot, const struct pciscan_slot *s)
{
	if (s->msix_cap)
		io->cfg_write32(io->ctx, slot, s->msix_cap, 0);
	command_set(io, slot, 0, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER);
}
