/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Ring 0 of the bench guest. Compiled for general registers only: ring 3's vector state is never
 * saved, because nothing here touches it. Kept short: there are hosts where ring 0 runs at 1 MIPS.
 */
#include <abi/errno.h>
#include <guest/kern.h>
#include "console.h"

#define LAPIC_ID	 0x020u
#define LAPIC_EOI	 0x0b0u
#define LAPIC_SVR	 0x0f0u
#define LAPIC_SVR_ENABLE BIT32(8)
#define LAPIC_LVT_TIMER	 0x320u
#define LAPIC_TIMER_INIT 0x380u
#define LAPIC_TIMER_CUR	 0x390u
#define LAPIC_TIMER_DIV	 0x3e0u
#define LAPIC_DIV_1	 0x0bu
#define LAPIC_ID_FIELD	 BITS(31, 24)
#define LAPIC_MASKED	 BIT32(16)
#define IOAPIC_INDEX	 0x00u
#define IOAPIC_DATA	 0x10u
#define IOAPIC_REDIR(i)	 (0x10u + 2 * (i))
#define MSI_DEST	 BITS(19, 12)

/* KVM's local APIC timer counts nanoseconds. */
#define LAPIC_TICKS_PER_US 1000u
#define CALIBRATE_US	   2000u

#define CODE_KERN 0x00af9b000000ffffull
#define DATA_KERN 0x00cf93000000ffffull
#define CODE_USER 0x00affb000000ffffull
#define DATA_USER 0x00cff3000000ffffull
#define SEL_CODE  0x08u
#define SEL_TSS	  0x28u
#define GATE_INTR 0x8eu /* present, DPL 0, 64-bit interrupt gate */

#define VEC_UD	6u
#define VEC_PF	14u
#define UD2	0x0b0fu
#define CR0_MP	BIT64(1)
#define CR0_EM	BIT64(2)
#define CR4_SSE (BIT64(9) | BIT64(10)) /* OSFXSR, OSXMMEXCPT */

struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rdi, rsi, rbp, rbx, rdx, rcx, rax;
	uint64_t vector, error, rip, cs, rflags, rsp, ss;
};

struct gate {
	uint16_t off0, selector;
	uint8_t ist, type;
	uint16_t off1;
	uint32_t off2, zero;
};

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t ist[8];
	uint64_t reserved1;
	uint16_t reserved2, iomap;
} __attribute__((packed));

struct table_ptr {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

/* entry.S */
extern const char kern_stubs[], kern_stack_top[], user_stack_top[];
void kern_enter_user(uint64_t rip, uint64_t rsp);
void kern_load_tables(const void *gdtr, const void *idtr, uint32_t tss_selector);
void kern_triple_fault(void);
void kern_halt(void);
/* called from entry.S */
void kern_main(struct guest_block *block);
void kern_trap(struct trap_frame *f);
/* ring 3 */
void app_main(void);

struct kern_shared kern_shared;
extern const char kern_banner[]; /* of entry.S, too */
const char kern_banner[] = "sriovd bench guest " SRIOVD_VERSION "\n";

static struct gate idt[KERN_VECTORS] __attribute__((aligned(16)));
static struct tss tss __attribute__((aligned(16)));
static uint64_t gdt[7]
	__attribute__((aligned(16))) = {0, CODE_KERN, DATA_KERN, CODE_USER, DATA_USER};
static uint32_t msi_address;

static uint32_t lapic_read(uint32_t reg)
{
	return guest_mmio_read32(VMM_LAPIC_BASE + reg);
}

static void lapic_write(uint32_t reg, uint32_t val)
{
	guest_mmio_write32(VMM_LAPIC_BASE + reg, val);
}

static uint32_t hpc_read(uint32_t reg)
{
	return guest_mmio_read32(VMM_HPC_BASE + reg);
}

static void hpc_write(uint32_t reg, uint32_t val)
{
	guest_mmio_write32(VMM_HPC_BASE + reg, val);
}

static uint32_t ecam_read32(void *ctx, unsigned int slot, uint32_t off)
{
	return guest_mmio_read32(VMM_ECAM_BASE + ((uint64_t)slot << 15) + off);
}

static void ecam_write32(void *ctx, unsigned int slot, uint32_t off, uint32_t val)
{
	guest_mmio_write32(VMM_ECAM_BASE + ((uint64_t)slot << 15) + off, val);
}

static void mem_write32(void *ctx, uint64_t gpa, uint32_t val)
{
	guest_mmio_write32(gpa, val);
}

static const struct pciscan_io ecam = {
	.cfg_read32 = ecam_read32,
	.cfg_write32 = ecam_write32,
	.mem_write32 = mem_write32,
};

__attribute__((noreturn)) static void panic(const struct trap_frame *f)
{
	uint64_t cr2 = 0;

	if (f->vector == VEC_PF)
		__asm__ volatile("mov %%cr2, %0" : "=r"(cr2));
	con_printf("panic: vector %U error %X rip %X cs %X rsp %X cr2 %X\n", f->vector, f->error,
		   f->rip, f->cs, f->rsp, cr2);
	for (;;)
		kern_triple_fault();
}

static void tables_init(void)
{
	uint64_t at = (uintptr_t)kern_stubs, base = (uintptr_t)&tss;
	struct table_ptr gdtr = {sizeof(gdt) - 1, (uintptr_t)gdt};
	struct table_ptr idtr = {sizeof(idt) - 1, (uintptr_t)idt};

	for (unsigned int i = 0; i < KERN_VECTORS; i++, at += 16) {
		idt[i].off0 = (uint16_t)at;
		idt[i].selector = SEL_CODE;
		idt[i].type = GATE_INTR;
		idt[i].off1 = (uint16_t)(at >> 16);
	}

	tss.rsp[0] = (uintptr_t)kern_stack_top;
	tss.iomap = sizeof(tss);
	gdt[5] = (sizeof(tss) - 1) | (base & 0xffffff) << 16 | UINT64_C(0x89) << 40 |
		 (base >> 24 & 0xff) << 56;
	gdt[6] = base >> 32;
	kern_load_tables(&gdtr, &idtr, SEL_TSS);
}

static void sse_enable(void)
{
	uint64_t cr0, cr4;

	__asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("mov %0, %%cr0" : : "r"((cr0 | CR0_MP) & ~CR0_EM));
	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("mov %0, %%cr4" : : "r"(cr4 | CR4_SSE));
}

static void apic_init(void)
{
	uint32_t id;

	lapic_write(LAPIC_SVR, LAPIC_SVR_ENABLE | KERN_VEC_SPUR);
	lapic_write(LAPIC_TIMER_DIV, LAPIC_DIV_1);
	lapic_write(LAPIC_LVT_TIMER, KERN_VEC_TIMER);
	id = field_get(LAPIC_ID_FIELD, lapic_read(LAPIC_ID));
	msi_address = VMM_LAPIC_BASE | field_prep(MSI_DEST, id);

	/* the hot-plug controller's pin: edge, active high, to us */
	guest_mmio_write32(VMM_IOAPIC_BASE + IOAPIC_INDEX, IOAPIC_REDIR(HPC_GSI) + 1);
	guest_mmio_write32(VMM_IOAPIC_BASE + IOAPIC_DATA, field_prep(LAPIC_ID_FIELD, id));
	guest_mmio_write32(VMM_IOAPIC_BASE + IOAPIC_INDEX, IOAPIC_REDIR(HPC_GSI));
	guest_mmio_write32(VMM_IOAPIC_BASE + IOAPIC_DATA, KERN_VEC_HPC);
}

static uint32_t cpuid(uint32_t leaf, uint32_t *ret_ebx, uint32_t *ret_ecx)
{
	uint32_t a = leaf, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	*ret_ebx = b;
	*ret_ecx = c;
	return a;
}

/* Only durations and deadlines need it: results are told in ticks. */
static uint32_t tsc_khz_find(void)
{
	uint32_t a, b, c, begin, now, ticks = CALIBRATE_US * LAPIC_TICKS_PER_US;
	uint64_t t0;

	a = cpuid(0x40000000u, &b, &c);
	if (a >= 0x40000010u && a < 0x40010000u) {
		a = cpuid(0x40000010u, &b, &c);
		if (a)
			return a;
	}
	a = cpuid(0, &b, &c);
	if (a >= 0x15) {
		a = cpuid(0x15, &b, &c);
		if (a && b && c)
			return (uint32_t)((uint64_t)c * b / a / 1000);
	}

	lapic_write(LAPIC_LVT_TIMER, KERN_VEC_TIMER | LAPIC_MASKED);
	lapic_write(LAPIC_TIMER_INIT, UINT32_MAX);
	begin = lapic_read(LAPIC_TIMER_CUR);
	t0 = guest_tsc();
	do {
		now = begin - lapic_read(LAPIC_TIMER_CUR);
	} while (now < ticks);
	t0 = guest_tsc() - t0;
	lapic_write(LAPIC_TIMER_INIT, 0);
	lapic_write(LAPIC_LVT_TIMER, KERN_VEC_TIMER);
	return (uint32_t)(t0 * 1000 * LAPIC_TICKS_PER_US / now);
}

/* Clear the event first, then read what it was about: a later event raises another edge. */
static void hpc_events(void)
{
	uint32_t events = hpc_read(HPC_EVTS), bits;

	hpc_write(HPC_EVTS, events);
	if (events & HPC_EVT_PCI) {
		bits = hpc_read(HPC_PCUP);
		hpc_write(HPC_PCUP, bits);
		if (bits) {
			kern_shared.up |= bits;
			kern_shared.events |= KERN_EVT_UP;
		}
		bits = hpc_read(HPC_PCDN);
		hpc_write(HPC_PCDN, bits);
		if (bits) {
			kern_shared.down |= bits;
			kern_shared.events |= KERN_EVT_DOWN;
		}
	}
	if (events & HPC_EVT_POWER)
		kern_shared.events |= KERN_EVT_POWER;
}

static void interrupt(uint64_t vector)
{
	if (vector == KERN_VEC_SPUR)
		return;
	if (vector == KERN_VEC_HPC) {
		hpc_events();
		kern_shared.wake = 1;
	} else if (vector >= KERN_VEC_CFG && vector < KERN_VEC_CFG + VMM_SLOTS) {
		kern_shared.irq_cfg |= BIT32(vector - KERN_VEC_CFG);
		kern_shared.events |= KERN_EVT_CFG;
		kern_shared.wake = 1;
	} else if (vector >= KERN_VEC_RX && vector < KERN_VEC_RX + VMM_SLOTS) {
		kern_shared.irq_rx |= BIT32(vector - KERN_VEC_RX);
		kern_shared.wake = 1;
	} else if (vector == KERN_VEC_TIMER) {
		kern_shared.wake |= 2;
	}
	lapic_write(LAPIC_EOI, 0);
}

static int64_t sys_idle(uint64_t us)
{
	if (!kern_shared.wake) {
		lapic_write(LAPIC_TIMER_INIT, (uint32_t)us * LAPIC_TICKS_PER_US);
		while (!kern_shared.wake)
			kern_halt();
		lapic_write(LAPIC_TIMER_INIT, 0);
	}
	kern_shared.wake = 0;
	return 0;
}

static int64_t sys_scan(uint64_t slot)
{
	const uint32_t data[2] = {KERN_VEC_RX + (uint32_t)slot, KERN_VEC_CFG + (uint32_t)slot};
	struct pciscan_slot *s;
	int r;

	if (slot < 1 || slot >= VMM_SLOTS)
		return -EINVAL;
	s = &kern_shared.slot[slot];
	r = pciscan_probe(&ecam, (unsigned int)slot, s);
	if (r < 0)
		return r;
	pciscan_enable(&ecam, (unsigned int)slot, s, msi_address, data);
	return 0;
}

static int64_t sys_eject(uint64_t slot)
{
	if (slot < 1 || slot >= VMM_SLOTS)
		return -EINVAL;
	pciscan_disable(&ecam, (unsigned int)slot, &kern_shared.slot[slot]);
	hpc_write(HPC_PCEJ, BIT32(slot));
	return 0;
}

static int64_t system_call(uint64_t nr, uint64_t arg)
{
	switch (nr) {
	case KERN_SYS_IDLE:
		return sys_idle(arg);
	case KERN_SYS_SCAN:
		return sys_scan(arg);
	case KERN_SYS_EJECT:
		return sys_eject(arg);
	case KERN_SYS_OFF:
		hpc_write(HPC_POWR, (uint32_t)arg);
		for (;;)
			kern_halt();
	default:
		return -ENOSYS;
	}
}

void kern_trap(struct trap_frame *f)
{
	if (f->vector >= 32) {
		interrupt(f->vector);
		return;
	}
	if (f->vector == VEC_UD && (f->cs & 3) == 3 && f->rcx == KERN_SYS_MAGIC &&
	    *(const uint16_t *)(uintptr_t)f->rip == UD2) {
		f->rip += 2;
		f->rax = (uint64_t)system_call(f->rax, f->rdi);
		return;
	}
	panic(f);
}

void kern_main(struct guest_block *block)
{
	/* first of all: the VMM measures the time to this line */
	con_puts(kern_banner);

	tables_init();
	sse_enable();
	apic_init();
	kern_shared.tsc_khz = tsc_khz_find();
	hpc_events(); /* plugs from before wait in PCUP */
	kern_enter_user((uintptr_t)app_main, (uintptr_t)user_stack_top - 8);
}
