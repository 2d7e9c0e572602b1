/* SPDX-License-Identifier: BSD-3-Clause */
/* Any answer of the kernel's VFIO: decoding stays inside it, and areas stay inside their region. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "kvfio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_areas(const struct kvfio_region *r)
{
	if (r->n_areas > PCIF_AREAS_MAX)
		abort();
	for (unsigned int i = 0; i < r->n_areas; i++)
		if (r->area[i].size == 0 || r->area[i].offset > r->size ||
		    r->area[i].size > r->size - r->area[i].offset)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t config[256] = {0};
	struct kvfio_region region;
	struct kvfio_iommu iommu;
	struct kvfio_msix msix = {0};
	uint32_t pmcsr;
	char why[256];

	if (size < 1)
		return 0;
	memcpy(config, data, size < sizeof(config) ? size : sizeof(config));
	if (kvfio_decode_pm(config, &pmcsr) == 0 && pmcsr >= sizeof(config) - 1)
		abort();
	if (kvfio_decode_msix(config, &msix) == 0 && msix.bar > PCIF_REGION_BAR5)
		abort();
	if (kvfio_decode_region(data + 1, size - 1, data[0], &region) == 0) {
		check_areas(&region);
		kvfio_areas_cut(&region, msix.offset, msix.size);
		check_areas(&region);
	}
	if (kvfio_decode_iommu(data + 1, size - 1, &iommu) == 0 &&
	    kvfio_iova_check(&iommu, msix.offset, 4096, why, sizeof(why)) == -ERANGE && !why[0])
		abort();
	return 0;
}
