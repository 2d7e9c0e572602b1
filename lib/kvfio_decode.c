/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include "kvfio.h"
#include "sysfs_impl.h"

#define CHAIN_MAX	 16u
#define CAP_IPC_LOCK_BIT 14u
#define CLASSIC_CAPS	 48u /* (256 - 64) / 4: more would be a loop */

static void *at(const void *buf, size_t off, void *to, size_t n)
{
	return memcpy(to, (const uint8_t *)buf + off, n);
}

/* The next header of a chain, copied; its offset is checked, its length is the caller's business.
 */
static int chain_step(const void *buf, size_t len, uint32_t *off, unsigned int *steps,
		      struct vfio_info_cap_header *ret_header)
{
	if (*off == 0)
		return 0;
	if ((*steps)++ == CHAIN_MAX || *off % 8 != 0 || *off > len ||
	    len - *off < sizeof(*ret_header))
		return -EBADMSG;
	at(buf, *off, ret_header, sizeof(*ret_header));
	return 1;
}

static int decode_sparse(const void *buf, size_t len, uint32_t off, struct kvfio_region *region)
{
	struct vfio_region_info_cap_sparse_mmap s;

	if (len - off < sizeof(s))
		return -EBADMSG;
	at(buf, off, &s, sizeof(s));
	if (s.nr_areas > (len - off - sizeof(s)) / sizeof(struct vfio_region_sparse_mmap_area))
		return -EBADMSG;
	region->n_areas = 0;
	for (uint32_t i = 0; i < s.nr_areas; i++) {
		struct vfio_region_sparse_mmap_area a;

		at(buf, off + sizeof(s) + i * sizeof(a), &a, sizeof(a));
		if (a.offset > region->size || a.size > region->size - a.offset)
			return -EBADMSG;
		/* what does not start or end with a page stays trapped; so does what we have no
		 * room for */
		if (a.size == 0 || a.offset % KVFIO_PAGE || a.size % KVFIO_PAGE ||
		    region->n_areas == PCIF_AREAS_MAX)
			continue;
		region->area[region->n_areas++] = (struct pcif_area){a.offset, a.size};
	}
	return 0;
}

int kvfio_decode_region(const void *buf, size_t len, unsigned int index,
			struct kvfio_region *ret_region)
{
	struct vfio_info_cap_header header;
	struct kvfio_region region;
	struct vfio_region_info info;
	unsigned int steps = 0;
	uint32_t off;
	int r;

	if (len < sizeof(info))
		return -EBADMSG;
	at(buf, 0, &info, sizeof(info));
	if (info.index != index || info.offset > INT64_MAX ||
	    info.size > (uint64_t)INT64_MAX - info.offset)
		return -EBADMSG;
	region = (struct kvfio_region){
		.size = info.size,
		.offset = info.offset,
		.readable = info.flags & VFIO_REGION_INFO_FLAG_READ,
		.writable = info.flags & VFIO_REGION_INFO_FLAG_WRITE,
	};
	if (info.flags & VFIO_REGION_INFO_FLAG_MMAP && info.size > 0 && info.size % KVFIO_PAGE == 0)
		region.area[region.n_areas++] = (struct pcif_area){0, info.size};

	off = info.flags & VFIO_REGION_INFO_FLAG_CAPS ? info.cap_offset : 0;
	while ((r = chain_step(buf, len, &off, &steps, &header)) > 0) {
		if (header.id == VFIO_REGION_INFO_CAP_MSIX_MAPPABLE)
			region.msix_mappable = true;
		if (header.id == VFIO_REGION_INFO_CAP_SPARSE_MMAP && header.version == 1 &&
		    info.flags & VFIO_REGION_INFO_FLAG_MMAP) {
			r = decode_sparse(buf, len, off, &region);
			if (r < 0)
				return r;
		}
		off = header.next;
	}
	if (r < 0)
		return r;
	*ret_region = region;
	return 0;
}

static int decode_ranges(const void *buf, size_t len, uint32_t off, struct kvfio_iommu *iommu)
{
	struct vfio_iommu_type1_info_cap_iova_range c;

	if (len - off < sizeof(c))
		return -EBADMSG;
	at(buf, off, &c, sizeof(c));
	if (c.nr_iovas > (len - off - sizeof(c)) / sizeof(struct vfio_iova_range))
		return -EBADMSG;
	iommu->has_ranges = true;
	iommu->n_ranges = 0;
	for (uint32_t i = 0; i < c.nr_iovas && iommu->n_ranges < KVFIO_RANGES_MAX; i++) {
		struct vfio_iova_range v;

		at(buf, off + sizeof(c) + i * sizeof(v), &v, sizeof(v));
		if (v.start > v.end)
			return -EBADMSG;
		iommu->range[iommu->n_ranges++] = (struct kvfio_range){v.start, v.end};
	}
	return 0;
}

int kvfio_decode_iommu(const void *buf, size_t len, struct kvfio_iommu *ret_iommu)
{
	struct vfio_iommu_type1_info info = {.argsz = 0};
	struct kvfio_iommu iommu = {.page_sizes = KVFIO_PAGE};
	size_t fixed = offsetof(struct vfio_iommu_type1_info, cap_offset) + sizeof(uint32_t);
	struct vfio_info_cap_header header;
	unsigned int steps = 0;
	uint32_t off;
	int r;

	if (len < fixed)
		return -EBADMSG;
	at(buf, 0, &info, fixed);
	if (info.flags & VFIO_IOMMU_INFO_PGSIZES)
		iommu.page_sizes = info.iova_pgsizes;
	off = info.flags & VFIO_IOMMU_INFO_CAPS ? info.cap_offset : 0;
	while ((r = chain_step(buf, len, &off, &steps, &header)) > 0) {
		if (header.id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) {
			r = decode_ranges(buf, len, off, &iommu);
			if (r < 0)
				return r;
		}
		if (header.id == VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL) {
			struct vfio_iommu_type1_info_dma_avail d;

			if (len - off < sizeof(d))
				return -EBADMSG;
			at(buf, off, &d, sizeof(d));
			iommu.has_avail = true;
			iommu.maps_left = d.avail;
		}
		off = header.next;
	}
	if (r < 0)
		return r;
	*ret_iommu = iommu;
	return 0;
}

static uint32_t le(const uint8_t *p, unsigned int bytes)
{
	uint32_t v = 0;

	for (unsigned int i = bytes; i-- > 0;)
		v = v << 8 | p[i];
	return v;
}

static unsigned int find_cap(const uint8_t config[static 256], uint8_t id, unsigned int size)
{
	unsigned int off;

	if (!(le(config + PCI_STATUS, 2) & PCI_STATUS_CAP_LIST))
		return 0;
	off = config[PCI_CAPABILITY_LIST] & 0xfcu;
	for (unsigned int i = 0; i < CLASSIC_CAPS && off >= PCI_STD_HEADER_SIZEOF; i++) {
		if (config[off] == id && off + size <= 256)
			return off;
		off = config[off + 1] & 0xfcu;
	}
	return 0;
}

int kvfio_decode_msix(const uint8_t config[static 256], struct kvfio_msix *ret_msix)
{
	unsigned int off = find_cap(config, PCI_CAP_ID_MSIX, PCI_CAP_MSIX_SIZEOF);
	uint32_t table;

	if (off == 0)
		return -ENOENT;
	table = le(config + off + PCI_MSIX_TABLE, 4);
	if ((table & PCI_MSIX_TABLE_BIR) > PCIF_REGION_BAR5)
		return -ENOENT;
	ret_msix->bar = table & PCI_MSIX_TABLE_BIR;
	ret_msix->offset = table & PCI_MSIX_TABLE_OFFSET;
	ret_msix->size = PCI_MSIX_ENTRY_SIZE *
			 ((le(config + off + PCI_MSIX_FLAGS, 2) & PCI_MSIX_FLAGS_QSIZE) + 1);
	return 0;
}

int kvfio_decode_pm(const uint8_t config[static 256], uint32_t *ret_pmcsr)
{
	unsigned int off = find_cap(config, PCI_CAP_ID_PM, PCI_PM_SIZEOF);

	if (off == 0)
		return -ENOENT;
	*ret_pmcsr = off + PCI_PM_CTRL;
	return 0;
}

void kvfio_areas_cut(struct kvfio_region *region, uint64_t off, uint64_t size)
{
	uint64_t first = off / KVFIO_PAGE * KVFIO_PAGE;
	uint64_t end = (off + size + KVFIO_PAGE - 1) / KVFIO_PAGE * KVFIO_PAGE;
	struct pcif_area out[PCIF_AREAS_MAX];
	unsigned int n = 0;

	for (unsigned int i = 0; i < region->n_areas; i++) {
		struct pcif_area a = region->area[i];
		uint64_t a_end = a.offset + a.size;

		if (end <= a.offset || first >= a_end) {
			if (n < PCIF_AREAS_MAX)
				out[n++] = a;
			continue;
		}
		if (a.offset < first && n < PCIF_AREAS_MAX)
			out[n++] = (struct pcif_area){a.offset, first - a.offset};
		if (a_end > end && n < PCIF_AREAS_MAX)
			out[n++] = (struct pcif_area){end, a_end - end};
	}
	memcpy(region->area, out, n * sizeof(*out));
	region->n_areas = n;
}

static const struct kvfio_range *range_of(const struct kvfio_iommu *iommu, uint64_t addr)
{
	for (unsigned int i = 0; i < iommu->n_ranges; i++)
		if (addr >= iommu->range[i].first && addr <= iommu->range[i].last)
			return &iommu->range[i];
	return NULL;
}

int kvfio_iova_check(const struct kvfio_iommu *iommu, uint64_t iova, uint64_t len, char *why,
		     size_t why_size)
{
	uint64_t last = iova + len - 1, pos = iova, hole_end = UINT64_MAX;
	const struct kvfio_range *in = NULL;

	if (!iommu->has_ranges)
		return 0;
	/* every step leaves one range behind */
	for (unsigned int i = 0; i <= iommu->n_ranges; i++) {
		in = range_of(iommu, pos);
		if (!in)
			break;
		if (in->last >= last)
			return 0;
		pos = in->last + 1;
	}
	for (unsigned int i = 0; i < iommu->n_ranges; i++)
		if (iommu->range[i].first > pos && iommu->range[i].first - 1 < hole_end)
			hole_end = iommu->range[i].first - 1;
	return say(why, why_size, -ERANGE,
		   "the IOMMU cannot map 0x%" PRIx64 "-0x%" PRIx64
		   ": it overlaps the reserved range 0x%" PRIx64 "-0x%" PRIx64,
		   iova, last, pos, hole_end);
}

/* "NAME:" at the start of a line. */
static const char *status_field(const char *status, const char *name)
{
	size_t len = strlen(name);

	for (const char *line = status; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ':')
			return line + len + 1;
	}
	return NULL;
}

int kvfio_memlock_check(const char *status, uint64_t limit, uint64_t len, char *why,
			size_t why_size)
{
	const char *caps = status_field(status, "CapEff"), *text = status_field(status, "VmLck");
	uint64_t locked, need;

	if (limit == UINT64_MAX || !caps || !text)
		return 0;
	if (strtoull(caps, NULL, 16) & UINT64_C(1) << CAP_IPC_LOCK_BIT)
		return 0;
	locked = strtoull(text, NULL, 10);
	if (locked > UINT64_MAX / 1024)
		return 0;
	locked *= 1024;
	need = len > UINT64_MAX - locked ? UINT64_MAX : locked + len;
	if (need <= limit)
		return 0;
	return say(why, why_size, -ENOMEM,
		   "RLIMIT_MEMLOCK is %" PRIu64 " KiB, %" PRIu64 " KiB are in use and %" PRIu64
		   " KiB more are to be pinned: %" PRIu64 " KiB are missing",
		   limit / 1024, locked / 1024, len / 1024, (need - limit + 1023) / 1024);
}

bool kvfio_token_ok(const char *token)
{
	if (strlen(token) != KVFIO_TOKEN_LEN)
		return false;
	for (unsigned int i = 0; i < KVFIO_TOKEN_LEN; i++) {
		bool dash = i == 8 || i == 13 || i == 18 || i == 23;

		if (dash ? token[i] != '-' : !strchr("0123456789abcdefABCDEF", token[i]))
			return false;
	}
	return true;
}
