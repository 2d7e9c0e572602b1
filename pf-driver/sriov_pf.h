#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process sriov-pf: one PF driver on an sd-event loop, controlled over lib/ctl.h. The PF's
 * descriptors come with pf.open; everything the process knows lives in the device, so that it may
 * be killed and started again at any time.
 */
#include <lib/ctl.h>
#include <pfdrv/pfdrv.h>

struct pf_process {
	const char *name;
	sd_event *event;
	struct ctl_server *server;
	struct pfdrv *pf; /* NULL: none open */
	bool lost;	  /* one was, and went */
	int irq_fd;
	sd_event_source *irq_source;
	sd_event_source *hangup_source;
	sd_event_source *tick_source;
	/* a guest decides how often it is reset or refused, not how much we write about it */
	uint64_t reset_told_us[PFDRV_VFS_MAX];
	uint64_t refused_told_us[PFDRV_VFS_MAX];
};

extern const struct ctl_method pf_methods[];

/** pf_process_open() - adopt or bring up the PF that is @f (owned from here on, also on failure).
 */
int pf_process_open(struct pf_process *p, struct pcif *f, bool *ret_adopted) _must_check_;

/**
 * pf_process_check() - after every use of the driver: if the PF is lost, say so once and let go.
 */
void pf_process_check(struct pf_process *p);
