#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The bench's paths: two DPDK ports each and a pool of buffers for both, so that what a path does
 * to its buffers' cache lines is its own affair. Ports come as device arguments and by hot-plug:
 * one that does not come up costs its path alone.
 */
#include <lib/cleanup.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct rte_mempool;

#define FP_PATH_NAME 32u
#define FP_VDEV_MAX  512u
#define FP_PATH_WHY  256u

struct fp_bport {
	char vdev[FP_VDEV_MAX];
	char driver[32];
	uint8_t mac[6];
	uint16_t id; /* of ethdev; UINT16_MAX: none */
	uint16_t rx_ring, tx_ring;
	_Atomic bool gone;
};

struct fp_bpath {
	struct fp_bpath *next;
	char name[FP_PATH_NAME];
	struct fp_bport port[2];
	struct rte_mempool *pool;
	char why[FP_PATH_WHY]; /* of the last failure */
};

/* What a port lost, since it was started or between two readings. */
struct fp_drops {
	uint64_t rx_missed, rx_errors, rx_nombuf, tx_errors;
};

/**
 * fp_path_new() - a path without ports
 * @mbufs: how many buffers
 *
 * Context: main thread. Return: 0; -EINVAL name; -ENOMEM, also for EAL's memory. Source: -.
 */
int fp_path_new(const char *name, unsigned int mbufs, struct fp_bpath **ret_path) _must_check_;

/**
 * fp_path_free() - stop and remove the ports, give everything back
 *
 * Context: main thread; talks to the ports' other sides. Source: -.
 */
void fp_path_free(struct fp_bpath *path);
DEFINE_CLEANUP(struct fp_bpath *, fp_path_free);

/**
 * fp_path_plug() - make port @i of @vdev ("name,arguments") and start it with rings of @ring
 * @vdev: or the address of a PCI function, for DPDK's own driver of it
 *
 * Context: main thread; blocks as the driver's probe does.
 * Return: 0; -EEXIST a device of that name is there; -errno of the driver; path->why has the
 *         sentence.
 * Source: DPDK 22.11, ethdev library.
 */
int fp_path_plug(struct fp_bpath *path, unsigned int i, const char *vdev,
		 uint16_t ring) _must_check_;

/**
 * fp_path_adopt() - port @i is the ethdev @id, not started yet; whose it is stays as it is
 *
 * Context: main thread. Return: as fp_path_plug(). Source: -.
 */
int fp_path_adopt(struct fp_bpath *path, unsigned int i, uint16_t id, uint16_t ring) _must_check_;

/**
 * fp_path_wait() - until both links are up
 *
 * Context: main thread. Return: 0; -ETIMEDOUT; -ENODEV a port is gone. Source: -.
 */
int fp_path_wait(struct fp_bpath *path, uint64_t timeout_us) _must_check_;

/** fp_path_gone() - did a device go away? Context: any. Return: true, false. Source: -. */
bool fp_path_gone(const struct fp_bpath *path);

/** fp_path_drops() - both ports' counters. Context: main thread. Source: -. */
void fp_path_drops(const struct fp_bpath *path, struct fp_drops drops[2]);
