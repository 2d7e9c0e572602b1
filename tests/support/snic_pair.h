#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Two VFs with a queue each, and the same NIC in one worker or spread over three. */
#include <support/snic_rig.h>
#include <support/test.h>

struct pair {
	struct rig_queue a, b;
	uint8_t mac_a[6], mac_b[6];
	uint8_t frame[9800];
};

static inline int pair_setup(void **state)
{
	*state = rig_new();
	return 0;
}

/* The queues belong to three workers, which take turns in this thread. */
static inline int pair_setup_spread(void **state)
{
	struct rig *r = rig_new();

	*state = r;
	return snic_dp_threads(r->nic, 3, NULL);
}

static inline int pair_teardown(void **state)
{
	rig_free(*state);
	return 0;
}

/* After rig_pf_up(). */
static inline void pair_queues_up(struct rig *r, struct pair *p, unsigned int n,
				  unsigned int posted)
{
	p->a = rig_queue_up(r, 0, 0, n, posted);
	p->b = rig_queue_up(r, 1, 1, n, posted);
	rig_mac(0, p->mac_a);
	rig_mac(1, p->mac_b);
}
