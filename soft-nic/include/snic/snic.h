#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The software 82576: register model of one physical function and up to eight virtual functions,
 * and the data path behind it. The model opens no socket and no device: its host (the soft-nic
 * process, a test, later the VMM) brings accesses in and takes interrupts out through struct
 * snic_ops.
 *
 * Threads: one control thread calls everything here except where said otherwise; data threads, one
 * by default, run the data path. Without snic_dp_start() the data path only moves in
 * snic_dp_poll_once(), in the caller's thread.
 *
 * Functions are numbered: VF n is n, the PF is SNIC_PF.
 */
#include <abi/nic_pci.h>
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SNIC_PF		    NIC_VFS_MAX
#define SNIC_FNS	    (NIC_VFS_MAX + 1)
#define SNIC_DMA_REGIONS    64u
#define SNIC_DP_THREADS_MAX 4u

struct snic;
struct snic_wire;

struct snic_ops {
	/* MSI-X message @vector of function @fn. Any thread; must not block. */
	void (*irq)(void *ctx, unsigned int fn, unsigned int vector);
	/* VFs 0..n-1 exist from now on; called after their state was reset, or before they vanish
	 * (n = 0) with their DMA already stopped. Control thread. */
	void (*vfs_changed)(void *ctx, unsigned int n_vfs);
	/* a guest changed queue registers in shared memory: call snic_service(). Data thread. */
	void (*poke)(void *ctx);
	/* first thing of each data thread that snic_dp_start() starts; may be NULL. Data threads.
	 */
	void (*data_thread)(void *ctx);
	/* a data thread did not stop, and may touch what it had until snic_dp_end() succeeds: the
	 * NIC is to be used no more. Said once. NULL: the process is aborted. Control thread. */
	void (*stuck)(void *ctx);
};

struct snic_config {
	uint8_t mac[6]; /* what the NVM holds */
	const struct snic_ops *ops;
	void *ctx;
	bool all_trap; /* every doorbell is a register access of ours: no data thread need spin */
};

struct snic_dma {
	uint64_t iova;
	uint64_t size;
	uint8_t *va;
	bool readable; /* by the device */
	bool writable;
};

/**
 * snic_new() - a NIC after power-on; @config is copied
 *
 * Context: any thread, which is the control thread from then on. Return: 0; -EINVAL; -ENOMEM;
 * -errno of memfd_create(2), mmap(2). Source: docs/soft-nic.md.
 */
int snic_new(const struct snic_config *config, struct snic **ret_snic) _must_check_;

/**
 * snic_free() - stop the data path and free everything but the wire; NULL is fine
 *
 * Context: control thread. Source: -.
 */
void snic_free(struct snic *s);
DEFINE_CLEANUP(struct snic *, snic_free);

/**
 * snic_config_read(), snic_config_write(), snic_bar_read(), snic_bar_write() - accesses of
 * function @fn's client. Total: bytes outside read as ones and writes there are ignored. Registers
 * are 32 bits wide; a write that does not cover whole registers is ignored
 *
 * Context: control thread; a write may wait for the data thread. Source: docs/sources.md [Q] [L].
 */
void snic_config_read(struct snic *s, unsigned int fn, uint32_t off, void *buf, uint32_t len);
void snic_config_write(struct snic *s, unsigned int fn, uint32_t off, const void *buf,
		       uint32_t len);
void snic_bar_read(struct snic *s, unsigned int fn, unsigned int bar, uint64_t off, void *buf,
		   uint32_t len);
void snic_bar_write(struct snic *s, unsigned int fn, unsigned int bar, uint64_t off,
		    const void *buf, uint32_t len);

/**
 * snic_read32(), snic_write32() - one register of BAR0 of function @fn
 *
 * Context: control thread; a write may wait for the data thread. Return: the value, ones
 * outside BAR0. Source: docs/sources.md [Q] [L].
 */
uint32_t snic_read32(struct snic *s, unsigned int fn, uint32_t off);
void snic_write32(struct snic *s, unsigned int fn, uint32_t off, uint32_t val);

/**
 * snic_page_fd() - memory behind BAR0 of VF @vf, from NIC_VF_SHARED_OFF on; stays the NIC's
 *
 * Context: any thread. Return: the memfd. Source: -.
 */
int snic_page_fd(const struct snic *s, unsigned int vf);

/**
 * snic_page() - the same memory, mapped here (NIC_VF_BAR0_SIZE bytes)
 *
 * Context: any thread. Return: the mapping, valid until snic_free(). Source: -.
 */
uint8_t *snic_page(struct snic *s, unsigned int vf);

/**
 * snic_dma_set() - replace the memory that function @fn can reach
 * @regions: copied; entries without va are left out
 *
 * Context: control thread; waits until the data thread left the old table (deadline 5 s).
 * Return: 0; -ENOSPC more than SNIC_DMA_REGIONS; -ETIMEDOUT the old table may still be in use.
 * Source: docs/sources.md [VU]: an unmap is answered after the last access.
 */
int snic_dma_set(struct snic *s, unsigned int fn, const struct snic_dma *regions,
		 size_t n) _must_check_;

/**
 * snic_fn_reset() - function level reset; @keep_config as VFIO's reset does: config survives
 *
 * Context: control thread; waits for the data thread. Source: PCI Express, function level reset;
 * vfio-user DEVICE_RESET [VU].
 */
void snic_fn_reset(struct snic *s, unsigned int fn, bool keep_config);

/**
 * snic_fn_gone() - its client went: a VF is reset wholly, the PF keeps its state
 *
 * Context: control thread; waits for the data thread. Source: -.
 */
void snic_fn_gone(struct snic *s, unsigned int fn);

/**
 * snic_irq_rebound() - a vector got a (new) receiver: deliver what was pending for it
 *
 * Context: control thread. Source: -.
 */
void snic_irq_rebound(struct snic *s, unsigned int fn, unsigned int vector);

/**
 * snic_quiesce() - wait until the data thread has seen everything done before
 *
 * Context: control thread; blocks. Return: 0; -ETIMEDOUT. Source: -.
 */
int snic_quiesce(struct snic *s) _must_check_;

/**
 * snic_service() - look at queue registers and publish what changed; never blocks
 *
 * Context: control thread. Source: -.
 */
void snic_service(struct snic *s);

/**
 * snic_link_set() - plug or unplug the wire: STATUS.LU, an interrupt for the PF, no traffic while
 * down
 *
 * Context: control thread. Source: docs/sources.md [Q].
 */
void snic_link_set(struct snic *s, bool up);

/**
 * snic_wire_attach() - give the NIC a wire, which outlives the data path; NULL: none
 *
 * Context: control thread, before snic_dp_start(). Source: -.
 */
void snic_wire_attach(struct snic *s, struct snic_wire *w);

struct snic_info {
	uint8_t mac[6]; /* receive address 0 */
	unsigned int n_vfs;
	bool link;
	bool bus_master[SNIC_FNS];
};

struct snic_vf_counters {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes; /* bytes with CRC */
	uint64_t rx_multicast;
	uint64_t rx_loop_packets, rx_loop_bytes, tx_loop_packets, tx_loop_bytes;
	uint64_t rx_dropped; /* no buffer, too long, bad buffer address */
	uint64_t tx_dropped; /* bad descriptors */
	uint64_t spoofed;
};

struct snic_counters {
	struct snic_vf_counters pool[NIC_VFS_MAX]; /* by pool; the PF's is pool n_vfs */
	uint64_t wire_rx_packets, wire_tx_packets, wire_rx_dropped, wire_tx_dropped;
	uint64_t spoofed;
	uint64_t busy_tsc; /* ticks of the data threads' polls that moved something */
};

/**
 * snic_info(), snic_counters() - copy out what the NIC looks like, what it counted
 *
 * Context: control thread. Source: -.
 */
void snic_info(const struct snic *s, struct snic_info *ret);
void snic_counters(const struct snic *s, struct snic_counters *ret);

/* ---- data path -------------------------------------------------------------------------- */

enum snic_rung {
	SNIC_SPIN,
	SNIC_NAP,
	SNIC_SLEEP,
};

/**
 * snic_dp_poll_once() - one round over all queues and the wire, at most 32 frames each
 * Context: the data thread, or the caller when none was started. Never blocks, never allocates.
 * Return: how many descriptors and wire frames were handled.
 * Source: -
 */
unsigned int snic_dp_poll_once(struct snic *s);

/**
 * snic_dp_tick() - the slow part: publish heads, look at registers, send late interrupts
 *
 * Context: the data thread, or the caller when none was started. Source: -.
 */
void snic_dp_tick(struct snic *s);

/**
 * snic_dp_threads() - spread the data path over @n threads: the queues of VF v belong to thread
 * v % n, the wire to the first
 * @n:    1 to SNIC_DP_THREADS_MAX
 * @cpus: processor of each; NULL, or negative: not pinned
 *
 * Context: control thread, before snic_dp_start(). Return: 0; -EINVAL; -EALREADY they run; -ENOMEM.
 * Source: -
 */
int snic_dp_threads(struct snic *s, unsigned int n, const int *cpus) _must_check_;

/**
 * snic_dp_start() - run the data path in threads of its own
 * @cpu: pin the first there; negative: as snic_dp_threads() said
 * Context: control thread. Return: 0; -EALREADY; -errno of pthread_create(3). Source: -
 */
int snic_dp_start(struct snic *s, int cpu) _must_check_;

/**
 * snic_dp_stop() - end the data thread, wait for it; fine when none runs
 *
 * Context: control thread; blocks for a round. Source: -.
 */
void snic_dp_stop(struct snic *s);

/**
 * snic_dp_end() - as snic_dp_stop(), for a data thread that may hang
 *
 * Context: control thread; blocks up to @timeout_us. Return: 0; -ETIMEDOUT it goes on: the NIC and
 * its wire have to stay. Source: -.
 */
int snic_dp_end(struct snic *s, uint64_t timeout_us) _must_check_;

/**
 * snic_dp_kick() - wake the data thread if it naps: frames were put on the wire
 *
 * Context: any thread; never blocks. Source: -.
 */
void snic_dp_kick(struct snic *s);

/**
 * snic_dp_thread() - processor and rung of data thread @i
 *
 * Context: any thread. Return: false if there is no such thread. Source: -.
 */
bool snic_dp_thread(const struct snic *s, unsigned int i, int *ret_cpu, enum snic_rung *ret_rung);

/**
 * snic_dp_rung() - how deep the most wakeful data thread sleeps now
 *
 * Context: any thread. Return: the rung. Source: -.
 */
enum snic_rung snic_dp_rung(const struct snic *s);
