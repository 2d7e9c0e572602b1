/* SPDX-License-Identifier: BSD-3-Clause */
/* What the kernel's VFIO answers, taken apart; checks made before it is asked. */
#include <support/test.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <stdlib.h>
#include <string.h>
#include "kvfio.h"

/* A region of four pages with a capability chain at 32; the test writes it. */
struct answer {
	struct vfio_region_info info;
	uint8_t caps[256];
};

static struct answer region_answer(uint32_t flags)
{
	return (struct answer){
		.info = {.argsz = sizeof(struct answer),
			 .flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE | flags,
			 .index = 3,
			 .size = 0x4000,
			 .offset = UINT64_C(3) << 40},
	};
}

/* A sparse capability of @n areas at offset 32, next at @next; returns where it ends. */
static uint32_t put_sparse(struct answer *a, uint32_t next, uint32_t n,
			   const struct vfio_region_sparse_mmap_area *areas)
{
	struct vfio_region_info_cap_sparse_mmap s = {
		.header = {.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1, .next = next},
		.nr_areas = n,
	};

	a->info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
	a->info.cap_offset = sizeof(a->info);
	memcpy(a->caps, &s, sizeof(s));
	memcpy(a->caps + sizeof(s), areas, n * sizeof(*areas));
	return (uint32_t)(sizeof(a->info) + sizeof(s) + n * sizeof(*areas));
}

static void a_region_without_capabilities_is_mapped_whole(void **state)
{
	struct answer a = region_answer(VFIO_REGION_INFO_FLAG_MMAP);
	struct kvfio_region r;

	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), 0);
	assert_int_equal(r.size, 0x4000);
	assert_int_equal(r.offset, UINT64_C(3) << 40);
	assert_true(r.readable && r.writable && !r.msix_mappable);
	assert_int_equal(r.n_areas, 1);
	assert_int_equal(r.area[0].size, 0x4000);
	a = region_answer(0);
	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), 0);
	assert_int_equal(r.n_areas, 0);
}

static void sparse_areas_and_a_mappable_table_are_found_in_the_chain(void **state)
{
	struct vfio_region_sparse_mmap_area areas[] = {
		{0, 0x1000}, {0x2000, 0x2000}, {0x1000, 0x800}};
	struct answer a = region_answer(VFIO_REGION_INFO_FLAG_MMAP);
	struct vfio_info_cap_header msix = {.id = VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, .version = 1};
	struct kvfio_region r;
	uint32_t end = put_sparse(&a, 96, 3, areas);

	assert_true(end <= 96);
	memcpy((uint8_t *)&a + 96, &msix, sizeof(msix));
	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), 0);
	assert_true(r.msix_mappable);
	assert_int_equal(r.n_areas, 2); /* the half page stays trapped */
	assert_int_equal(r.area[1].offset, 0x2000);
	assert_int_equal(r.area[1].size, 0x2000);
}

static void a_chain_that_loops_or_leaves_the_answer_is_refused(void **state)
{
	struct vfio_region_sparse_mmap_area area = {0, 0x1000};
	struct kvfio_region r;
	struct answer a;

	a = region_answer(VFIO_REGION_INFO_FLAG_MMAP);
	put_sparse(&a, 32, 1, &area); /* its own next */
	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), -EBADMSG);
	put_sparse(&a, 4096, 1, &area);
	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), -EBADMSG);
	put_sparse(&a, 33, 1, &area);
	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), -EBADMSG);
	put_sparse(&a, 0, 1, &area);
	((struct vfio_region_info_cap_sparse_mmap *)a.caps)->nr_areas = UINT32_MAX;
	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), -EBADMSG);
	area = (struct vfio_region_sparse_mmap_area){0x3000, UINT64_MAX - 0x1000};
	put_sparse(&a, 0, 1, &area);
	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), -EBADMSG);
}

static void answers_about_something_else_are_refused(void **state)
{
	struct answer a = region_answer(0);
	struct kvfio_region r;

	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 2, &r), -EBADMSG);
	assert_int_equal(kvfio_decode_region(&a, sizeof(a.info) - 1, 3, &r), -EBADMSG);
	a.info.offset = UINT64_MAX;
	assert_int_equal(kvfio_decode_region(&a, sizeof(a), 3, &r), -EBADMSG);
}

static void the_pages_of_the_table_are_cut_out_of_the_areas(void **state)
{
	struct kvfio_region r = {.n_areas = 1, .area = {{0, 0x4000}}};

	kvfio_areas_cut(&r, 0, 0x30);
	assert_int_equal(r.n_areas, 1);
	assert_int_equal(r.area[0].offset, 0x1000);
	assert_int_equal(r.area[0].size, 0x3000);
	kvfio_areas_cut(&r, 0x2ff0,
			0x20); /* two pages by a few bytes each: nothing but one is left */
	assert_int_equal(r.n_areas, 1);
	assert_int_equal(r.area[0].offset, 0x1000);
	assert_int_equal(r.area[0].size, 0x1000);
	kvfio_areas_cut(&r, 0x8000, 0x1000);
	assert_int_equal(r.n_areas, 1);
	kvfio_areas_cut(&r, 0x1800, 8);
	assert_int_equal(r.n_areas, 0);
}

static void capabilities_in_configuration_space_are_found_within_bounds(void **state)
{
	uint8_t config[256] = {0};
	struct kvfio_msix msix;
	uint32_t pmcsr;

	assert_int_equal(kvfio_decode_msix(config, &msix), -ENOENT);
	config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	config[PCI_CAPABILITY_LIST] = 0x70;
	memcpy(config + 0x70, (uint8_t[]){PCI_CAP_ID_MSIX, 0x40, 0x02, 0x00, 0x03, 0x20, 0, 0}, 8);
	memcpy(config + 0x40, (uint8_t[]){PCI_CAP_ID_PM, 0x70}, 2); /* and back: a loop */
	assert_int_equal(kvfio_decode_msix(config, &msix), 0);
	assert_int_equal(msix.bar, 3);
	assert_int_equal(msix.offset, 0x2000);
	assert_int_equal(msix.size, 48);
	assert_int_equal(kvfio_decode_pm(config, &pmcsr), 0);
	assert_int_equal(pmcsr, 0x44);
	config[0x40] = 0xff;
	assert_int_equal(kvfio_decode_pm(config, &pmcsr), -ENOENT);
	config[0x74] = 7;
	assert_int_equal(kvfio_decode_msix(config, &msix), -ENOENT);
}

static void an_iommu_tells_its_ranges_and_how_many_mappings_it_takes(void **state)
{
	const struct vfio_iova_range ranges[] = {{0, 0xfedfffff}, {0xfef00000, 0x7fffffffff}};
	struct vfio_iommu_type1_info_cap_iova_range cap = {
		.header = {.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1, .next = 96},
		.nr_iovas = 2,
	};
	const struct vfio_iommu_type1_info_dma_avail avail = {
		.header = {.id = VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, .version = 1},
		.avail = 65535,
	};
	struct {
		struct vfio_iommu_type1_info info;
		uint8_t caps[128];
	} a = {
		.info = {.argsz = sizeof(a),
			 .flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS,
			 .iova_pgsizes = 0x40201000,
			 .cap_offset = 32},
	};
	uint8_t *bytes = (uint8_t *)&a;
	struct kvfio_iommu iommu;

	memcpy(bytes + 32, &cap, sizeof(cap));
	memcpy(bytes + 32 + sizeof(cap), ranges, sizeof(ranges));
	memcpy(bytes + 96, &avail, sizeof(avail));
	assert_int_equal(kvfio_decode_iommu(&a, sizeof(a), &iommu), 0);
	assert_true(iommu.has_ranges && iommu.has_avail);
	assert_int_equal(iommu.n_ranges, 2);
	assert_int_equal(iommu.range[1].last, 0x7fffffffff);
	assert_int_equal(iommu.maps_left, 65535);
	cap.nr_iovas = 1000;
	memcpy(bytes + 32, &cap, sizeof(cap));
	assert_int_equal(kvfio_decode_iommu(&a, sizeof(a), &iommu), -EBADMSG);
	a.info.flags = 0;
	assert_int_equal(kvfio_decode_iommu(&a, sizeof(a), &iommu), 0);
	assert_false(iommu.has_ranges);
	assert_int_equal(kvfio_decode_iommu(&a, 16, &iommu), -EBADMSG);
}

static void an_address_the_iommu_keeps_is_named(void **state)
{
	const struct kvfio_iommu iommu = {
		.has_ranges = true,
		.n_ranges = 3,
		.range = {{0xfef00000, 0xffffffff}, {0, 0xfedfffff}, {0x100000000, 0x7fffffffff}},
	};
	const struct kvfio_iommu silent = {.has_ranges = false}, none = {.has_ranges = true};
	char why[256];

	assert_int_equal(kvfio_iova_check(&iommu, 0, 0xfee00000, why, sizeof(why)), 0);
	/* neighbours are one range */
	assert_int_equal(kvfio_iova_check(&iommu, 0xff000000, 0x2000000, why, sizeof(why)), 0);
	assert_int_equal(kvfio_iova_check(&iommu, 0xfedff000, 0x2000, why, sizeof(why)), -ERANGE);
	assert_non_null(strstr(why, "0xfedff000-0xfee00fff"));
	assert_non_null(strstr(why, "reserved range 0xfee00000-0xfeefffff"));
	assert_int_equal(kvfio_iova_check(&iommu, 0x7ffffff000, 0x2000, why, sizeof(why)), -ERANGE);
	assert_non_null(strstr(why, "reserved range 0x8000000000-0xffffffffffffffff"));
	assert_int_equal(kvfio_iova_check(&silent, 0xfee00000, 0x1000, why, sizeof(why)), 0);
	assert_int_equal(kvfio_iova_check(&none, 0, 0x1000, why, sizeof(why)), -ERANGE);
}

static void missing_lockable_memory_is_counted(void **state)
{
	static const char user[] = "Name:\tx\nVmLck:\t    100 kB\nCapEff:\t0000000000000000\n";
	static const char root[] = "Name:\tx\nVmLck:\t    100 kB\nCapEff:\t000001ffffffffff\n";
	char why[256] = "";

	assert_int_equal(kvfio_memlock_check(user, 200 * 1024, 100 * 1024, why, sizeof(why)), 0);
	assert_int_equal(kvfio_memlock_check(user, 200 * 1024, 164 * 1024, why, sizeof(why)),
			 -ENOMEM);
	assert_string_equal(why,
			    "RLIMIT_MEMLOCK is 200 KiB, 100 KiB are in use and 164 KiB more are "
			    "to be pinned: 64 KiB are missing");
	assert_int_equal(kvfio_memlock_check(root, 0, UINT64_MAX, why, sizeof(why)), 0);
	assert_int_equal(kvfio_memlock_check(user, UINT64_MAX, 1 << 30, why, sizeof(why)), 0);
	assert_int_equal(kvfio_memlock_check("", 0, 1 << 30, why, sizeof(why)), 0);
	assert_int_equal(kvfio_memlock_check(user, 4096, UINT64_MAX, why, sizeof(why)), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_region_without_capabilities_is_mapped_whole),
		cmocka_unit_test(sparse_areas_and_a_mappable_table_are_found_in_the_chain),
		cmocka_unit_test(a_chain_that_loops_or_leaves_the_answer_is_refused),
		cmocka_unit_test(answers_about_something_else_are_refused),
		cmocka_unit_test(the_pages_of_the_table_are_cut_out_of_the_areas),
		cmocka_unit_test(capabilities_in_configuration_space_are_found_within_bounds),
		cmocka_unit_test(an_iommu_tells_its_ranges_and_how_many_mappings_it_takes),
		cmocka_unit_test(an_address_the_iommu_keeps_is_named),
		cmocka_unit_test(missing_lockable_memory_is_counted),
	};

	return cmocka_run_group_tests_name("lib_kvfio", tests, NULL, NULL);
}
