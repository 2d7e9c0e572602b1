#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupt causes, masks and messages. Both threads raise causes, so the state is atomic words;
 * all vectors, the PF's and those of the VFs, are bits of the one EICR (VF n's vector v is bit
 * 22-3n+v).
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define INTR_VECTORS 25u
#define INTR_NONE    0xffu
#define INTR_LEGACY  0xfeu /* no vector of its own: ICR bit, vector 0 */

struct intr {
	_Atomic uint32_t icr, ims, iam;
	_Atomic uint32_t eicr, eims, eiac, eiam;
	_Atomic uint32_t gpie;
	_Atomic uint32_t other_vector; /* EICR bit of causes in ICR, or INTR_NONE */
	_Atomic uint32_t vf_bits;      /* EICR bits that belong to VFs */
	_Atomic uint32_t masked;       /* function mask, as EICR bits */
	_Atomic uint32_t pba;	       /* messages held back by it */
	_Atomic uint32_t itr_us[INTR_VECTORS];
	_Atomic uint32_t n_vfs;
	void (*send)(void *ctx, unsigned int fn, unsigned int vector);
	void *ctx;
};

/* Moderation of queue interrupts; owned by the data thread. */
struct intr_timer {
	uint32_t late; /* vectors that wait for their interval to end */
	uint64_t next_tsc[INTR_VECTORS];
	uint64_t tsc_per_us;
};

/**
 * intr_cause() - set bits of ICR and send what IMS lets through
 *
 * Context: any thread; never blocks. Source: docs/sources.md [Q].
 */
void intr_cause(struct intr *in, uint32_t causes);

/**
 * intr_event() - vector bit @bit has an event, unmoderated
 *
 * Context: any thread; never blocks. Source: docs/sources.md [Q].
 */
void intr_event(struct intr *in, unsigned int bit);

/**
 * intr_queue() - the same for a queue, respecting the vector's interval
 *
 * Context: data thread. Source: docs/sources.md [Q]: EITR.
 */
void intr_queue(struct intr *in, struct intr_timer *t, unsigned int bit, bool rx);

/**
 * intr_late() - send what waited long enough
 *
 * Context: data thread. Source: docs/sources.md [Q]: EITR.
 */
void intr_late(struct intr *in, struct intr_timer *t);

/**
 * intr_recheck() - send whatever is set and enabled among @bits: after EIMS was opened
 *
 * Context: any thread. Source: docs/sources.md [Q]: EIMS.
 */
void intr_recheck(struct intr *in, uint32_t bits);

/**
 * intr_recheck_icr() - the same for causes of ICR: after IMS was opened
 *
 * Context: any thread. Source: docs/sources.md [Q]: IMS.
 */
void intr_recheck_icr(struct intr *in);

/**
 * intr_unmask() - function mask of @bits lifted: send what is pending
 *
 * Context: control thread. Source: PCI Local Bus 3.0, 6.8.3.
 */
void intr_unmask(struct intr *in, uint32_t bits);

/**
 * intr_mask() - hold messages of @bits back from now on
 *
 * Context: control thread. Source: PCI Local Bus 3.0, 6.8.3.
 */
void intr_mask(struct intr *in, uint32_t bits);

/**
 * intr_where() - function and MSI-X vector of an EICR bit
 *
 * Context: any thread. Return: true; false if it has none. Source: docs/sources.md [Q]: vectors of
 * VFs.
 */
bool intr_where(const struct intr *in, unsigned int bit, unsigned int *ret_fn,
		unsigned int *ret_vector);

/**
 * intr_bit() - EICR bit of a function's MSI-X vector
 *
 * Context: any; pure. Return: the bit. Source: docs/sources.md [Q]: vectors of VFs.
 */
unsigned int intr_bit(unsigned int fn, unsigned int vector);
