/* SPDX-License-Identifier: BSD-3-Clause */
#include "hostile.h"

#include <string.h>
#include "ring.h"

#define SLEEP_US 20000u

void app_main(void);

static const struct hostile_set *const sets[] = {
	&config_set, &bar_set,	    &msix_set, &chain_set,
	&ring_set,   &platform_set, &nic_set,  &nic_ring_set,
};

static const struct hostile_case *case_find(uint64_t number)
{
	for (unsigned int s = 0; s < sizeof(sets) / sizeof(sets[0]); s++) {
		if (number < sets[s]->n)
			return &sets[s]->cases[number];
		number -= sets[s]->n;
	}
	return NULL;
}

static void table_print(void)
{
	const struct hostile_case *c;

	for (uint64_t i = 0; (c = case_find(i)) != NULL; i++)
		con_printf("case %U %s %x %u\n", i, c->name, c->kinds, c->loss);
}

/* The random number device next to the one attacked: rings, memory and the VMM's main loop. */
static int witness_ok(const struct hostile *attack)
{
	struct hostile h = *attack;

	if (!h.witness)
		return 0;
	h.slot = h.witness;
	h.kind = KIND_RNG;
	h.variant = 0;
	if (hostile_scan(&h) < 0)
		return hostile_wrong(&h, "the function next to it is gone");
	return ring_good(&h);
}

static int case_run(const struct guest_req *req, uint64_t *ret_accesses)
{
	struct hostile h = {
		.c = case_find(req->count - 1),
		.kind = req->dst_ipv4,
		.slot = req->slot_a,
		.witness = req->slot_b,
		.ram = (uint64_t)req->frame_bytes << 20,
		.random = req->warmup * 0x9e3779b97f4a7c15ull | 1,
	};
	int r;

	if (!h.c)
		return -ENOENT;
	r = hostile_scan(&h);
	if (r < 0)
		return r;
	do {
		r = h.c->run(&h);
	} while (r == 0 && ++h.variant < h.c->variants);
	*ret_accesses = h.accesses;
	if (r == 0 && h.c->loss < LOSS_DEVICES)
		r = witness_ok(&h);
	return r;
}

static void request_run(uint32_t seq)
{
	struct guest_block *b = guest_block_ptr();
	struct guest_req req = b->req;
	uint64_t accesses = 0;
	int r = case_run(&req, &accesses);

	memset(&b->res, 0, sizeof(b->res));
	b->res.error = (uint32_t)-r;
	b->res.sent = accesses;
	__atomic_store_n(&b->res.seq, seq, __ATOMIC_RELEASE);
	guest_mmio_write32(VMM_HPC_BASE + HPC_GDBL, HPC_GDBL_DONE);
}

/* The rest of the guest behaves: what it is asked to let go of, it lets go of. */
static void events(void)
{
	uint32_t got = kern_take(&kern_shared.events);

	if (got & KERN_EVT_DOWN)
		guest_mmio_write32(VMM_HPC_BASE + HPC_PCEJ, kern_take(&kern_shared.down));
	if (got & KERN_EVT_POWER)
		kern_call(KERN_SYS_OFF, HPC_POWR_OFF);
}

void app_main(void)
{
	struct guest_block *b = guest_block_ptr();
	uint32_t done = b->req.seq;

	table_print();
	con_puts("ready\n");
	for (;;) {
		uint32_t seq = __atomic_load_n(&b->req.seq, __ATOMIC_ACQUIRE);

		if (kern_shared.events)
			events();
		if (seq != done) {
			request_run(seq);
			done = seq;
		} else {
			kern_call(KERN_SYS_IDLE, SLEEP_US);
		}
	}
}
