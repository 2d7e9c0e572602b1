#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the kernel's VFIO says, taken apart: pure functions on copies of its answers, and the checks
 * that are made before it is asked for anything.
 */
#include <linux/vfio.h>
#include <lib/pcif.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KVFIO_RANGES_MAX 32u
#define KVFIO_PAGE	 UINT64_C(4096)
#define KVFIO_INFO_MAX	 65536u
#define KVFIO_TOKEN_LEN	 36u

struct kvfio_region {
	uint64_t size;
	uint64_t offset; /* in the device's descriptor */
	bool readable;
	bool writable;
	bool msix_mappable; /* the kernel would let the MSI-X table be mapped */
	unsigned int n_areas;
	struct pcif_area area[PCIF_AREAS_MAX];
};

struct kvfio_range {
	uint64_t first, last;
};

struct kvfio_iommu {
	bool has_ranges; /* else the kernel does not say */
	unsigned int n_ranges;
	struct kvfio_range range[KVFIO_RANGES_MAX];
	uint64_t page_sizes;
	bool has_avail;
	uint32_t maps_left; /* when it was asked */
};

struct kvfio_msix {
	unsigned int bar;
	uint64_t offset; /* of the table */
	uint64_t size;
};

/**
 * kvfio_decode_region() - answer to VFIO_DEVICE_GET_REGION_INFO with its capability chain
 * @len: bytes of @buf that the kernel had room for
 * Context: pure. Return: 0; -EBADMSG. Source: docs/sources.md [KV].
 */
int kvfio_decode_region(const void *buf, size_t len, unsigned int index,
			struct kvfio_region *ret_region) _must_check_;

/** kvfio_decode_iommu() - answer to VFIO_IOMMU_GET_INFO; as above. */
int kvfio_decode_iommu(const void *buf, size_t len, struct kvfio_iommu *ret_iommu) _must_check_;

/**
 * kvfio_decode_msix() - where the MSI-X table is, from the first 256 bytes of configuration space
 * Context: pure, bounded. Return: 0; -ENOENT no such capability. Source: PCI 3.0, 6.8.2.
 */
int kvfio_decode_msix(const uint8_t config[static 256], struct kvfio_msix *ret_msix) _must_check_;

/** kvfio_decode_pm() - offset of PMCSR in configuration space. -ENOENT no such capability. */
int kvfio_decode_pm(const uint8_t config[static 256], uint32_t *ret_pmcsr) _must_check_;

/** kvfio_areas_cut() - take the pages that [@off, @off + @size) touches out of a region's areas. */
void kvfio_areas_cut(struct kvfio_region *region, uint64_t off, uint64_t size);

/**
 * kvfio_iova_check() - may [@iova, @iova + @len) be mapped?
 * @why: what of it may not, named
 * Context: pure. Return: 0; -ERANGE. Source: VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE.
 */
int kvfio_iova_check(const struct kvfio_iommu *iommu, uint64_t iova, uint64_t len, char *why,
		     size_t why_size) _must_check_;

/**
 * kvfio_memlock_check() - does RLIMIT_MEMLOCK let @len more bytes be pinned?
 * @status: text of /proc/self/status
 * @limit:  RLIMIT_MEMLOCK, UINT64_MAX for none
 * Context: pure. Return: 0, also when @status does not say; -ENOMEM and the missing number.
 * Source: proc(5): VmLck, CapEff.
 */
int kvfio_memlock_check(const char *status, uint64_t limit, uint64_t len, char *why,
			size_t why_size) _must_check_;

/** kvfio_token_ok() - is @token a UUID in its usual spelling? */
bool kvfio_token_ok(const char *token);

/**
 * kvfio_check_host() - what forbids handing @bdf to user space, read from sysfs
 * @ret_group: its IOMMU group
 *
 * No-IOMMU mode, unsafe interrupts, no IOMMU group, another driver, foreign members of the group.
 *
 * Context: any thread. Return: 0; -EINVAL, -ENODEV, -ENOENT, -EPERM with a sentence; -errno.
 * Source: docs/sources.md [KV].
 */
int kvfio_check_host(int sysfs, const char *bdf, unsigned int *ret_group, char *err,
		     size_t err_size) _must_check_;

/** kvfio_foreign() - names the foreign members of @group: "A (igb), B (ahci)". Return: how many. */
unsigned int kvfio_foreign(int sysfs, unsigned int group, char *ret_names, size_t size);
