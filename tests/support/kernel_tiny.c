/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The smallest thing that boots as Linux does: linked at 16 MiB with its 64 bit entry at 0x200 of
 * the file, so that the whole file is the payload of a bzImage, and with a PVH note. It says on
 * COM1 what it found at its start, echoes a line that it is given, and does as the line says: off,
 * reset, panic, fault.
 */
#include <asm/bootparam.h>
#include <abi/hpc.h>

#define COM1	   0x3f8
#define LSR	   5
#define LSR_DR	   1
#define EFER	   0xc0000080u
#define EFER_WANT  0x500u
#define CR0_WANT   0x80000001u
#define TSC_LEAF   0x40000010u
#define CMDLINE	   "tiny=1"
#define PANIC_PORT 0x505
#define LINE_MAX   32

void kernel_main(const struct boot_params *z, unsigned long flags);

/* in the file, as a bzImage has no bss before it clears one */
__attribute__((section(".data"), used)) static unsigned char stack[8192] = {1};

/* the linker puts this section before all other code */
__asm__(".section .text.unlikely, \"ax\"\n"
	".globl kernel_start\n"
	"kernel_start:\n"
	"	leaq stack+8192(%rip), %rsp\n"
	"	movq %rsi, %rdi\n"
	"	pushfq\n"
	"	popq %rsi\n"
	"	call kernel_main\n"
	"1:	hlt\n"
	"	jmp 1b\n"
	".code32\n"
	".globl kernel_pvh\n"
	"kernel_pvh:\n"
	"	movw $0x3f8, %dx\n"
	"	movl $'P', %eax\n"
	"	outb %al, %dx\n"
	"	cmpl $0x336ec578, (%ebx)\n"
	"	jne 2f\n"
	"	movl $'V', %eax\n"
	"	outb %al, %dx\n"
	"	movl 24(%ebx), %ecx\n" /* the command line */
	"3:	movb (%ecx), %al\n"
	"	outb %al, %dx\n"
	"	incl %ecx\n"
	"	testb %al, %al\n"
	"	jne 3b\n"
	"2:	movl $10, %eax\n"
	"	outb %al, %dx\n"
	"	movb $0x34, 0xe9000028\n" /* the sleep control register */
	"4:	hlt\n"
	"	jmp 4b\n"
	".code64\n"
	".section .note.xen, \"a\", @note\n"
	"	.long 4, 4, 18\n"
	"	.asciz \"Xen\"\n"
	"	.long kernel_pvh\n"
	".text\n");

static void out(unsigned short port, unsigned char v)
{
	__asm__ volatile("outb %0, %1" : : "a"(v), "Nd"(port));
}

static unsigned char in(unsigned short port)
{
	unsigned char v;

	__asm__ volatile("inb %1, %0" : "=a"(v) : "Nd"(port));
	return v;
}

static void say(const char *text)
{
	while (*text)
		out(COM1, (unsigned char)*text++);
}

static void check(int good, const char *what)
{
	say(good ? "good " : "BAD ");
	say(what);
	say("\n");
}

static int same(const char *a, const char *b, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		if (a[i] != b[i])
			return 0;
	}
	return 1;
}

static unsigned int ram_ranges(const struct boot_params *z)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < z->e820_entries; i++)
		n += z->e820_table[i].type == 1;
	return n;
}

static void start_check(const struct boot_params *z, unsigned long flags)
{
	unsigned long cr0, cr4, efer_lo, efer_hi;
	unsigned int eax = TSC_LEAF, ebx, ecx, edx;
	unsigned short cs, ds;

	__asm__ volatile("movq %%cr0, %0" : "=r"(cr0));
	__asm__ volatile("movq %%cr4, %0" : "=r"(cr4));
	__asm__ volatile("rdmsr" : "=a"(efer_lo), "=d"(efer_hi) : "c"(EFER));
	__asm__ volatile("movw %%cs, %0" : "=r"(cs));
	__asm__ volatile("movw %%ds, %0" : "=r"(ds));
	__asm__ volatile("cpuid" : "+a"(eax), "=b"(ebx), "=c"(ecx), "=d"(edx));
	check(same((const char *)&z->hdr.header, "HdrS", 4), "setup header");
	check(z->hdr.type_of_loader == 0xff, "loader");
	check(same((const char *)(unsigned long)z->hdr.cmd_line_ptr, CMDLINE, sizeof(CMDLINE)),
	      "command line");
	check(z->hdr.ramdisk_size == 6 &&
		      same((const char *)(unsigned long)z->hdr.ramdisk_image, "initrd", 6),
	      "initrd");
	check(same((const char *)(unsigned long)z->acpi_rsdp_addr, "RSD PTR ", 8), "rsdp");
	check(ram_ranges(z) >= 2, "memory map");
	check(!(flags & 0x200), "interrupts off");
	check((cr0 & CR0_WANT) == CR0_WANT && cr4 & 0x20, "paging");
	check((efer_lo & EFER_WANT) == EFER_WANT, "long mode");
	check(cs == 0x10 && ds == 0x18, "selectors");
	check(eax != 0, "tsc frequency");
	say("ready\n");
}

static void line_read(char *line)
{
	unsigned int n = 0;

	while (n < LINE_MAX - 1) {
		while (!(in(COM1 + LSR) & LSR_DR))
			__asm__ volatile("pause");
		line[n] = (char)in(COM1);
		out(COM1, (unsigned char)line[n]);
		if (line[n] == '\n')
			break;
		n++;
	}
	line[n] = '\0';
}

static void byte_write(unsigned long at, unsigned char v)
{
	__asm__ volatile("movb %1, (%0)" : : "r"(at), "r"(v) : "memory");
}

void kernel_main(const struct boot_params *z, unsigned long flags)
{
	char line[LINE_MAX];

	start_check(z, flags);
	for (;;) {
		line_read(line);
		if (same(line, "off", 4))
			byte_write(VMM_HPC_BASE + HPC_SLPC, HPC_SLPC_OFF);
		else if (same(line, "reset", 6))
			byte_write(VMM_HPC_BASE + HPC_RSTB, HPC_RSTB_VALUE);
		else if (same(line, "kbc", 4))
			out(0x64, 0xfe);
		else if (same(line, "panic", 6))
			out(PANIC_PORT, 1);
		else if (same(line, "say panic", 10))
			say("Kernel panic - not syncing: tiny\n");
		else if (same(line, "fault", 6))
			__asm__ volatile("lidt %0\n\tud2" : : "m"((char[10]){0}));
	}
}
