#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What bringing up and adopting a PF have in common. */
#include "pfdrv_impl.h"

/** pfdrv_new() - check ids and find the SR-IOV capability; changes nothing in the device. */
int pfdrv_new(struct pcif *f, int irq_fd, const struct pfdrv_events *events,
	      struct pfdrv **ret_pf) _must_check_;

/** pfdrv_enabled_vfs() - how many VFs the capability says there are. */
unsigned int pfdrv_enabled_vfs(struct pfdrv *pf);
