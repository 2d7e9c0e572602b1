#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The platform behind struct vm on a real machine: KVM with its in-kernel interrupt controllers. */
#include "vm_impl.h"

extern const struct vm_plat_ops vm_kvm_ops;

/**
 * vm_kvm_open() - make the virtual machine: irqchip, the interrupts of hot-plug and COM1
 * @kvm_fd: /dev/kvm; owned by @vm from here on, also on failure
 * Context: main thread. Return: 0; -ENOTTY not KVM, -ENOTSUP a capability is missing; -errno of
 * ioctl(2). Source: Linux Documentation/virt/kvm/api.rst.
 */
int vm_kvm_open(struct vm *vm, int kvm_fd) _must_check_;
