/* SPDX-License-Identifier: BSD-3-Clause */
/* A guest at its I/O ports, and a user who types: no text from nowhere, none out of order. */
#include <stdlib.h>
#include <string.h>
#include <support/vmm_platform.h>
#include <ports.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void port(struct vm *vm, const uint8_t *s)
{
	static const uint16_t ports[] = {SERIAL_PORT, PORT_KBC, PORT_PANIC, 0};
	static const uint32_t widths[] = {1, 2, 4, 1};
	uint16_t at = (uint16_t)(ports[s[0] >> 2 & 3] + (s[1] & 7));
	uint8_t buf[4] = {s[2], s[3], s[2], s[3]};

	ports_access(vm, at, buf, widths[s[0] >> 4 & 3], s[0] & 0x80);
}

static void drain(struct vm *vm)
{
	uint8_t out[256];
	size_t n;

	for (unsigned int i = 0; i <= SERIAL_TX / sizeof(out); i++) {
		n = serial_take(&vm->serial, out, sizeof(out));
		if (n > sizeof(out))
			abort();
		if (n == 0)
			return;
	}
	abort(); /* more than the ring holds */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct vm vm;

	memset(&fake, 0, sizeof(fake));
	if (vm_init(&vm, "f", NULL, &fake_ops) < 0)
		abort();
	vm.kind = VM_LINUX;
	for (; size >= 4; data += 4, size -= 4) {
		switch (data[0] & 3) {
		case 0:
			(void)!serial_feed(&vm.serial, data + 1, data[1] % 4);
			break;
		case 1:
			if (data[1] == 0)
				drain(&vm);
			break;
		default:
			port(&vm, data);
			break;
		}
	}
	drain(&vm);
	vm_done(&vm);
	return 0;
}
