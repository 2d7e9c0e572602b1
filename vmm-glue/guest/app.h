#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What the interface drivers use of the application, and the other way round. Ring 3. */
#include <guest/kern.h>
#include <guest/nif.h>

/** app_wait_us() - let time pass; the other interfaces are served meanwhile. */
void app_wait_us(uint32_t us);

/** app_now_us() - monotonic microseconds since some moment. */
uint64_t app_now_us(void);

/*
 * Open the function in @slot, which KERN_SYS_SCAN described, in @arena (KERN_ARENA_SIZE bytes).
 * Return 0, or a negative errno; the function is quiet and the arena unused then.
 */
int nif_vf_open(uint32_t slot, const struct pciscan_slot *s, void *arena, struct nif **ret_nif);
int nif_virtio_open(uint32_t slot, const struct pciscan_slot *s, void *arena, struct nif **ret_nif);
