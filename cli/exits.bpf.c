/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Counters in the kernel: exits, wake-ups and interrupts of VMs that the loader asked for. Runs at
 * every exit of every VM of the host, so it looks one record up and adds one. The few members of
 * kernel structures that are read are found by name in the running kernel's BTF.
 */
#include <linux/types.h>
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include "exits_map.h"

#define MMIO_READ 1 /* served in the kernel, or the second half of one that was not */

struct kvm {
	int userspace_pid;
} __attribute__((preserve_access_index));

struct kvm_lapic_irq {
	__u32 vector;
} __attribute__((preserve_access_index));

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, EXITS_VMS_MAX);
	__type(key, __u32); /* process */
	__type(value, struct exits_record);
} vms SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, EXITS_IRQS_MAX);
	__type(key, __u32); /* interrupt number of the host */
	__type(value, __u64);
} irqs SEC(".maps");

__u64 exits_msis; /* of the whole host */

static struct exits_record *record_of(__u32 pid)
{
	return bpf_map_lookup_elem(&vms, &pid);
}

/* The vCPU's thread belongs to the VMM. */
static struct exits_record *record_here(void)
{
	return record_of((__u32)(bpf_get_current_pid_tgid() >> 32));
}

SEC("raw_tp/kvm_exit")
int on_exit(void *ctx)
{
	struct exits_record *r = record_here();

	if (r)
		__sync_fetch_and_add(&r->kvm, 1);
	return 0;
}

SEC("raw_tp/kvm_userspace_exit")
int on_user(void *ctx)
{
	struct exits_record *r = record_here();

	if (r)
		__sync_fetch_and_add(&r->user, 1);
	return 0;
}

SEC("raw_tp/kvm_mmio")
int BPF_PROG(on_mmio, int type)
{
	struct exits_record *r = record_here();

	if (r && type != MMIO_READ)
		__sync_fetch_and_add(&r->mmio, 1);
	return 0;
}

SEC("raw_tp/kvm_vcpu_wakeup")
int BPF_PROG(on_wakeup, __u64 ns, _Bool waited)
{
	struct exits_record *r = record_here();

	if (r && waited)
		__sync_fetch_and_add(&r->wakeups, 1);
	return 0;
}

static void add(__u64 *vectors, __u64 vector)
{
	/* beyond: an end of no interrupt */
	if (vector >= EXITS_VECTORS_MAX)
		return;
	/* the verifier wants to see the bound where the address is made */
	__asm__ volatile("" : "+r"(vector));
	__sync_fetch_and_add(&vectors[vector & (EXITS_VECTORS_MAX - 1)], 1);
}

/* Put into the guest by KVM: on processors that do not deliver interrupts by themselves. */
SEC("raw_tp/kvm_inj_virq")
int BPF_PROG(on_taken, __u32 vector)
{
	struct exits_record *r = record_here();

	if (r)
		add(r->taken, vector);
	return 0;
}

/* Ended by the guest, seen where that takes an exit. */
SEC("raw_tp/kvm_eoi")
int BPF_PROG(on_ended, void *apic, __u32 vector)
{
	struct exits_record *r = record_here();

	if (r)
		add(r->ended, vector);
	return 0;
}

/* On whichever thread signals the device's eventfd, hence not told apart by VM. */
SEC("raw_tp/kvm_msi_set_irq")
int on_msi(void *ctx)
{
	__sync_fetch_and_add(&exits_msis, 1);
	return 0;
}

/* The same place as kvm_msi_set_irq, with the VM. A source is another vCPU, so no device. */
SEC("fentry/kvm_irq_delivery_to_apic_fast")
int BPF_PROG(on_sent, struct kvm *kvm, void *source, struct kvm_lapic_irq *irq)
{
	struct exits_record *r;

	if (source)
		return 0;
	r = record_of((__u32)kvm->userspace_pid);
	if (r)
		add(r->sent, irq->vector);
	return 0;
}

SEC("raw_tp/irq_handler_entry")
int BPF_PROG(on_irq, int irq)
{
	__u32 key = (__u32)irq;
	__u64 *n = bpf_map_lookup_elem(&irqs, &key);

	if (n)
		__sync_fetch_and_add(n, 1);
	return 0;
}

/* no helper is used that asks for another */
char licence[] SEC("license") = "BSD";
