/* SPDX-License-Identifier: BSD-3-Clause */
/* What the guest's processors say of themselves. */
#include <string.h>
#include <support/test.h>
#include <abi/bits.h>
#include <cpuid.h>

static struct kvm_cpuid_entry2 *leaf(struct kvm_cpuid2 *t, uint32_t function, uint32_t index)
{
	for (uint32_t i = 0; i < t->nent; i++) {
		if (t->entries[i].function == function && t->entries[i].index == index)
			return &t->entries[i];
	}
	fail_msg("no leaf %#x.%u", function, index);
	return NULL;
}

static struct kvm_cpuid2 *table_new(void)
{
	static const struct kvm_cpuid_entry2 host[] = {
		{.function = 1, .ebx = 0x07400800, .edx = 0},
		{.function = 4, .eax = 0xfc1fc121, .ebx = 7},
		{.function = 0xa, .eax = 0x08300805},
		{.function = 0xb, .flags = 1, .edx = 99},
		{.function = 0x40000000, .eax = 0x40000001},
		{.function = 0x80000001},
		{.function = 0x80000008, .ecx = 0x703f},
		{.function = 0x8000001e, .eax = 99, .ebx = 0x107},
	};
	struct kvm_cpuid2 *t = calloc(1, sizeof(*t) + CPUID_MAX * sizeof(t->entries[0]));

	assert_non_null(t);
	t->nent = sizeof(host) / sizeof(host[0]);
	memcpy(t->entries, host, sizeof(host));
	return t;
}

static void three_cores_of_one_package(void **state)
{
	struct kvm_cpuid2 *t = table_new();
	const struct cpuid_facts f = {.index = 2,
				      .n_cpus = 3,
				      .tsc_khz = 2500000,
				      .tsc_deadline = true,
				      .hide_pmu = true};

	(void)state;
	cpuid_shape(t, &f);
	assert_int_equal(leaf(t, 1, 0)->ebx, 0x02030800);
	assert_int_equal(leaf(t, 1, 0)->ecx, 0x81000000);
	assert_int_equal(leaf(t, 1, 0)->edx, 0x10000000);
	assert_int_equal(leaf(t, 4, 0)->eax, 0x08000121);
	assert_int_equal(leaf(t, 0xa, 0)->eax, 0);
	assert_int_equal(leaf(t, 0xb, 0)->ebx, 1);
	assert_int_equal(leaf(t, 0xb, 0)->ecx, 0x100);
	assert_int_equal(leaf(t, 0xb, 0)->edx, 2);
	assert_int_equal(leaf(t, 0xb, 1)->eax, 2);
	assert_int_equal(leaf(t, 0xb, 1)->ebx, 3);
	assert_int_equal(leaf(t, 0xb, 1)->ecx, 0x201);
	assert_int_equal(leaf(t, 0x80000008, 0)->ecx, 0x2002);
	assert_int_equal(leaf(t, 0x8000001e, 0)->eax, 2);
	assert_int_equal(leaf(t, 0x8000001e, 0)->ebx, 2);
	assert_int_equal(leaf(t, 0x40000000, 0)->eax, 0x40000010);
	assert_int_equal(leaf(t, 0x40000010, 0)->eax, 2500000);
	free(t);
}

static void one_processor_has_no_siblings(void **state)
{
	struct kvm_cpuid2 *t = table_new();
	const struct cpuid_facts f = {.n_cpus = 1};

	(void)state;
	leaf(t, 1, 0)->edx = UINT32_MAX;
	leaf(t, 0x80000001, 0)->ecx = UINT32_MAX;
	cpuid_shape(t, &f);
	assert_int_equal(leaf(t, 1, 0)->ebx, 0x00010800);
	assert_int_equal(leaf(t, 1, 0)->edx, UINT32_MAX & ~(1u << 28));
	assert_int_equal(leaf(t, 0x80000001, 0)->ecx, UINT32_MAX & ~2u);
	assert_int_equal(leaf(t, 0xa, 0)->eax, 0x08300805);
	free(t);
}

/* What a kernel makes of leaf 0x15, in its 32 bits, in kHz. */
static uint32_t tsc_by_crystal(struct kvm_cpuid2 *t)
{
	const struct kvm_cpuid_entry2 *e = leaf(t, 0x15, 0);
	uint64_t product = (uint64_t)(e->ecx / 1000) * e->ebx;

	assert_true(product <= UINT32_MAX);
	return (uint32_t)product / e->eax;
}

static void the_tsc_is_told_as_hardware_does_within_a_few_ppm(void **state)
{
	static const uint32_t khz[] = {
		1000000, 1999999, 2000000, 2095078, 2445406, 2596122, 2999997, 3333333, 3693060,
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(khz); i++) {
		struct kvm_cpuid2 *t = table_new();
		const struct cpuid_facts f = {.n_cpus = 1, .tsc_khz = khz[i]};
		uint32_t told;

		t->entries[t->nent++] = (struct kvm_cpuid_entry2){.function = 0, .eax = 0xd};
		cpuid_shape(t, &f);
		told = tsc_by_crystal(t);
		assert_in_range(told, khz[i] - khz[i] / 200000, khz[i] + khz[i] / 200000);
		assert_int_equal(leaf(t, 0x15, 0)->ecx, 1000000000); /* the local APIC's clock */
		assert_int_equal(leaf(t, 0x16, 0)->eax, (khz[i] + 500) / 1000);
		assert_int_equal(leaf(t, 0, 0)->eax, 0x16);
		free(t);
	}
}

static void a_tsc_that_is_not_known_is_not_told(void **state)
{
	struct kvm_cpuid2 *t = table_new();
	const struct cpuid_facts f = {.n_cpus = 1};

	(void)state;
	t->entries[t->nent++] = (struct kvm_cpuid_entry2){.function = 0, .eax = 0xd};
	cpuid_shape(t, &f);
	assert_int_equal(leaf(t, 0, 0)->eax, 0xd);
	for (uint32_t i = 0; i < t->nent; i++)
		assert_true(t->entries[i].function != 0x15);
	free(t);
}

static void a_full_table_does_not_overflow(void **state)
{
	struct kvm_cpuid2 *t = table_new();
	const struct cpuid_facts f = {.n_cpus = 2};

	(void)state;
	while (t->nent < CPUID_MAX)
		t->entries[t->nent++].function = 0x80000100;
	cpuid_shape(t, &f);
	assert_int_equal(t->nent, CPUID_MAX);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(three_cores_of_one_package),
		cmocka_unit_test(one_processor_has_no_siblings),
		cmocka_unit_test(the_tsc_is_told_as_hardware_does_within_a_few_ppm),
		cmocka_unit_test(a_tsc_that_is_not_known_is_not_told),
		cmocka_unit_test(a_full_table_does_not_overflow),
	};

	return cmocka_run_group_tests_name("cpuid", tests, NULL, NULL);
}
