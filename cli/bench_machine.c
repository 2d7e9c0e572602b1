/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_machine.h"

#include <cpuid.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define HYPERVISOR_BIT	(1u << 31) /* leaf 1, ECX */
#define HYPERVISOR_LEAF 0x40000000u

/* The first value of @key in a file of lines "key : value". */
static bool value_of(const char *file, const char *key, char *text, size_t size)
{
	FILE *f = fopen(file, "re");
	char line[512];
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		char *colon = strchr(line, ':');

		if (!colon || strncmp(line, key, strlen(key)))
			continue;
		colon += 1 + strspn(colon + 1, " \t");
		colon[strcspn(colon, "\n")] = '\0';
		found = snprintf(text, size, "%s", colon) < (int)size;
	}
	if (f)
		fclose(f);
	return found;
}

void bench_hypervisor(char *text, size_t size)
{
	unsigned int a, b, c, d;
	char name[13];

	snprintf(text, size, "none");
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & HYPERVISOR_BIT))
		return;
	__cpuid(HYPERVISOR_LEAF, a, b, c, d);
	memcpy(name, &b, 4);
	memcpy(name + 4, &c, 4);
	memcpy(name + 8, &d, 4);
	name[12] = '\0';
	for (char *p = name; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = ' ';
	snprintf(text, size, "%s", *name ? name : "unknown");
}

json_t *bench_machine(json_t *topology)
{
	char cpu[256] = "unknown", virt[32], pages[64] = "?", size[64] = "?";
	struct utsname u;

	if (uname(&u) < 0) {
		json_decref(topology);
		return NULL;
	}
	value_of("/proc/cpuinfo", "model name", cpu, sizeof(cpu));
	value_of("/proc/meminfo", "HugePages_Total", pages, sizeof(pages));
	value_of("/proc/meminfo", "Hugepagesize", size, sizeof(size));
	bench_hypervisor(virt, sizeof(virt));
	return json_pack("{s:o, s:s, s:i, s:s, s:o, s:s, s:o}", "kernel",
			 json_sprintf("%s %s", u.release, u.machine), "cpu", cpu, "cpus",
			 (int)sysconf(_SC_NPROCESSORS_ONLN), "hypervisor", virt, "topology",
			 topology, "kvm", access("/dev/kvm", F_OK) ? "absent" : "present", "memory",
			 json_sprintf("%s hugepages of %s", pages, size));
}
