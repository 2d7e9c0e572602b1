/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/nic_pci.h>
#include <abi/nic_regs.h>
#include <lib/clock.h>
#include <snic/snic.h>
#include "intr.h"

unsigned int intr_bit(unsigned int fn, unsigned int vector)
{
	return fn == SNIC_PF ? vector : nic_vf_vector(fn, vector);
}

bool intr_where(const struct intr *in, unsigned int bit, unsigned int *ret_fn,
		unsigned int *ret_vector)
{
	uint32_t n_vfs = atomic_load_explicit(&in->n_vfs, memory_order_relaxed);
	uint32_t down = 24 - bit; /* VF 0 has 24..22, VF 1 has 21..19, ... */

	if (bit >= INTR_VECTORS)
		return false;
	if (bit && down / NIC_VF_MSIX_N < n_vfs) {
		*ret_fn = down / NIC_VF_MSIX_N;
		*ret_vector = 2 - down % NIC_VF_MSIX_N;
		return true;
	}
	if (bit >= NIC_PF_MSIX_N)
		return false;
	*ret_fn = SNIC_PF;
	*ret_vector = bit;
	return true;
}

static void intr_send(struct intr *in, unsigned int bit)
{
	uint32_t m = BIT32(bit);
	unsigned int fn, vector;

	if (!intr_where(in, bit, &fn, &vector))
		return;
	if (atomic_load(&in->masked) & m) {
		atomic_fetch_or(&in->pba, m);
		/* lifted meanwhile? then whoever takes the bit sends */
		if ((atomic_load(&in->masked) & m) || !(atomic_fetch_and(&in->pba, ~m) & m))
			return;
	}
	in->send(in->ctx, fn, vector);
}

/* The message of an enabled vector goes out: automatic clear and automatic mask happen here. */
static void intr_fire(struct intr *in, unsigned int bit)
{
	uint32_t m = BIT32(bit);
	bool auto_mask = (atomic_load_explicit(&in->eiam, memory_order_relaxed) & m) &&
			 ((atomic_load_explicit(&in->gpie, memory_order_relaxed) & GPIE_EIAME) ||
			  (atomic_load_explicit(&in->vf_bits, memory_order_relaxed) & m));

	if (atomic_load_explicit(&in->eiac, memory_order_relaxed) & m)
		atomic_fetch_and(&in->eicr, ~m);
	if (auto_mask)
		atomic_fetch_and(&in->eims, ~m);
	intr_send(in, bit);
}

void intr_event(struct intr *in, unsigned int bit)
{
	uint32_t m;

	if (bit >= INTR_VECTORS)
		return;
	m = BIT32(bit);
	atomic_fetch_or(&in->eicr, m);
	if (atomic_load(&in->eims) & m)
		intr_fire(in, bit);
}

void intr_recheck(struct intr *in, uint32_t bits)
{
	bits &= atomic_load(&in->eicr) & atomic_load(&in->eims) & EIMS_MSIX_MASK;
	for (; bits; bits &= bits - 1)
		intr_fire(in, (unsigned int)__builtin_ctz(bits));
}

void intr_recheck_icr(struct intr *in)
{
	if (!(atomic_load(&in->icr) & atomic_load(&in->ims)))
		return;
	if (atomic_load(&in->gpie) & GPIE_MULTIPLE_MSIX) {
		intr_event(in, atomic_load(&in->other_vector));
		return;
	}
	atomic_fetch_or(&in->icr, ICR_INT_ASSERTED);
	intr_send(in, 0);
}

void intr_cause(struct intr *in, uint32_t causes)
{
	atomic_fetch_or(&in->icr, causes);
	if (causes & atomic_load(&in->ims))
		intr_recheck_icr(in);
}

void intr_queue(struct intr *in, struct intr_timer *t, unsigned int bit, bool rx)
{
	uint32_t m, us;
	uint64_t now;

	if (bit >= INTR_VECTORS) {
		if (bit == INTR_LEGACY)
			intr_cause(in, rx ? ICR_RXDW : ICR_TXDW);
		return;
	}
	m = BIT32(bit);
	if (!(atomic_load_explicit(&in->eims, memory_order_relaxed) & m)) {
		/* nobody listens: a polling driver costs one load here, and one locked write once
		 */
		if (!(atomic_load_explicit(&in->eicr, memory_order_relaxed) & m)) {
			atomic_fetch_or(&in->eicr, m);
			intr_recheck(in, m); /* opened between the two loads */
		}
		return;
	}
	us = atomic_load_explicit(&in->itr_us[bit], memory_order_relaxed);
	if (us) {
		now = tsc_read();
		if (now < t->next_tsc[bit]) {
			t->late |= m;
			return;
		}
		t->next_tsc[bit] = now + us * t->tsc_per_us;
	}
	intr_event(in, bit);
}

void intr_late(struct intr *in, struct intr_timer *t)
{
	uint64_t now = tsc_read();

	for (uint32_t b = t->late; b; b &= b - 1) {
		unsigned int bit = (unsigned int)__builtin_ctz(b);

		if (now < t->next_tsc[bit])
			continue;
		t->late &= ~BIT32(bit);
		t->next_tsc[bit] =
			now + atomic_load_explicit(&in->itr_us[bit], memory_order_relaxed) *
				      t->tsc_per_us;
		intr_event(in, bit);
	}
}

void intr_mask(struct intr *in, uint32_t bits)
{
	atomic_fetch_or(&in->masked, bits);
}

void intr_unmask(struct intr *in, uint32_t bits)
{
	uint32_t pending;

	atomic_fetch_and(&in->masked, ~bits);
	pending = atomic_fetch_and(&in->pba, ~bits) & bits;
	for (; pending; pending &= pending - 1)
		intr_send(in, (unsigned int)__builtin_ctz(pending));
}
