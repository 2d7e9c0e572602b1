/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <linux/serial_reg.h>
#include <string.h>
#include "ports.h"

static void com1_write(struct vm *vm, unsigned int reg, uint8_t v)
{
	if (serial_write(&vm->serial, reg, v))
		vm_post(vm, VM_POST_CONSOLE);
	if (reg == UART_TX && v == '\n' && !atomic_load(&vm->console.first_us))
		atomic_store(&vm->console.first_us, clock_us());
}

static void panicked(struct vm *vm, uint8_t v)
{
	int none = VM_PANIC_NONE;

	if (v & PORT_PANIC_EVENTS &&
	    atomic_compare_exchange_strong(&vm->panic, &none, VM_PANIC_PORT))
		vm_post(vm, VM_POST_STATE);
}

void ports_access(struct vm *vm, uint16_t port, uint8_t *buf, uint32_t len, bool write)
{
	if (!write)
		memset(buf, 0xff, len);
	if (vm->kind == VM_BENCH || len != 1)
		return;
	if (port >= SERIAL_PORT && port - SERIAL_PORT < SERIAL_REGS) {
		if (write)
			com1_write(vm, port - SERIAL_PORT, *buf);
		else
			*buf = serial_read(&vm->serial, port - SERIAL_PORT);
	} else if (port == PORT_PANIC) {
		if (write)
			panicked(vm, *buf);
		else
			*buf = PORT_PANIC_EVENTS;
	} else if (port == PORT_KBC) {
		/* always ready for a command: no flag is set */
		if (!write)
			*buf = 0;
		else if (*buf == PORT_KBC_RESET)
			vm_end(vm, VM_ENDED_RESET, "guest asked for a reset");
	}
}
