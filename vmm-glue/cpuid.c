/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/bits.h>
#include "cpuid.h"

#define LEAF_HYPERVISOR 0x40000000u
/* The leaf VMware brought up and others took over: EAX is the TSC's frequency in kHz. */
#define LEAF_TSC	0x40000010u

/* What hardware says of it: the ratio of the TSC to a crystal, which clocks the local APIC too. */
#define LEAF_CRYSTAL 0x15u
#define LEAF_SPEED   0x16u
#define CRYSTAL_KHZ  1000000u /* KVM's local APIC counts nanoseconds */
/* Kernels multiply crystal and ratio in 32 bits. */
#define RATIO_MAX    (UINT32_MAX / CRYSTAL_KHZ)
#define BUS_MHZ	     100u

#define ECX1_TSC_DEADLINE BIT32(24)
#define ECX1_HYPERVISOR	  BIT32(31)
#define EDX1_HTT	  BIT32(28)
#define AMD_CMP_LEGACY	  BIT32(1)
#define TOPO_SMT	  1u
#define TOPO_CORE	  2u

static struct kvm_cpuid_entry2 *leaf_find(struct kvm_cpuid2 *c, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == function && c->entries[i].index == index)
			return &c->entries[i];
	}
	return NULL;
}

static struct kvm_cpuid_entry2 *leaf_get(struct kvm_cpuid2 *c, uint32_t function, uint32_t index,
					 uint32_t flags)
{
	struct kvm_cpuid_entry2 *e = leaf_find(c, function, index);

	if (!e && c->nent < CPUID_MAX) {
		e = &c->entries[c->nent++];
		*e = (struct kvm_cpuid_entry2){
			.function = function, .index = index, .flags = flags};
	}
	return e;
}

static void tsc_tell(struct kvm_cpuid2 *c, uint32_t tsc_khz)
{
	struct kvm_cpuid_entry2 *e = leaf_find(c, LEAF_HYPERVISOR, 0);

	if (e && e->eax < LEAF_TSC)
		e->eax = LEAF_TSC;
	e = leaf_get(c, LEAF_TSC, 0, 0);
	if (e)
		e->eax = tsc_khz;
}

/* The best ratio to @den with a numerator that is small enough, by continued fractions. */
static void ratio_near(uint64_t num, uint64_t den, uint32_t *ret_num, uint32_t *ret_den)
{
	uint64_t n0 = 0, d0 = 1, n1 = 1, d1 = 0;

	while (den) {
		uint64_t a = num / den, rest = num % den;
		uint64_t n2 = a * n1 + n0, d2 = a * d1 + d0;

		if (n2 > RATIO_MAX)
			break;
		n0 = n1;
		d0 = d1;
		n1 = n2;
		d1 = d2;
		num = den;
		den = rest;
	}
	*ret_num = (uint32_t)n1;
	*ret_den = (uint32_t)d1;
}

/* Kernels that know no hypervisor need no calibration either: there is no timer to do it by. */
static void crystal_tell(struct kvm_cpuid2 *c, uint32_t tsc_khz)
{
	struct kvm_cpuid_entry2 *max = leaf_find(c, 0, 0), *e;
	uint32_t num, den;

	ratio_near(tsc_khz, CRYSTAL_KHZ, &num, &den);
	if (!max || tsc_khz == 0 || num == 0 || den == 0)
		return;
	e = leaf_get(c, LEAF_CRYSTAL, 0, 0);
	if (!e)
		return;
	e->eax = den;
	e->ebx = num;
	e->ecx = CRYSTAL_KHZ * 1000;
	e->edx = 0;
	e = leaf_get(c, LEAF_SPEED, 0, 0);
	if (!e)
		return;
	e->eax = e->ebx = (tsc_khz + 500) / 1000;
	e->ecx = BUS_MHZ;
	e->edx = 0;
	if (max->eax < LEAF_SPEED)
		max->eax = LEAF_SPEED;
}

static unsigned int bits_for(unsigned int n)
{
	unsigned int bits = 0;

	while (1u << bits < n)
		bits++;
	return bits;
}

/* Levels of the topology leaf: one thread a core, and all cores in one package. */
static void topology(struct kvm_cpuid2 *c, const struct cpuid_facts *f)
{
	struct kvm_cpuid_entry2 *e = leaf_find(c, 0xb, 0);

	for (uint32_t i = 0; i < c->nent; i++) {
		if (c->entries[i].function == 0x1f || c->entries[i].function == 0xb)
			c->entries[i] = (struct kvm_cpuid_entry2){
				.function = c->entries[i].function,
				.index = c->entries[i].index,
				.flags = c->entries[i].flags,
				.ecx = c->entries[i].index,
				.edx = f->index,
			};
	}
	if (!e)
		return;
	e->ebx = 1;
	e->ecx |= TOPO_SMT << 8;
	e = leaf_get(c, 0xb, 1, KVM_CPUID_FLAG_SIGNIFCANT_INDEX);
	if (!e)
		return;
	e->eax = bits_for(f->n_cpus);
	e->ebx = f->n_cpus;
	e->ecx = 1 | TOPO_CORE << 8;
	e->edx = f->index;
}

static void leaf_shape(struct kvm_cpuid_entry2 *e, const struct cpuid_facts *f)
{
	switch (e->function) {
	case 1:
		e->ebx = (e->ebx & 0xffffu) | f->n_cpus << 16 | f->index << 24;
		e->ecx |= ECX1_HYPERVISOR;
		if (f->tsc_deadline)
			e->ecx |= ECX1_TSC_DEADLINE;
		e->edx = f->n_cpus > 1 ? e->edx | EDX1_HTT : e->edx & ~EDX1_HTT;
		break;
	case 4:
		/* cores of the package; no cache is shared by threads of a core */
		if (e->eax & 0x1f)
			e->eax = (e->eax & 0x3fffu) | (f->n_cpus - 1) << 26;
		break;
	case 0xa:
		if (f->hide_pmu)
			e->eax = e->ebx = e->ecx = e->edx = 0;
		break;
	case 0x80000001u:
		e->ecx = f->n_cpus > 1 ? e->ecx | AMD_CMP_LEGACY : e->ecx & ~AMD_CMP_LEGACY;
		break;
	case 0x80000008u:
		e->ecx = (e->ecx & ~0xf0ffu) | bits_for(f->n_cpus) << 12 | (f->n_cpus - 1);
		break;
	case 0x8000001eu:
		e->eax = f->index;
		e->ebx = f->index; /* core id, one thread each */
		e->ecx = 0;
		break;
	default:
		break;
	}
}

void cpuid_shape(struct kvm_cpuid2 *c, const struct cpuid_facts *f)
{
	for (uint32_t i = 0; i < c->nent; i++)
		leaf_shape(&c->entries[i], f);
	topology(c, f);
	tsc_tell(c, f->tsc_khz);
	crystal_tell(c, f->tsc_khz);
}
