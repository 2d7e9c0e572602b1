#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the programs in the kernel (exits.bpf.c) and their loader (exits_bpf.c) share: one record a
 * process that runs a VM. Records are made by the loader, so that nothing the kernel does makes
 * them more.
 */
#include <linux/types.h>

#define EXITS_VMS_MAX	  256
#define EXITS_IRQS_MAX	  1024
#define EXITS_VECTORS_MAX 256

struct exits_record {
	__u64 kvm;  /* exits of whatever reason */
	__u64 user; /* returns of KVM_RUN to the VMM */
	__u64 mmio; /* accesses that found no memory: all writes, and reads that left the kernel */
	__u64 wakeups; /* a vCPU slept and was woken */
	/* interrupts by the guest's vector: sent by devices, injected by KVM, ended by the guest */
	__u64 sent[EXITS_VECTORS_MAX];
	__u64 taken[EXITS_VECTORS_MAX];
	__u64 ended[EXITS_VECTORS_MAX];
};
