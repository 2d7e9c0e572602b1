/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/hpc.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include "acpi.h"
#include "boot_linux.h"
#include "bzimage.h"
#include "elf_load.h"
#include "ports.h"
#include "pvh.h"

#define PAGE	      UINT64_C(4096)
#define MIB	      UINT64_C(0x100000)
#define GIB4	      (UINT64_C(1) << 32)
#define RAM_LOW_END   0xa0000u
#define LOADER_OTHER  0xffu
#define E820_RAM      1u
#define E820_RESERVED 2u
#define NOTES_MAX     8192u

#define CR0_START_64 0x80000031u /* PG NE ET PE */
#define CR0_START_32 0x11u	 /* ET PE */
#define CR4_START_64 0x20u	 /* PAE */
#define EFER_START   0x500u	 /* LME LMA */

#define TYPE_CODE 0xbu
#define TYPE_DATA 0x3u
#define TYPE_TSS  0xbu
#define TSS_LIMIT 0x67u

/*
 * Where a processor starts after a reset. Linux prefers EFI's reset on hardware-reduced machines,
 * and without EFI goes into real mode and jumps there. What it finds asks for the reset: mov $0xfe,
 * %al; out %al, $0x64; hlt.
 */
#define RESET_VECTOR 0xffff0u
static const uint8_t reset_code[] = {0xb0, PORT_KBC_RESET, 0xe6, PORT_KBC, 0xf4};

static const uint64_t gdt[] = {
	0,
	0,
	UINT64_C(0x00af9b000000ffff), /* code, 64 bit */
	UINT64_C(0x00cf93000000ffff), /* data */
	UINT64_C(0x00cf9b000000ffff), /* code, 32 bit */
};

const char *boot_cmdline_refusal(const char *cmdline)
{
	static const char *const bad[] = {"acpi=off", "pci=off", "noapic", "nolapic",
					  "pci=nommconf"};

	for (const char *w = cmdline; *w;) {
		size_t n = strcspn(w, " \t");

		for (unsigned int i = 0; i < ARRAY_SIZE(bad); i++) {
			if (strlen(bad[i]) == n && !memcmp(w, bad[i], n))
				return bad[i];
		}
		w += n;
		w += strspn(w, " \t");
	}
	return NULL;
}

unsigned int boot_ranges(uint64_t ram_low, uint64_t ram_high,
			 struct boot_range ret_ranges[BOOT_RANGES])
{
	const struct boot_range all[BOOT_RANGES] = {
		{0, RAM_LOW_END, E820_RAM},
		{ACPI_GPA, ACPI_SIZE, E820_RESERVED},
		{MIB, ram_low - MIB, E820_RAM},
		{VMM_ECAM_BASE, VMM_ECAM_SIZE, E820_RESERVED},
		{VMM_HPC_BASE, VMM_HPC_SIZE, E820_RESERVED},
		{GIB4, ram_high, E820_RAM},
	};

	memcpy(ret_ranges, all, sizeof(all));
	return ram_high ? BOOT_RANGES : BOOT_RANGES - 1;
}

static int file_size(int fd, uint64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size <= 0)
		return -ENOEXEC;
	*ret_size = (uint64_t)st.st_size;
	return 0;
}

struct initrd {
	uint64_t gpa;
	uint64_t size;
};

/* As high as it can be, so that the kernel below has room to unpack itself. */
static int initrd_load(const struct boot_linux *b, uint64_t from, uint64_t end,
		       struct initrd *ret_initrd, const char **ret_why)
{
	uint64_t size = 0;
	int r;

	*ret_initrd = (struct initrd){0};
	if (b->initrd_fd < 0)
		return 0;
	*ret_why = "the initrd cannot be read";
	r = file_size(b->initrd_fd, &size);
	if (r < 0)
		return r;
	end &= ~(PAGE - 1);
	if (from > end || size > end - from) {
		*ret_why = "kernel and initrd do not fit in this memory";
		return -ERANGE;
	}
	ret_initrd->gpa = (end - size) & ~(PAGE - 1);
	ret_initrd->size = size;
	if (ret_initrd->gpa < from) {
		*ret_why = "kernel and initrd do not fit in this memory";
		return -ERANGE;
	}
	return file_read(b->initrd_fd, 0, b->ram + ret_initrd->gpa, size);
}

static int cmdline_put(const struct boot_linux *b, uint32_t max, const char **ret_why)
{
	size_t n = strlen(b->cmdline);

	if (n > max || n > BOOT_CMDLINE_MAX) {
		*ret_why = "the kernel takes no command line as long as this";
		return -E2BIG;
	}
	memcpy(b->ram + LINUX_CMDLINE, b->cmdline, n + 1);
	return 0;
}

static void zero_page(const struct boot_linux *b, const struct bz_plan *p,
		      const struct initrd *initrd)
{
	struct boot_params *z = (struct boot_params *)(b->ram + LINUX_ZERO);
	struct boot_range range[BOOT_RANGES];

	memset(z, 0, sizeof(*z));
	z->hdr = p->hdr;
	z->hdr.type_of_loader = LOADER_OTHER;
	z->hdr.code32_start = (uint32_t)p->load_gpa;
	z->hdr.cmd_line_ptr = LINUX_CMDLINE;
	z->hdr.ramdisk_image = (uint32_t)initrd->gpa;
	z->hdr.ramdisk_size = (uint32_t)initrd->size;
	z->acpi_rsdp_addr = ACPI_GPA;
	z->e820_entries = (uint8_t)boot_ranges(b->ram_low, b->ram_high, range);
	for (unsigned int i = 0; i < z->e820_entries; i++) {
		z->e820_table[i].addr = range[i].addr;
		z->e820_table[i].size = range[i].size;
		z->e820_table[i].type = range[i].type;
	}
}

static int bz_load(const struct boot_linux *b, uint64_t size, const uint8_t *head, size_t head_len,
		   struct boot_start *ret_start, const char **ret_why)
{
	struct initrd initrd;
	struct bz_plan p;
	int r;

	*ret_why = "the kernel is no bzImage that can be started";
	r = bz_decode(head, head_len, size, b->ram_low, &p);
	if (r == -ENOTSUP)
		*ret_why = "the kernel has no 64 bit entry (boot protocol 2.12)";
	if (r == -ERANGE)
		*ret_why = "the kernel does not fit in this memory";
	if (r < 0)
		return r;
	r = cmdline_put(b, p.cmdline_max, ret_why);
	if (r < 0)
		return r;
	r = initrd_load(b, p.load_gpa + p.load_len, p.initrd_end, &initrd, ret_why);
	if (r < 0)
		return r;
	*ret_why = "the kernel cannot be read";
	r = file_read(b->kernel_fd, p.payload_off, b->ram + p.load_gpa, p.payload_len);
	if (r < 0)
		return r;
	zero_page(b, &p, &initrd);
	boot_page_tables(b->ram);
	ret_start->how = BOOT_LINUX_64;
	ret_start->entry = p.load_gpa + BZ_ENTRY_64;
	return 0;
}

static void start_info(const struct boot_linux *b, const struct initrd *initrd)
{
	struct pvh_start_info *s = (struct pvh_start_info *)(b->ram + LINUX_PVH);
	struct pvh_module *m = (struct pvh_module *)(s + 1);
	struct pvh_memmap *map = (struct pvh_memmap *)(m + 1);
	struct boot_range range[BOOT_RANGES];
	unsigned int n = boot_ranges(b->ram_low, b->ram_high, range);

	*s = (struct pvh_start_info){
		.magic = PVH_MAGIC,
		.version = PVH_VERSION,
		.n_modules = initrd->size != 0,
		.modules = LINUX_PVH + sizeof(*s),
		.cmdline = LINUX_CMDLINE,
		.rsdp = ACPI_GPA,
		.memmap = LINUX_PVH + sizeof(*s) + sizeof(*m),
		.n_memmap = n,
	};
	*m = (struct pvh_module){.addr = initrd->gpa, .size = initrd->size};
	for (unsigned int i = 0; i < n; i++) {
		map[i] = (struct pvh_memmap){
			.addr = range[i].addr,
			.size = range[i].size,
			.type = range[i].type,
		};
	}
}

static int pvh_entry(const struct boot_linux *b, const struct elf_plan *p, uint32_t *ret_entry)
{
	uint8_t notes[NOTES_MAX];
	int r;

	for (unsigned int i = 0; i < p->n_notes; i++) {
		if (p->note[i].size > sizeof(notes))
			continue;
		r = file_read(b->kernel_fd, p->note[i].offset, notes, p->note[i].size);
		if (r < 0)
			return r;
		r = pvh_note_find(notes, p->note[i].size, ret_entry);
		if (r != -ENOENT)
			return r;
	}
	return -ENOENT;
}

static int pvh_load(const struct boot_linux *b, uint64_t size, const uint8_t *head, size_t head_len,
		    struct boot_start *ret_start, const char **ret_why)
{
	struct initrd initrd;
	struct elf_plan p;
	uint32_t entry;
	int r;

	*ret_why = "the kernel is no ELF that can be loaded";
	r = elf_plan_decode(head, head_len, size, b->ram_low, &p);
	if (r == -ERANGE)
		*ret_why = "the kernel does not fit in this memory";
	if (r < 0)
		return r;
	*ret_why = "the kernel's ELF has no note of a PVH entry";
	r = pvh_entry(b, &p, &entry);
	if (r < 0)
		return r == -ENOENT ? -ENOEXEC : r;
	if (!elf_plan_has(&p, entry))
		return -ERANGE;
	r = cmdline_put(b, BOOT_CMDLINE_MAX, ret_why);
	if (r < 0)
		return r;
	r = initrd_load(b, elf_plan_end(&p), b->ram_low, &initrd, ret_why);
	if (r < 0)
		return r;
	*ret_why = "the kernel cannot be read";
	r = elf_plan_load(b->kernel_fd, &p, b->ram);
	if (r < 0)
		return r;
	start_info(b, &initrd);
	ret_start->how = BOOT_PVH;
	ret_start->entry = entry;
	return 0;
}

int boot_linux_load(const struct boot_linux *b, struct boot_start *ret_start, const char **ret_why)
{
	uint8_t head[ELF_HEAD_MAX];
	size_t head_len;
	uint64_t size = 0;
	int r;

	*ret_why = "the kernel cannot be read";
	r = file_size(b->kernel_fd, &size);
	if (r < 0)
		return r;
	head_len = size < sizeof(head) ? (size_t)size : sizeof(head);
	r = file_read(b->kernel_fd, 0, head, head_len);
	if (r < 0)
		return r;
	memcpy(b->ram + LINUX_GDT, gdt, sizeof(gdt));
	acpi_build(b->ram + ACPI_GPA, b->n_cpus);
	memcpy(b->ram + RESET_VECTOR, reset_code, sizeof(reset_code));
	if (elf_is(head, head_len))
		return pvh_load(b, size, head, head_len, ret_start, ret_why);
	return bz_load(b, size, head, head_len, ret_start, ret_why);
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool l, bool db)
{
	return (struct kvm_segment){
		.limit = UINT32_MAX,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.l = l,
		.db = db,
		.g = 1,
	};
}

void boot_linux_sregs(const struct boot_start *start, struct kvm_sregs *s)
{
	bool pvh = start->how == BOOT_PVH;

	s->cs = pvh ? segment(LINUX_SEL_CODE32, TYPE_CODE, false, true)
		    : segment(LINUX_SEL_CODE64, TYPE_CODE, true, false);
	s->ds = segment(LINUX_SEL_DATA, TYPE_DATA, false, true);
	s->es = s->fs = s->gs = s->ss = s->ds;
	s->tr = (struct kvm_segment){.limit = TSS_LIMIT, .type = TYPE_TSS, .present = 1};
	s->gdt.base = LINUX_GDT;
	s->gdt.limit = sizeof(gdt) - 1;
	s->idt.base = 0;
	s->idt.limit = 0;
	s->cr0 = pvh ? CR0_START_32 : CR0_START_64;
	s->cr3 = pvh ? 0 : VMM_BOOT_PAGE_TABLES;
	s->cr4 = pvh ? 0 : CR4_START_64;
	s->efer = pvh ? 0 : EFER_START;
}

void boot_linux_regs(const struct boot_start *start, struct kvm_regs *regs)
{
	memset(regs, 0, sizeof(*regs));
	regs->rip = start->entry;
	regs->rflags = 2;
	if (start->how == BOOT_PVH)
		regs->rbx = LINUX_PVH;
	else
		regs->rsi = LINUX_ZERO;
}
