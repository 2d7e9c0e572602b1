#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which CPU does what, unless the configuration says so: data threads (soft NICs, bridges) from the
 * highest CPU downwards, VMs in turn on those below, so that a vCPU and the switch it talks to
 * never share one by accident. Two threads that poll for each other on one CPU take turns a time
 * slice long, and a round trip then takes milliseconds.
 */
#include <sched.h>
#include <sriovd/config.h>

/**
 * placement_fill() - choose CPUs for whatever has none
 * @allowed: CPUs that may be used
 * @c:       "cpu" of NICs and bridges is filled in where it is -1; c->vm_cpus gets the CPUs of VMs
 *
 * What is configured stays, and CPUs named there are nobody else's if that can be. At least half of
 * the CPUs left over are for VMs. With one CPU allowed nothing is pinned.
 *
 * Context: any; pure. Source: docs/api.md, configuration.
 */
void placement_fill(const cpu_set_t *allowed, struct config *c);

/**
 * placement_vm() - CPU of the @n-th VM
 *
 * Context: any; pure. Return: the CPU; -1 not pinned. Source: docs/api.md, configuration.
 */
int placement_vm(const struct config *c, unsigned int n);
