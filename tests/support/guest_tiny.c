/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A bare-metal guest for the VMM's own tests: says a line, finds VFs as they are plugged in, places
 * their BARs, takes their MSI-X, lets them go when asked, and answers requests. Ring 0 throughout.
 *
 *   ping        count = 0x100 + n: do trick n (see trick()), answer in received
 *   otherwise   answered at once with what was asked
 */
#include <abi/guest_block.h>
#include <abi/hpc.h>
#include <abi/nic_pci.h>

#define VECTOR_HPC  0x30u
#define VECTOR_MSIX 0x40u
#define LAPIC_ID    0x20u
#define LAPIC_EOI   0xb0u
#define LAPIC_SVR   0xf0u
#define BAR0_AT	    0xc0000000u
#define BAR_STRIDE  0x10000u

struct gate {
	uint16_t lo, selector;
	uint8_t ist, type;
	uint16_t mid;
	uint32_t hi, zero;
};

struct __attribute__((packed)) table {
	uint16_t limit;
	uint64_t base;
};

struct frame;

/* a plain store: an interrupt handler calls nothing that saves registers as it likes */
#define EOI ((volatile uint32_t *)(uintptr_t)(VMM_LAPIC_BASE + LAPIC_EOI))

void tiny_main(struct guest_block *b);

static struct gate idt[256] __attribute__((aligned(16)));
static volatile uint32_t msix_seen;

__asm__(".section .text.entry, \"ax\"\n"
	".globl guest_start\n"
	"guest_start:\n"
	"	movq %rsi, %rdi\n"
	"	call tiny_main\n"
	"1:	cli\n"
	"	hlt\n"
	"	jmp 1b\n"
	".text\n");

static uint32_t rd(uint32_t at)
{
	return *(volatile uint32_t *)(uintptr_t)at;
}

static void wr(uint32_t at, uint32_t v)
{
	*(volatile uint32_t *)(uintptr_t)at = v;
}

__attribute__((interrupt)) static void on_hpc(struct frame *f)
{
	(void)f;
	*EOI = 0;
}

__attribute__((interrupt)) static void on_msix(struct frame *f)
{
	(void)f;
	msix_seen++;
	*EOI = 0;
}

static void gate_set(unsigned int vector, void *handler)
{
	uint64_t at = (uint64_t)(uintptr_t)handler;

	idt[vector] = (struct gate){.lo = (uint16_t)at,
				    .selector = 0x08,
				    .type = 0x8e,
				    .mid = (uint16_t)(at >> 16),
				    .hi = (uint32_t)(at >> 32)};
}

static void say(struct guest_block *b, const char *text)
{
	uint32_t head = b->con_head;

	for (; *text; text++)
		b->con[head++ % GUEST_CON_SIZE] = (uint8_t)*text;
	__atomic_store_n(&b->con_head, head, __ATOMIC_RELEASE);
	wr(VMM_HPC_BASE + HPC_GDBL, HPC_GDBL_CONSOLE);
}

static void interrupts_on(void)
{
	struct table t = {sizeof(idt) - 1, (uint64_t)(uintptr_t)idt};

	gate_set(VECTOR_HPC, on_hpc);
	gate_set(VECTOR_MSIX, on_msix);
	__asm__ volatile("lidt %0" ::"m"(t));
	wr(VMM_LAPIC_BASE + LAPIC_SVR, 0x1ff);
	wr(VMM_IOAPIC_BASE, 0x10 + 2 * HPC_GSI + 1);
	wr(VMM_IOAPIC_BASE + 0x10, rd(VMM_LAPIC_BASE + LAPIC_ID) & 0xff000000u);
	wr(VMM_IOAPIC_BASE, 0x10 + 2 * HPC_GSI);
	wr(VMM_IOAPIC_BASE + 0x10, VECTOR_HPC);
	__asm__ volatile("sti");
}

static uint32_t cfg(unsigned int slot, uint32_t reg)
{
	return VMM_ECAM_BASE + (slot << 15) + reg;
}

static uint32_t bar0(unsigned int slot)
{
	return BAR0_AT + slot * BAR_STRIDE;
}

static void plug(struct guest_block *b, unsigned int slot)
{
	uint32_t table = bar0(slot) + 0x8000 + NIC_MSIX_TABLE_OFF;

	if (rd(cfg(slot, 0)) != (NIC_VENDOR | (uint32_t)NIC_DEVICE_VF << 16))
		return;
	wr(cfg(slot, 0x10), bar0(slot));
	wr(cfg(slot, 0x10 + 4 * NIC_VF_MSIX_BAR), bar0(slot) + 0x8000);
	wr(cfg(slot, 4), 0x6);
	wr(table, VMM_LAPIC_BASE | (rd(VMM_LAPIC_BASE + LAPIC_ID) >> 24) << 12);
	wr(table + 4, 0);
	wr(table + 8, VECTOR_MSIX);
	wr(table + 12, 0);
	wr(cfg(slot, NIC_CFG_MSIX), rd(cfg(slot, NIC_CFG_MSIX)) | 0x80000000u);
	b->ifs[slot].kind = GUEST_IF_VF;
	b->ifs[slot].state = GUEST_IF_UP;
	wr(VMM_HPC_BASE + HPC_GDBL, HPC_GDBL_IFS);
	say(b, "plugged\n");
}

static void unplug(struct guest_block *b, unsigned int slot)
{
	wr(cfg(slot, 4), 0);
	b->ifs[slot].kind = GUEST_IF_NONE;
	b->ifs[slot].state = GUEST_IF_EMPTY;
	say(b, "unplugged\n");
	wr(VMM_HPC_BASE + HPC_PCEJ, BIT32(slot));
}

static void slots(struct guest_block *b)
{
	uint32_t up = rd(VMM_HPC_BASE + HPC_PCUP), down = rd(VMM_HPC_BASE + HPC_PCDN);

	wr(VMM_HPC_BASE + HPC_PCUP, up);
	wr(VMM_HPC_BASE + HPC_PCDN, down);
	for (unsigned int s = 1; s < VMM_SLOTS; s++) {
		if (up & BIT32(s))
			plug(b, s);
		if (down & BIT32(s))
			unplug(b, s);
	}
}

/* Things that tests want done in a guest, by number. */
static uint64_t trick(unsigned int n, unsigned int slot)
{
	uint64_t v = 0;

	switch (n) {
	case 0: /* the shared pages: written and read a thousand times */
		for (uint32_t i = 0; i < 1000; i++) {
			wr(bar0(slot) + NIC_VF_SHARED_OFF + 0x10, i);
			v += rd(bar0(slot) + NIC_VF_SHARED_OFF + 0x10) == i;
		}
		return v;
	case 1: /* a register that traps */
		wr(bar0(slot) + 0x20, 0x1234);
		return rd(bar0(slot) + 0x20);
	case 2:
		return msix_seen;
	case 3: /* mask vector 0 */
		wr(bar0(slot) + 0x8000 + 12, 1);
		return rd(bar0(slot) + 0x8000 + 12);
	case 4: /* pending bits */
		return rd(bar0(slot) + 0x8000 + NIC_MSIX_PBA_OFF);
	case 5: /* unmask */
		wr(bar0(slot) + 0x8000 + 12, 0);
		return rd(bar0(slot) + 0x8000 + 12);
	case 6: /* function level reset */
		wr(cfg(slot, NIC_CFG_PCIE + 8), 0x8000);
		return rd(cfg(slot, 4));
	case 7: /* crash */
		__asm__ volatile("lidt %0; ud2" ::"m"((struct table){0, 0}));
		return 0;
	case 8: /* be deaf for ever */
		for (;;)
			__asm__ volatile("cli; pause");
	default:
		return UINT64_MAX;
	}
}

static void request(struct guest_block *b)
{
	uint64_t count = b->req.count;

	b->res.error = 0;
	b->res.received = count >= 0x100 ? trick((unsigned int)(count - 0x100), b->req.slot_a) : 0;
	b->res.sent = count;
	b->res.bytes = b->req.frame_bytes;
	__atomic_store_n(&b->res.seq, b->req.seq, __ATOMIC_RELEASE);
	wr(VMM_HPC_BASE + HPC_GDBL, HPC_GDBL_DONE);
}

void tiny_main(struct guest_block *b)
{
	if (b->magic != GUEST_BLOCK_MAGIC)
		return;
	say(b, "tiny guest\n");
	interrupts_on();
	for (;;) {
		uint32_t events;

		__asm__ volatile("cli");
		events = rd(VMM_HPC_BASE + HPC_EVTS);
		if (!events) {
			__asm__ volatile("sti; hlt");
			continue;
		}
		__asm__ volatile("sti");
		wr(VMM_HPC_BASE + HPC_EVTS, events);
		if (events & HPC_EVT_PCI)
			slots(b);
		if (events & HPC_EVT_REQUEST)
			request(b);
		if (events & HPC_EVT_POWER) {
			say(b, "bye\n");
			wr(VMM_HPC_BASE + HPC_POWR, HPC_POWR_OFF);
		}
	}
}
