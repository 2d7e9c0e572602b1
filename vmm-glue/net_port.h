#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The wire of an emulated NIC: frames between the software NIC's wire rings and a network back end
 * (net_backend.h). Back ends serve virtio rings, so the port has a pair of them, and the buffers,
 * in memory of its own; a thread drives them. The guest's memory is out of a back end's reach here.
 *
 * What the NIC has no room for stays with the back end: in a tap, or in a ring.
 *
 * What a back end writes is checked as a guest's word is: it may lose its own frames, no more.
 */
#include <snic/wire.h>
#include "net_backend.h"

struct net_port;

struct net_port_counters {
	uint64_t to_nic, from_nic; /* frames */
	uint64_t dropped;	   /* to the guest: no frame; from it: no room */
	uint64_t broken;	   /* used entries that made no sense */
};

/**
 * net_port_new() - a port on the back end behind @fd: a tap, a packet socket, or vhost-user
 * @wire: outlives the port; the port is its outside
 * @kick: called when frames were put on the wire. The port's thread
 * @changed: up() may have changed. Main thread
 * @fd: taken over, also on failure
 *
 * Context: main thread. Return: 0; as net_tap_new() and net_vhost_new(). Source: [VIRTIO] 5.1.
 */
int net_port_new(sd_event *event, int fd, struct snic_wire *wire, void (*kick)(void *ctx),
		 void (*changed)(void *ctx), void *ctx, struct net_port **ret_port) _must_check_;

/** net_port_up() - is the back end there? Context: main thread. Return: as said. Source: -. */
bool net_port_up(struct net_port *p);

/**
 * net_port_reconnect() - another socket for a back end that is gone; taken over
 *
 * Context: main thread. Return: 0; -EOPNOTSUPP a tap; as the back end's reconnect(). Source: -.
 */
int net_port_reconnect(struct net_port *p, int fd) _must_check_;

/** net_port_kind() - of the back end. Context: any thread. Return: constant text. Source: -. */
const char *net_port_kind(const struct net_port *p);

/**
 * net_port_counters() - what passed so far
 *
 * Context: any thread. Source: -.
 */
void net_port_counters(const struct net_port *p, struct net_port_counters *ret);

/**
 * net_port_free() - stop the thread, free all; NULL is fine; the NIC's data thread has ended
 *
 * Context: main thread. Return: 0; -ETIMEDOUT a thread hangs: the port and the wire have to stay.
 * Source: -.
 */
int net_port_free(struct net_port *p) _must_check_;
