/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes in the guest block: console, interface table and answers are taken without harm. */
#include <stdlib.h>
#include <support/vmm_platform.h>
#include <boot.h>
#include <console.h>
#include <guest_link.h>
#include <hotplug.h>

#define RAM (UINT64_C(2) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vm *machine(void)
{
	static struct vm vm;
	static struct fake_dev dev;

	if (vm.ram)
		return &vm;
	if (vm_init(&vm, "f", NULL, &fake_ops) < 0 || vm_mem_new(&vm, RAM, false) < 0)
		abort();
	fake_dev_fill(&dev, &vm, "f");
	if (pci_dev_init(&dev.pci) < 0)
		abort();
	hotplug_publish(&vm, 1, &dev.pci, 0);
	atomic_store(&vm.state, VM_RUNNING);
	return &vm;
}

/* The bytes go to three places, or else no input would be long enough to reach the answer. */
static void scribble(struct guest_block *b, const uint8_t *data, size_t size)
{
	size_t third = size / 3;

	memcpy(&b->con_head, data, third < 64 ? third : 64);
	memcpy(&b->ifs[1], data + third, third < sizeof(b->ifs[1]) ? third : sizeof(b->ifs[1]));
	memcpy(&b->res, data + 2 * third, third < sizeof(b->res) ? third : sizeof(b->res));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct guest_req req = {.kind = GUEST_REQ_PING, .slot_a = 1, .count = 1};
	struct vm *vm = machine();
	struct guest_block *b = vmm_gpa_ptr(vm, (gpa_t){GUEST_BLOCK_GPA}, sizeof(*b));
	static struct guest_res res;
	char tail[257];
	uint64_t before = vm->console.total;

	boot_memory(vm->ram->va);
	guest_request_drop(vm);
	if (guest_request_send(vm, &req) < 0)
		abort();
	scribble(b, data, size);
	if (size && data[0] & 1)
		b->res.seq = b->req.seq;
	guest_console_drain(vm, 1);
	if (vm->console.total - before > GUEST_CON_SIZE)
		abort();
	if (console_tail(vm, tail, 256) != strlen(tail))
		abort();
	guest_ifs_update(vm);
	if (vm->slot[1].gif.kind > GUEST_IF_EMULATED || vm->slot[1].gif.state > GUEST_IF_REMOVING)
		abort();
	if (guest_request_poll(vm, &res) == 0 && guest_res_check(&vm->req, &res) < 0)
		abort();
	return 0;
}
