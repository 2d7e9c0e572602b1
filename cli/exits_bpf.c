/* SPDX-License-Identifier: BSD-3-Clause */
/* The loader of exits.bpf.c. A tracepoint that this kernel has not costs its figure, nothing else.
 */
#include <cli/exits.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* generated code, and libbpf's headers, are not ours to please */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "exits_map.h"
#include "exits.skel.h"
#pragma GCC diagnostic pop

#define KERNEL_BTF "/sys/kernel/btf/vmlinux"

struct exits {
	struct exits_bpf *bpf;
	bool sent; /* the program with the VM beside the vector is attached */
	char sources[256];
};

static int silent(enum libbpf_print_level level, const char *format, va_list ap)
{
	return 0;
}

static int explain(int r, char *why, size_t size)
{
	if (r == -EPERM)
		snprintf(why, size, "tracing the kernel needs root (CAP_BPF and CAP_PERFMON)");
	else
		snprintf(why, size, "the kernel takes no BPF programs: %s", strerror(-r));
	return r;
}

/* All or nothing, so what may be refused is left out in a second try. */
static int load(struct exits *x)
{
	int r;

	for (unsigned int attempt = 0; attempt < 2; attempt++) {
		x->bpf = exits_bpf__open();
		if (!x->bpf)
			return -errno;
		if (attempt)
			bpf_program__set_autoload(x->bpf->progs.on_sent, false);
		r = exits_bpf__load(x->bpf);
		if (r >= 0) {
			x->sent = !attempt;
			return 0;
		}
		exits_bpf__destroy(x->bpf);
		x->bpf = NULL;
	}
	return r;
}

/* Links belong to the skeleton, which detaches them. */
static void attach(struct exits *x)
{
	const struct {
		const char *name;
		const struct bpf_program *prog;
		struct bpf_link **link;
	} all[] = {
		{"kvm_exit", x->bpf->progs.on_exit, &x->bpf->links.on_exit},
		{"kvm_userspace_exit", x->bpf->progs.on_user, &x->bpf->links.on_user},
		{"kvm_mmio", x->bpf->progs.on_mmio, &x->bpf->links.on_mmio},
		{"kvm_vcpu_wakeup", x->bpf->progs.on_wakeup, &x->bpf->links.on_wakeup},
		{"kvm_inj_virq", x->bpf->progs.on_taken, &x->bpf->links.on_taken},
		{"kvm_eoi", x->bpf->progs.on_ended, &x->bpf->links.on_ended},
		{"kvm_msi_set_irq", x->bpf->progs.on_msi, &x->bpf->links.on_msi},
		{"kvm_irq_delivery_to_apic_fast", x->sent ? x->bpf->progs.on_sent : NULL,
		 &x->bpf->links.on_sent},
		{"irq_handler_entry", x->bpf->progs.on_irq, &x->bpf->links.on_irq},
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		size_t len = strlen(x->sources);

		if (!all[i].prog)
			continue;
		*all[i].link = bpf_program__attach(all[i].prog);
		if (*all[i].link)
			snprintf(x->sources + len, sizeof(x->sources) - len, "%s%s", len ? " " : "",
				 all[i].name);
	}
	x->sent = x->bpf->links.on_sent;
}

int exits_open(char *why, size_t size, struct exits **ret_exits)
{
	_cleanup_(exits_closep) struct exits *x = NULL;
	int r;

	if (access(KERNEL_BTF, R_OK) < 0) {
		snprintf(why, size, "this kernel tells no types of its own (%s): %s", KERNEL_BTF,
			 strerror(errno));
		return -ENOTSUP;
	}
	libbpf_set_print(silent);
	x = calloc(1, sizeof(*x));
	if (!x)
		return explain(-ENOMEM, why, size);
	r = load(x);
	if (r < 0)
		return explain(r, why, size);
	attach(x);
	if (!x->bpf->links.on_user) {
		snprintf(why, size, "this kernel has no tracepoints of KVM");
		return -ENOENT;
	}
	*ret_exits = TAKE_PTR(x);
	return 0;
}

void exits_close(struct exits *x)
{
	if (!x)
		return;
	exits_bpf__destroy(x->bpf);
	free(x);
}

/* Looks @key up, after putting zeroes there if it was not known. */
static int look(struct bpf_map *map, uint32_t key, void *value, size_t size)
{
	int r;

	r = bpf_map__lookup_elem(map, &key, sizeof(key), value, size, 0);
	if (r != -ENOENT)
		return r;
	memset(value, 0, size);
	r = bpf_map__update_elem(map, &key, sizeof(key), value, size, BPF_NOEXIST);
	return r == -E2BIG ? -ENOSPC : r;
}

static bool any(const __u64 *vectors)
{
	for (size_t i = 0; i < EXITS_VECTORS_MAX; i++)
		if (vectors[i])
			return true;
	return false;
}

int exits_read(struct exits *x, uint32_t pid, struct exits_counts *ret_counts)
{
	const __u64 *vectors;
	struct exits_record r;
	int ret;

	ret = look(x->bpf->maps.vms, pid, &r, sizeof(r));
	if (ret < 0)
		return ret;
	*ret_counts = (struct exits_counts){
		.kvm = r.kvm, .user = r.user, .mmio = r.mmio, .wakeups = r.wakeups};
	if (x->sent) {
		vectors = r.sent;
		ret_counts->interrupt_source = "kvm_irq_delivery_to_apic_fast";
	} else if (any(r.taken)) {
		vectors = r.taken;
		ret_counts->interrupt_source = "kvm_inj_virq";
	} else {
		vectors = r.ended;
		ret_counts->interrupt_source =
			any(r.ended) ? "kvm_eoi" : "kvm_inj_virq or kvm_eoi, none so far";
	}
	for (size_t i = 0; i < EXITS_VECTORS_MAX; i++)
		ret_counts->interrupts[i] = vectors[i];
	return 0;
}

void exits_forget(struct exits *x, uint32_t pid)
{
	bpf_map__delete_elem(x->bpf->maps.vms, &pid, sizeof(pid), 0);
}

int exits_read_irq(struct exits *x, uint32_t irq, uint64_t *ret_n)
{
	return look(x->bpf->maps.irqs, irq, ret_n, sizeof(*ret_n));
}

uint64_t exits_messages(const struct exits *x)
{
	return __atomic_load_n(&x->bpf->bss->exits_msis, __ATOMIC_RELAXED);
}

const char *exits_sources(const struct exits *x)
{
	return x->sources;
}
