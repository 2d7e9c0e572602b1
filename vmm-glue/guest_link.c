/* SPDX-License-Identifier: BSD-3-Clause */
#include <string.h>
#include "guest_link.h"
#include "hotplug.h"

#define ERRNO_MAX 4095u

static struct guest_block *block(struct vm *vm)
{
	return vmm_gpa_ptr(vm, (gpa_t){GUEST_BLOCK_GPA}, sizeof(struct guest_block));
}

static uint32_t shared_read(const uint32_t *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

static void console_keep(struct vm_console *c, const uint8_t *text, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		c->keep[(c->total + i) % VM_CONSOLE_KEEP] = (char)text[i];
	c->total += n;
}

static void console_file(struct vm_console *c, const uint8_t *text, uint32_t n)
{
	if (c->fd < 0 || c->total >= VM_CONSOLE_LOG)
		return;
	while (n) {
		ssize_t w = write(c->fd, text, n);

		if (w < 0 && errno == EINTR)
			continue;
		/* a full disk or a closed pipe costs text, not the guest */
		if (w <= 0)
			return;
		text += w;
		n -= (uint32_t)w;
	}
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
	if (!c->first_us && memchr(text, '\n', n))
		c->first_us = now_us;
	console_file(c, text, n);
	console_keep(c, text, n);
}

size_t guest_console_tail(const struct vm *vm, char *buf, size_t max)
{
	const struct vm_console *c = &vm->console;
	size_t n = max;

	if (n > c->total)
		n = c->total;
	if (n > VM_CONSOLE_KEEP)
		n = VM_CONSOLE_KEEP;
	for (size_t i = 0; i < n; i++) {
		char ch = c->keep[(c->total - n + i) % VM_CONSOLE_KEEP];

		buf[i] = (ch >= ' ' && ch <= '~') || ch == '\n' || ch == '\t' ? ch : '?';
	}
	buf[n] = '\0';
	return n;
}

int guest_if_decode(const struct guest_if *raw, struct guest_if *ret_if)
{
	memset(ret_if, 0, sizeof(*ret_if));
	if (raw->kind > GUEST_IF_VIRTIO || raw->state > GUEST_IF_REMOVING || raw->error > ERRNO_MAX)
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
