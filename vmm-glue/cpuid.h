#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a guest's processors say of themselves: what KVM supports on this host, with one package of
 * so many cores, and the frequency of the TSC, which no timer here could tell.
 */
#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <lib/cleanup.h>

#define CPUID_MAX 128u

struct cpuid_facts {
	unsigned int index; /* of the processor: its APIC id */
	unsigned int n_cpus;
	uint32_t tsc_khz; /* 0: not known */
	bool tsc_deadline;
	bool hide_pmu;
};

/**
 * cpuid_shape() - from what KVM supports to what this processor is
 * @c: has room for CPUID_MAX entries
 *
 * Context: any; pure. Source: Intel SDM volume 2, CPUID; AMD APM volume 3, appendix E.
 */
void cpuid_shape(struct kvm_cpuid2 *c, const struct cpuid_facts *f);
