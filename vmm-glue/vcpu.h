#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The virtual processors: their start state, their threads, and what their exits mean. */
#include "vm_impl.h"

/**
 * vcpu_open() - create and set up the processors: CPUID, start registers, statistics
 * Context: main thread; guest RAM, vm->n_vcpus and vm->start are there. Return: 0; -errno of
 * ioctl(2), mmap(2). Source: Linux Documentation/virt/kvm/api.rst.
 */
int vcpu_open(struct vm *vm) _must_check_;

/**
 * vcpu_start() - run each on a thread of its own, the first one pinned to vm->cpu unless negative.
 * After a failure some may run: vcpu_stop()
 *
 * Context: main thread, after vcpu_open(). Return: 0; -EINVAL no such CPU; -errno of sigaction(2),
 * pthread_create(3), pthread_attr_setaffinity_np(3). Source: -.
 */
int vcpu_start(struct vm *vm) _must_check_;

/**
 * vcpu_stop() - end the threads; fine when none runs
 *
 * Context: main thread; blocks up to @timeout_us. Return: 0; -ETIMEDOUT one has not ended. Source:
 * -.
 */
int vcpu_stop(struct vm *vm, uint64_t timeout_us) _must_check_;

/**
 * vcpu_kick() - let each look at its flags and at vm->state
 *
 * Context: main thread. Source: Linux Documentation/virt/kvm/api.rst, immediate_exit.
 */
void vcpu_kick(struct vm *vm);

/* Sums over all processors. */
struct vcpu_totals {
	uint64_t exits, mmio, io, intr, stray;
	uint64_t kvm; /* exits that KVM counted; 0: not known */
};

/** vcpu_totals() - what all processors counted. Context: any thread. Source: -. */
void vcpu_totals(const struct vm *vm, struct vcpu_totals *ret_totals);

/**
 * vcpu_close() - unmap and close what vcpu_open() made
 *
 * Context: main thread, after vcpu_stop(). Source: -.
 */
void vcpu_close(struct vm *vm);

/**
 * vcpu_mmio() - the bus as the processor sees it: ECAM, hot-plug page, BARs; else ones
 *
 * Context: vCPU thread. Source: -.
 */
void vcpu_mmio(struct vm *vm, uint64_t gpa, void *buf, uint32_t len, bool write);

/**
 * vcpu_stats_open() - find KVM's counter of all exits
 *
 * Context: main thread, after vcpu_open(). Return: 0; -ENOTSUP there is none; -EIO statistics that
 * cannot be read. Source: Linux Documentation/virt/kvm/api.rst, KVM_GET_STATS_FD.
 */
int vcpu_stats_open(struct vcpu *v) _must_check_;

/**
 * vcpu_stats_exits() - exits that KVM counted, those it handled itself included; 0: not known
 *
 * Context: any thread. Return: the count; 0. Source: as vcpu_stats_open().
 */
uint64_t vcpu_stats_exits(const struct vcpu *v);
