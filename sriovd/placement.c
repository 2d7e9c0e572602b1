/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/placement.h>

struct cpus {
	int cpu[CONFIG_CPUS_MAX];
	size_t n;
};

static void cpus_add(struct cpus *list, int cpu)
{
	if (list->n < CONFIG_CPUS_MAX)
		list->cpu[list->n++] = cpu;
}

static bool cpus_have(const struct cpus *list, int cpu)
{
	for (size_t i = 0; i < list->n; i++)
		if (list->cpu[i] == cpu)
			return true;
	return false;
}

/* The "cpu" of data thread @i: NICs, then bridges; NULL after the last. */
static int *data_cpu(struct config *c, size_t i)
{
	if (i < c->n_nics)
		return &c->nics[i].cpu;
	i -= c->n_nics;
	return i < c->n_bridges ? &c->bridges[i].cpu : NULL;
}

/* CPUs that the configuration gives to data threads; returns how many of these it leaves to us. */
static size_t data_given(struct config *c, struct cpus *ret_given)
{
	size_t open = 0;
	int *cpu;

	for (size_t i = 0; (cpu = data_cpu(c, i)); i++) {
		if (*cpu < 0)
			open++;
		else if (!cpus_have(ret_given, *cpu))
			cpus_add(ret_given, *cpu);
	}
	return open;
}

/* Allowed and named nowhere in the configuration, ascending. */
static void cpus_free(const cpu_set_t *allowed, const struct config *c, const struct cpus *given,
		      struct cpus *ret_free)
{
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, allowed) && cpu != c->vm_cpu && !cpus_have(given, cpu))
			cpus_add(ret_free, cpu);
}

/* How many of the free CPUs, from the top, are for data threads. */
static size_t data_share(const struct config *c, size_t open, size_t n_free)
{
	size_t most = c->vm_cpu >= 0 ? n_free : n_free / 2;

	return open < most ? open : most;
}

void placement_fill(const cpu_set_t *allowed, struct config *c)
{
	struct cpus given = {}, left = {};
	size_t open, share, turn = 0;
	int *cpu;

	c->n_vm_cpus = 0;
	if (c->vm_cpu >= 0)
		c->vm_cpus[c->n_vm_cpus++] = c->vm_cpu;
	if (CPU_COUNT(allowed) < 2)
		return;
	open = data_given(c, &given);
	cpus_free(allowed, c, &given, &left);
	share = data_share(c, open, left.n);

	for (size_t i = 0; (cpu = data_cpu(c, i)); i++) {
		if (*cpu >= 0)
			continue;
		if (share > 0)
			*cpu = left.cpu[left.n - 1 - turn++ % share];
		else if (given.n >
			 0) /* better a second switch beside the first than beside a vCPU */
			*cpu = given.cpu[turn++ % given.n];
	}
	for (size_t i = 0; c->vm_cpu < 0 && i < left.n - share; i++)
		c->vm_cpus[c->n_vm_cpus++] = left.cpu[i];
}

int placement_vm(const struct config *c, unsigned int n)
{
	return c->n_vm_cpus > 0 ? c->vm_cpus[n % c->n_vm_cpus] : -1;
}
