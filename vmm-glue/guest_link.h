#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VMM's end of the guest block (abi/guest_block.h): console, interface table, one request at a
 * time. The block is written by the guest at any moment: a part is copied out once, then judged.
 * Main thread only.
 */
#include <stddef.h>
#include "vm_impl.h"

/**
 * guest_console_drain() - take new text from the console ring of a bench guest
 *
 * Context: main thread; writes to the console file. Source: abi/guest_block.h.
 */
void guest_console_drain(struct vm *vm, uint64_t now_us);

/**
 * guest_if_decode() - judge a private copy of an entry; *ret_if is empty unless 0 is returned
 *
 * Context: any; pure. Return: 0; -EBADMSG. Source: abi/guest_block.h.
 */
int guest_if_decode(const struct guest_if *raw, struct guest_if *ret_if);

/**
 * guest_ifs_update() - copy the entries of all slots in use into slot[].gif
 *
 * Context: main thread. Source: abi/guest_block.h.
 */
void guest_ifs_update(struct vm *vm);

/**
 * guest_request_send() - give the guest a request; @req is copied
 *
 * Context: main thread; never blocks. Return: 0; -ENOTCONN no guest runs; -EBUSY one is running;
 * -EINVAL it makes no sense. Source: abi/guest_block.h.
 */
int guest_request_send(struct vm *vm, const struct guest_req *req) _must_check_;

/**
 * guest_request_poll() - is the answer there?
 *
 * Return: 0, the request is over; -EAGAIN not yet; -EBADMSG the answer is nonsense, and it is
 * over. Context: main thread; never blocks. Source: abi/guest_block.h.
 */
int guest_request_poll(struct vm *vm, struct guest_res *ret_res) _must_check_;

/**
 * guest_request_drop() - forget the running request; an answer that still comes is ignored
 *
 * Context: main thread. Source: -.
 */
void guest_request_drop(struct vm *vm);
