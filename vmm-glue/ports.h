#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The I/O ports: COM1, the panic port, and of a keyboard controller the reset alone, for kernels
 * that reset the machine in no other way. Nothing else is there. A bench guest has none.
 */
#include "vm_impl.h"

#define PORT_KBC	  0x64u
#define PORT_KBC_RESET	  0xfeu
#define PORT_PANIC	  0x505u
#define PORT_PANIC_EVENTS BIT32(0) /* what it understands: the guest panicked */

/**
 * ports_access() - one access of @len bytes at @port; what is not there reads ones
 *
 * Context: vCPU thread. Source: QEMU docs/specs/pvpanic.rst for the panic port.
 */
void ports_access(struct vm *vm, uint16_t port, uint8_t *buf, uint32_t len, bool write);
