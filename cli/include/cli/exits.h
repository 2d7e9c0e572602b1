#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Exits, wake-ups and interrupts of VMs as the kernel's tracepoints tell them, whatever the VMM
 * says. Counters begin at zero when a VM is first asked for. Needs BPF, the kernel's BTF and
 * privilege; which tracepoints exist and fire depends on kernel and processor, so every figure goes
 * with the name of its source.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lib/cleanup.h>

#define EXITS_VECTORS 256u

struct exits;

struct exits_counts {
	uint64_t kvm;  /* exits of whatever reason; 0 where kvm_exit does not fire */
	uint64_t user; /* returns of KVM_RUN to the VMM */
	uint64_t mmio; /* accesses to no memory: all writes, and reads that left the kernel */
	uint64_t wakeups;
	uint64_t interrupts[EXITS_VECTORS]; /* by the guest's vector */
	const char *interrupt_source;	    /* what they were counted by */
};

/**
 * exits_open() - load and attach what this kernel has
 * @why, @size: a sentence when it fails
 *
 * Context: main thread; needs CAP_BPF and CAP_PERFMON.
 * Return: 0; -EPERM; -ENOTSUP not built in, or no BTF; -ENOENT no tracepoints of KVM; else what the
 * kernel said.
 * Source: Linux Documentation/bpf/, libbpf.
 */
int exits_open(char *why, size_t size, struct exits **ret_exits) _must_check_;

/** exits_close() - detach everything; NULL is allowed. Context: main thread. Source: none. */
void exits_close(struct exits *x);

static inline void exits_closep(struct exits **x)
{
	exits_close(*x);
}

/**
 * exits_read() - counters of the VM whose VMM is process @pid; the first call starts them
 * Context: any. Return: 0; -ENOSPC too many VMs; else what the kernel said. Source: none.
 */
int exits_read(struct exits *x, uint32_t pid, struct exits_counts *ret_counts) _must_check_;

/** exits_forget() - the VM has ended. Context: any. Source: none. */
void exits_forget(struct exits *x, uint32_t pid);

/**
 * exits_read_irq() - how often interrupt @irq of the host came since it was first asked for
 * Context: any. Return: 0; as exits_read(). Source: none.
 */
int exits_read_irq(struct exits *x, uint32_t irq, uint64_t *ret_n) _must_check_;

/** exits_messages() - MSIs into guests, all VMs. Context: any. Return: how many. Source: none. */
uint64_t exits_messages(const struct exits *x);

/** exits_sources() - what is attached. Context: any. Return: names, by blanks. Source: none. */
const char *exits_sources(const struct exits *x);
