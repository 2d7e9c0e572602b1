/* SPDX-License-Identifier: BSD-3-Clause */
/* The ACPI tables: checksums, who points to whom, and what iasl reads out of the compiled DSDT. */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <support/test.h>
#include <abi/hpc.h>
#include <acpi.h>

#define CPUS 16u

/* as iasl lays it out */
#define INTERRUPT                                                          \
	"Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive, ,, )\n" \
	"                {\n                    0x%08X,"

static uint8_t tables[ACPI_SIZE];

static uint64_t get(const uint8_t *p, unsigned int n)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < n; i++)
		v |= (uint64_t)p[i] << (8 * i);
	return v;
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

static uint8_t *at(uint64_t gpa)
{
	assert_true(gpa >= ACPI_GPA && gpa < ACPI_GPA + ACPI_SIZE);
	return tables + (gpa - ACPI_GPA);
}

/* The table of this name, by RSDP and XSDT as a guest finds it; its checksum is right. */
static uint8_t *table(const char *signature)
{
	uint8_t *xsdt = at(get(tables + 24, 8));
	uint64_t len = get(xsdt + 4, 4);

	assert_memory_equal(xsdt, "XSDT", 4);
	assert_int_equal(sum(xsdt, len), 0);
	for (uint64_t i = 36; i < len; i += 8) {
		uint8_t *t = at(get(xsdt + i, 8));

		assert_int_equal(sum(t, get(t + 4, 4)), 0);
		if (!memcmp(t, signature, 4))
			return t;
	}
	fail_msg("no table %s", signature);
	return NULL;
}

static int setup(void **state)
{
	(void)state;
	memset(tables, 0xee, sizeof(tables));
	acpi_build(tables, CPUS);
	return 0;
}

static void the_rsdp_is_where_kernels_look_for_it(void **state)
{
	(void)state;
	assert_int_equal(ACPI_GPA % 16, 0);
	assert_memory_equal(tables, "RSD PTR ", 8);
	assert_int_equal(sum(tables, 20), 0);
	assert_int_equal(sum(tables, 36), 0);
	assert_int_equal(tables[15], 2);
}

static void every_processor_and_the_ioapic_are_listed(void **state)
{
	uint8_t *t = table("APIC");
	uint64_t len = get(t + 4, 4);
	unsigned int cpus = 0, ioapics = 0;

	(void)state;
	for (uint64_t i = 44; i < len; i += t[i + 1]) {
		assert_true(t[i + 1] >= 2);
		if (t[i] == 0) {
			assert_int_equal(t[i + 3], cpus);
			assert_int_equal(get(t + i + 4, 4), 1);
			cpus++;
		} else if (t[i] == 1) {
			assert_int_equal(get(t + i + 4, 4), VMM_IOAPIC_BASE);
			assert_int_equal(get(t + i + 8, 4), 0);
			ioapics++;
		}
	}
	assert_int_equal(cpus, CPUS);
	assert_int_equal(ioapics, 1);
}

static void mcfg_names_bus_0_alone(void **state)
{
	uint8_t *t = table("MCFG");

	(void)state;
	assert_int_equal(get(t + 44, 8), VMM_ECAM_BASE);
	assert_int_equal(get(t + 52, 4), 0);
}

static void the_fadt_says_reduced_and_how_to_stop(void **state)
{
	uint8_t *t = table("FACP");
	uint8_t *dsdt = at(get(t + 140, 8));

	(void)state;
	assert_int_equal(get(t + 4, 4), 276);
	assert_int_equal(get(t + 40, 4), get(t + 140, 8));
	assert_int_equal(get(t + 112, 4) & (BIT32(20) | BIT32(10)), BIT32(20) | BIT32(10));
	assert_int_equal(get(t + 120, 8), VMM_HPC_BASE + HPC_RSTB);
	assert_int_equal(t[128], HPC_RSTB_VALUE);
	assert_int_equal(get(t + 248, 8), VMM_HPC_BASE + HPC_SLPC);
	assert_int_equal(get(t + 260, 8), VMM_HPC_BASE + HPC_SLPS);
	assert_memory_equal(dsdt, "DSDT", 4);
	assert_true(dsdt[8] >= 2);
	assert_int_equal(sum(dsdt, get(dsdt + 4, 4)), 0);
}

static char *disassembled(void)
{
	char dir[] = "/tmp/acpi-test-XXXXXX", path[64], command[192];
	size_t len;
	const uint8_t *dsdt = acpi_dsdt(&len);
	char *text = calloc(1, 1 << 20);
	FILE *f;

	assert_non_null(text);
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/dsdt.aml", dir);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(dsdt, 1, len, f), len);
	fclose(f);
	snprintf(command, sizeof(command), "cd %s && iasl -d dsdt.aml >log 2>&1", dir);
	assert_int_equal(system(command), 0);
	snprintf(path, sizeof(path), "%s/dsdt.dsl", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	fclose(f);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	return text;
}

static void says(const char *text, const char *fmt, unsigned int v)
{
	char want[160];

	snprintf(want, sizeof(want), fmt, v);
	if (!strstr(text, want))
		fail_msg("the DSDT lacks %s", want);
}

static void iasl_reads_our_addresses_out_of_the_dsdt(void **state)
{
	char *text = disassembled();

	(void)state;
	says(text, "OperationRegion (HREG, SystemMemory, 0x%08X", VMM_HPC_BASE);
	says(text, "0x%08X,         // Address Base", VMM_ECAM_BASE);
	says(text, "0x%08X,         // Address Length", VMM_ECAM_SIZE);
	says(text, "0x%08X,         // Range Minimum", VMM_MMIO32_BASE);
	says(text, "0x%08X,         // Range Maximum", VMM_MMIO32_END - 1);
	says(text, "0x00000040%08X, // Range Minimum", (uint32_t)VMM_MMIO64_BASE);
	says(text, "0x0000004F%08X, // Range Maximum", (uint32_t)(VMM_MMIO64_END - 1));
	says(text, INTERRUPT, HPC_GSI);
	says(text, INTERRUPT, COM1_GSI);
	for (unsigned int slot = 1; slot < VMM_SLOTS; slot++) {
		says(text, "Device (S%02X)", slot);
		says(text, "Name (_ADR, 0x%08X)", slot << 16);
	}
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_rsdp_is_where_kernels_look_for_it),
		cmocka_unit_test(every_processor_and_the_ioapic_are_listed),
		cmocka_unit_test(mcfg_names_bus_0_alone),
		cmocka_unit_test(the_fadt_says_reduced_and_how_to_stop),
		cmocka_unit_test(iasl_reads_our_addresses_out_of_the_dsdt),
	};

	return cmocka_run_group_tests_name("acpi", tests, setup, NULL);
}
