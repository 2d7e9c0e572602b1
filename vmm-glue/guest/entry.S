/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Entry, trap stubs, and the ways between ring 0 and ring 3. The VMM starts us in 64-bit mode, ring 0,
 * interrupts off, RSI = guest block. CS is not reloaded: whatever the VMM loaded serves until the first
 * iretq, and every way back into ring 0 takes CS from the IDT.
 */
	.section .text.entry, "ax"
	.globl guest_start
guest_start:
	leaq	kern_stack_top(%rip), %rsp
	xorl	%ebp, %ebp
	movq	%rsi, %rdi
	call	kern_main
1:	cli
	hlt
	jmp	1b

/*
 * For comparisons: any other VMM that starts ELF files by PVH gets the first line on COM1, and a
 * processor that sleeps. There is nothing to bench in its machine. 32 bit, no paging.
 */
	.section .note.pvh, "a", @note
	.balign	4
	.long	4, 8, 18		/* sizes of name and value; the 32 bit entry */
	.asciz	"Xen"
	.quad	pvh_start

	.text
	.code32
pvh_start:
	cld
	movl	$kern_banner, %esi
	movw	$0x3f8, %dx
1:	lodsb
	testb	%al, %al
	jz	2f
	outb	%al, %dx
	jmp	1b
2:	cli
	hlt
	jmp	2b
	.code64

/* void kern_enter_user(uint64_t rip, uint64_t rsp) */
	.globl kern_enter_user
kern_enter_user:
	pushq	$0x23			/* SS: user data */
	pushq	%rsi
	pushq	$0x202			/* RFLAGS: interrupts on */
	pushq	$0x1b			/* CS: user code */
	pushq	%rdi
	xorl	%ebp, %ebp
	iretq

/* void kern_load_tables(const void *gdtr, const void *idtr, uint16_t tss_selector) */
	.globl kern_load_tables
kern_load_tables:
	lgdt	(%rdi)
	lidt	(%rsi)
	movl	%edx, %eax
	ltr	%ax
	ret

/* void kern_triple_fault(void): no IDT, then an exception: the VMM sees a shutdown */
	.globl kern_triple_fault
kern_triple_fault:
	pushq	$0
	pushq	$0
	lidt	(%rsp)
	ud2
	jmp	kern_triple_fault

/* void kern_halt(void): sleep until an interrupt was handled */
	.globl kern_halt
kern_halt:
	sti
	hlt
	cli
	ret

trap_common:
	pushq	%rax
	pushq	%rcx
	pushq	%rdx
	pushq	%rbx
	pushq	%rbp
	pushq	%rsi
	pushq	%rdi
	pushq	%r8
	pushq	%r9
	pushq	%r10
	pushq	%r11
	pushq	%r12
	pushq	%r13
	pushq	%r14
	pushq	%r15
	movq	%rsp, %rdi
	cld
	call	kern_trap
	popq	%r15
	popq	%r14
	popq	%r13
	popq	%r12
	popq	%r11
	popq	%r10
	popq	%r9
	popq	%r8
	popq	%rdi
	popq	%rsi
	popq	%rbp
	popq	%rbx
	popq	%rdx
	popq	%rcx
	popq	%rax
	addq	$16, %rsp
	iretq

/* One stub a vector, 16 bytes apart; 8, 10-14, 17, 21, 29 and 30 come with an error code. */
	.balign	16
	.globl kern_stubs
kern_stubs:
	.set	vec, 0
	.rept	160
	.balign	16
	.if	!(vec == 8 || (vec >= 10 && vec <= 14) || vec == 17 || vec == 21 || vec == 29 || vec == 30)
	pushq	$0
	.endif
	pushq	$vec
	jmp	trap_common
	.set	vec, vec + 1
	.endr

	.bss
	.balign	16
	.skip	16384
kern_stack_top:
	.globl kern_stack_top
	.skip	262144
	.globl user_stack_top
user_stack_top:

	.section .note.GNU-stack, "", @progbits
