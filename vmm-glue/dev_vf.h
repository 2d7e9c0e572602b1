#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VF of either kind, between its life (dev_vf.c) and how it is shown to the guest (dev_vf_cfg.c).
 * Both kinds stand behind struct pcif and differ in little: of the kernel's VFIO any function that
 * has MSI-X will do, a vfio-user server has to serve an 82576's VF; the kernel has interrupts for a
 * request and for an error where a server hangs up.
 */
#include <lib/pcif.h>
#include <stdbool.h>
#include <systemd/sd-event.h>
#include "pci_core.h"

#define DEV_VF_CFG 256u /* of the device's configuration space: no more is looked at */

struct dev_vf {
	struct pci_dev pci; /* first: the core knows only this */
	struct pcif *f;
	bool kernel; /* VFIO of the kernel, not vfio-user */
	bool trapped;
	int req_fd; /* the host wants the function back */
	int err_fd; /* the host saw an error of the function */
	sd_event_source *hangup;
	sd_event_source *req;
	sd_event_source *err;
	char *why; /* while it is made: the sentence of a refusal */
	size_t why_size;
};

/**
 * dev_vf_refuse() - keep the sentence for whoever asked for the device
 *
 * Context: main thread, from vmm_dev_vf_new(). Return: @r. Source: -.
 */
int dev_vf_refuse(const struct dev_vf *v, int r, const char *fmt, ...) _printf_(3, 4);

/**
 * dev_vf_describe() - ids, capabilities and BARs for the guest, from the device's own @cfg
 *
 * Context: main thread, from vmm_dev_vf_new(). Return: 0; -EPROTO it cannot be such a device;
 * -ENOTSUP it lacks what is needed. Source: PCI Local Bus 3.0, 6.1 and 6.8.2.
 */
int dev_vf_describe(struct dev_vf *v, const uint8_t cfg[static DEV_VF_CFG]) _must_check_;

/**
 * dev_vf_map() - what of the BARs becomes memslots: all that can be mapped, but for the pages of
 * MSI-X table and pending bits, which are the core's
 *
 * Context: main thread, after dev_vf_describe(). Return: 0; -EPROTO a server without the pages of
 * the queues; -errno of pcif_region_mmap(). Source: linux/vfio.h, vfio-user protocol.
 */
int dev_vf_map(struct dev_vf *v) _must_check_;

/**
 * vmm_dev_vf_new() - a VF behind @f, which is taken over, also on failure
 * @kernel: @f is a function of the kernel's VFIO
 * @err:    on refusal a sentence, or nothing when the errno says it all
 *
 * Context: main thread; the function is reset, and guest RAM mapped for its DMA.
 * Return: as vmm_dev_vfu_new() and vmm_dev_vfio_new(). Source: docs/processes.md.
 */
int vmm_dev_vf_new(struct vm *vm, const char *id, struct pcif *f, bool kernel, bool trapped,
		   struct pci_dev **ret_dev, char *err, size_t err_size) _must_check_;
