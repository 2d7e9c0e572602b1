/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/guest_block.h>
#include <string.h>
#include "boot.h"

#define PTE_P  BIT64(0)
#define PTE_W  BIT64(1)
#define PTE_U  BIT64(2)
#define PTE_A  BIT64(5)
#define PTE_D  BIT64(6)
#define PTE_PS BIT64(7)

#define GIBS	 4u
#define PTES	 512u
#define PAGE	 4096u
#define BIG_PAGE UINT64_C(0x200000)

#define CR0_START  0x80050033u /* PG AM WP NE ET MP PE */
#define CR4_START  0x620u      /* PAE, and SSE for whoever wants it */
#define EFER_START 0x500u      /* LME LMA */

static const uint64_t gdt[] = {
	0,
	UINT64_C(0x00af9b000000ffff), /* code, ring 0, long */
	UINT64_C(0x00cf93000000ffff), /* data, ring 0 */
	UINT64_C(0x00affb000000ffff), /* code, ring 3, long */
	UINT64_C(0x00cff3000000ffff), /* data, ring 3 */
};

void boot_page_tables(uint8_t *ram)
{
	uint64_t *pml4 = (uint64_t *)(ram + VMM_BOOT_PAGE_TABLES);
	uint64_t *pdpt = pml4 + PTES, *pd = pdpt + PTES;

	pml4[0] = (VMM_BOOT_PAGE_TABLES + PAGE) | PTE_P | PTE_W | PTE_U | PTE_A;
	for (unsigned int g = 0; g < GIBS; g++)
		pdpt[g] = (VMM_BOOT_PAGE_TABLES + (2 + g) * PAGE) | PTE_P | PTE_W | PTE_U | PTE_A;
	for (unsigned int i = 0; i < GIBS * PTES; i++)
		pd[i] = i * BIG_PAGE | PTE_P | PTE_W | PTE_U | PTE_A | PTE_D | PTE_PS;
}

void boot_memory(uint8_t *ram)
{
	struct guest_block *b = (struct guest_block *)(ram + GUEST_BLOCK_GPA);

	memcpy(ram + VMM_BOOT_GDT, gdt, sizeof(gdt));
	boot_page_tables(ram);
	memset(b, 0, sizeof(*b));
	b->magic = GUEST_BLOCK_MAGIC;
	b->version = GUEST_BLOCK_VERSION;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.l = code,
		.db = !code,
		.g = 1,
	};
}

void boot_sregs(struct kvm_sregs *s)
{
	s->cs = segment(VMM_SEL_CODE0, 0xb, true);
	s->ds = segment(VMM_SEL_DATA0, 0x3, false);
	s->es = s->fs = s->gs = s->ss = s->ds;
	s->gdt.base = VMM_BOOT_GDT;
	s->gdt.limit = sizeof(gdt) - 1;
	s->idt.base = 0;
	s->idt.limit = 0;
	s->cr0 = CR0_START;
	s->cr3 = VMM_BOOT_PAGE_TABLES;
	s->cr4 = CR4_START;
	s->efer = EFER_START;
}

void boot_regs(struct kvm_regs *regs, uint64_t entry, uint32_t tsc_khz)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = entry;
	regs->rsp = VMM_BOOT_STACK;
	regs->rsi = GUEST_BLOCK_GPA;
	regs->rdi = tsc_khz;
	regs->rflags = 2;
}
