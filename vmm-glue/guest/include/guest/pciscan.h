#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finding out about the PCI function in a slot: ids, BARs (sized and placed), MSI-X, virtio's
 * vendor capabilities. Reaches configuration space and MSI-X tables through two functions, so that
 * it runs against ECAM in the guest and against a table of bytes in a test.
 *
 * Every slot has 16 MiB of the BAR window for itself: what a function leaves is there for the next
 * one.
 */
#include <abi/bits.h>
#include <abi/hpc.h>
#include <stdbool.h>
#include <stdint.h>

#define PCISCAN_BARS	    6u
#define PCISCAN_VENDOR_CAPS 8u
#define PCISCAN_WINDOW	    0x1000000u

struct pciscan_vendor_cap {
	uint8_t type; /* virtio cfg_type */
	uint8_t bar;
	uint8_t len;
	uint32_t offset;
	uint32_t length;
	uint32_t extra; /* notify multiplier */
};

struct pciscan_slot {
	uint16_t vendor;
	uint16_t device;
	uint64_t bar[PCISCAN_BARS]; /* guest-physical; 0: none */
	uint64_t bar_size[PCISCAN_BARS];
	uint16_t msix_cap; /* 0: none */
	uint16_t n_msix;
	uint64_t msix_table; /* guest-physical */
	uint32_t n_vendor_caps;
	struct pciscan_vendor_cap vendor_cap[PCISCAN_VENDOR_CAPS];
};

struct pciscan_io {
	void *ctx;
	uint32_t (*cfg_read32)(void *ctx, unsigned int slot, uint32_t off);
	void (*cfg_write32)(void *ctx, unsigned int slot, uint32_t off, uint32_t val);
	void (*mem_write32)(void *ctx, uint64_t gpa, uint32_t val);
};

/**
 * pciscan_probe() - size and place the BARs of @slot and read its capabilities
 *
 * Memory decoding is off during the sizing and stays off.
 * Context: any. Return: 0; -ENODEV nothing there; -ENOSPC BARs larger than the slot's window;
 * -EIO a BAR or MSI-X layout that cannot be. Source: PCI Local Bus 3.0, 6.2.5.1, 6.7, 6.8.2.
 */
int pciscan_probe(const struct pciscan_io *io, unsigned int slot, struct pciscan_slot *ret);

/**
 * pciscan_enable() - switch on memory decoding and bus mastering, then MSI-X with all vectors open
 * @addr, @data: message of every vector: data[0] for vector 0, data[1] for all others
 * Context: after pciscan_probe(). Return: -. Source: PCI Local Bus 3.0, 6.8.2.
 */
void pciscan_enable(const struct pciscan_io *io, unsigned int slot, const struct pciscan_slot *s,
		    uint32_t addr, const uint32_t data[2]);

/**
 * pciscan_disable() - interrupts, decoding and bus mastering off
 *
 * Context: after pciscan_probe(). Source: PCI Local Bus 3.0, 6.2.2.
 */
void pciscan_disable(const struct pciscan_io *io, unsigned int slot, const struct pciscan_slot *s);
