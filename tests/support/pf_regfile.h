#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A PF made of memory behind the PCI function seam: registers as the table says, and of behaviour
 * only what a PF driver cannot do without (reset, NVM, PHY, mailbox ownership, latched bits). For
 * fuzzing the PF driver, and for tests that kill it between two writes. It moves no packets.
 */
#include <lib/pcif.h>

struct pf_regfile;

/** pf_regfile_new() - a PF after power-up, with 8 VFs to enable. */
struct pf_regfile *pf_regfile_new(void);
void pf_regfile_free(struct pf_regfile *r);

/** pf_regfile_pcif() - a new client of it; closing the client changes nothing in the device. */
struct pcif *pf_regfile_pcif(struct pf_regfile *r);

/** pf_regfile_die_after() - the next @n writes work, then every access fails with -ENODEV. */
void pf_regfile_die_after(struct pf_regfile *r, unsigned int n);

/** pf_regfile_revive() - accesses work again; returns writes done since pf_regfile_die_after(). */
unsigned int pf_regfile_revive(struct pf_regfile *r);

/** pf_regfile_stuck() - writes to the register at @off are lost from now on; 0: none are. */
void pf_regfile_stuck(struct pf_regfile *r, uint32_t off);

uint32_t pf_regfile_peek(const struct pf_regfile *r, uint32_t off);
void pf_regfile_poke(struct pf_regfile *r, uint32_t off, uint32_t val);

/** pf_regfile_writes() - register writes since the last call. */
unsigned int pf_regfile_writes(struct pf_regfile *r);

/* The VF's side of the mailbox. */
void pf_regfile_vf_flr(struct pf_regfile *r, unsigned int vf);
uint32_t pf_regfile_vf_read(struct pf_regfile *r, unsigned int vf); /* V2PMAILBOX */
void pf_regfile_vf_write(struct pf_regfile *r, unsigned int vf, uint32_t val);
void pf_regfile_vf_words(struct pf_regfile *r, unsigned int vf, const uint32_t *words,
			 unsigned int n);

/** pf_regfile_vf_ask() - take the buffer, write @n words, ring. */
void pf_regfile_vf_ask(struct pf_regfile *r, unsigned int vf, const uint32_t *words,
		       unsigned int n);

/** pf_regfile_copy() - make @to the device that @from is now. */
void pf_regfile_copy(struct pf_regfile *to, const struct pf_regfile *from);
