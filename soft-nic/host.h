#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What makes a process of the NIC model: vfio-user endpoints, which come and go with the VFs, the
 * tap, the control methods (docs/processes.md). The model knows nothing of it.
 */
#include <abi/nic_mbx.h>
#include <lib/ctl.h>
#include <snic/snic.h>
#include <snic/wire.h>
#include <systemd/sd-event.h>
#include "vfu_server.h"

struct host_options {
	const char *name;
	const char *dir;
	int control_fd;		      /* taken over */
	int tap_fd;		      /* taken over; -1: no wire */
	unsigned int n_threads;	      /* data threads */
	int cpu[SNIC_DP_THREADS_MAX]; /* of each; -1: not pinned */
	uint8_t mac[6];
};

struct host;

/* One function and its endpoint. */
struct host_fn {
	struct host *host;
	unsigned int fn;
	struct vfu_server *server;	   /* NULL: not there */
	_Atomic int irq_fd[NIC_PF_MSIX_N]; /* duplicates of the client's, -1: none */
	_Atomic uint32_t irq_missed;	   /* vectors that fired while nobody was bound to them */
};

struct host {
	struct host_options o;
	sd_event *event;
	sd_event_source *poke_source;
	int poke_fd;
	sd_event_source *lost_source;
	int lost_fd; /* a client's memory is not there any more */
	struct snic *nic;
	struct snic_wire *wire;
	struct snic_tap *tap;
	struct ctl_server *ctl;
	struct host_fn fn[SNIC_FNS];
};

/**
 * host_new() - bring the NIC up and serve it on @event
 * Context: the loop's thread; starts the data thread and the wire thread.
 * Return: 0; -errno of what could not be had. Source: docs/processes.md.
 */
int host_new(sd_event *event, const struct host_options *o, struct host **ret_host) _must_check_;

/**
 * host_free() - stop serving, end the threads, free all; NULL is fine
 *
 * Context: the loop's thread. Source: -.
 */
void host_free(struct host *h);
DEFINE_CLEANUP(struct host *, host_free);

/**
 * host_methods() - the control methods; userdata is the struct host
 *
 * Context: any thread. Return: a constant table. Source: docs/processes.md.
 */
const struct ctl_method *host_methods(void);
