#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The one virtual processor: its start state, its thread, and what its exits mean. */
#include "vm_impl.h"

/**
 * vcpu_open() - create and set up the processor: CPUID, start registers, statistics
 * Context: main thread; guest RAM and vm->entry are there. Return: 0; -errno of ioctl(2), mmap(2).
 * Source: Linux Documentation/virt/kvm/api.rst.
 */
int vcpu_open(struct vm *vm) _must_check_;

/**
 * vcpu_start() - run it on a thread of its own, pinned to vcpu.cpu unless negative
 *
 * Context: main thread, after vcpu_open(). Return: 0; -EINVAL no such CPU; -errno of sigaction(2),
 * pthread_create(3), pthread_attr_setaffinity_np(3). Source: -.
 */
int vcpu_start(struct vm *vm) _must_check_;

/**
 * vcpu_stop() - end the thread; fine when none runs
 *
 * Context: main thread; blocks up to @timeout_us. Return: 0; -ETIMEDOUT it has not ended. Source:
 * -.
 */
int vcpu_stop(struct vm *vm, uint64_t timeout_us) _must_check_;

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
