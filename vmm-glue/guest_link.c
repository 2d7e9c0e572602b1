/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "console.h"
#include "guest_link.h"
#include "hotplug.h"

#define ERRNO_MAX 4095u

/* Any other guest has memory of its own there. */
static struct guest_block *block(struct vm *vm)
{
	if (vm->kind != VM_BENCH)
		return NULL;
	return vmm_gpa_ptr(vm, (gpa_t){GUEST_BLOCK_GPA}, sizeof(struct guest_block));
}

static uint32_t shared_read(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

void guest_console_drain(struct vm *vm, uint64_t now_us)
{
	const struct guest_block *b = block(vm);
	struct vm_console *c = &vm->console;
	uint8_t text[GUEST_CON_SIZE];
	uint32_t head, n;

	if (!b)
		return;
	head = shared_read(&b->con_head);
	n = head - c->tail;
	if (n > GUEST_CON_SIZE) {
		c->lost += n - GUEST_CON_SIZE;
		n = GUEST_CON_SIZE;
		c->tail = head - n;
	}
	for (uint32_t i = 0; i < n; i++)
		text[i] =
			__atomic_load_n(&b->con[(c->tail + i) % GUEST_CON_SIZE], __ATOMIC_RELAXED);
	c->tail = head;
	if (!atomic_load(&c->first_us) && memchr(text, '\n', n))
		atomic_store(&c->first_us, now_us);
	console_add(vm, text, n);
}

int guest_if_decode(const struct guest_if *raw, struct guest_if *ret_if)
{
	memset(ret_if, 0, sizeof(*ret_if));
	if (raw->kind > GUEST_IF_EMULATED || raw->state > GUEST_IF_REMOVING ||
	    raw->error > ERRNO_MAX)
		return -EBADMSG;
	*ret_if = *raw;
	return 0;
}

void guest_ifs_update(struct vm *vm)
{
	const struct guest_block *b = block(vm);

	if (!b)
		return;
	for (unsigned int s = 1; s < VMM_SLOTS && s < GUEST_IFS; s++) {
		struct guest_if copy;

		if (vm->slot[s].state == SLOT_EMPTY)
			continue;
		memcpy(&copy, &b->ifs[s], sizeof(copy));
		/* the copy is private from here on, whatever the guest does to the original */
		__asm__ volatile("" : "+m"(copy));
		if (guest_if_decode(&copy, &vm->slot[s].gif) < 0)
			vm->slot[s].gif.state = GUEST_IF_EMPTY;
	}
}

int guest_request_send(struct vm *vm, const struct guest_req *req)
{
	struct guest_block *b = block(vm);
	int r;

	if (!b || atomic_load(&vm->state) != VM_RUNNING)
		return -ENOTCONN;
	if (vm->req_busy)
		return -EBUSY;
	r = guest_req_check(req);
	if (r < 0)
		return r;

	vm->req = *req;
	if (!++vm->req_seq)
		vm->req_seq = 1; /* 0 is what a block starts with */
	vm->req.seq = vm->req_seq;
	vm->req_busy = true;
	memcpy((uint8_t *)&b->req + sizeof(b->req.seq), (uint8_t *)&vm->req + sizeof(vm->req.seq),
	       sizeof(b->req) - sizeof(b->req.seq));
	__atomic_store_n(&b->req.seq, vm->req.seq, __ATOMIC_RELEASE);
	hpc_raise(vm, HPC_EVT_REQUEST);
	return 0;
}

int guest_request_poll(struct vm *vm, struct guest_res *ret_res)
{
	const struct guest_block *b = block(vm);

	if (!b || !vm->req_busy || shared_read(&b->res.seq) != vm->req.seq)
		return -EAGAIN;
	memcpy(ret_res, &b->res, sizeof(*ret_res));
	__asm__ volatile("" : "+m"(*ret_res));
	vm->req_busy = false;
	return guest_res_check(&vm->req, ret_res);
}

void guest_request_drop(struct vm *vm)
{
	vm->req_busy = false;
}
