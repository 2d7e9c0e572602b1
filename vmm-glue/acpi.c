/* SPDX-License-Identifier: BSD-3-Clause */
#include <abi/hpc.h>
#include <string.h>
#include "acpi.h"
#include "dsdt.hex"

#define HEADER_LEN 36u
#define RSDP_LEN   36u
#define RSDP_V1	   20u /* what the first checksum covers */
#define FADT_LEN   276u
#define MCFG_LEN   60u
#define MADT_HEAD  44u
#define LAPIC_LEN  8u
#define IOAPIC_LEN 12u

/* where each table is, from ACPI_GPA on */
#define RSDP_AT 0x000u
#define XSDT_AT 0x080u
#define FADT_AT 0x100u
#define MCFG_AT 0x280u
#define MADT_AT 0x300u
#define DSDT_AT 0x1000u

#define FADT_REVISION	 6u
#define FADT_WBINVD	 BIT32(0)
#define FADT_PWR_BUTTON	 BIT32(4) /* not a fixed one: PNP0C0C */
#define FADT_SLP_BUTTON	 BIT32(5)
#define FADT_FIX_RTC	 BIT32(6)
#define FADT_RESET_REG	 BIT32(10)
#define FADT_HW_REDUCED	 BIT32(20)
#define BOOT_NO_VGA	 BIT32(2)
#define BOOT_NO_CMOS_RTC BIT32(5)

_Static_assert(sizeof(dsdt_aml_code) <= ACPI_SIZE - DSDT_AT, "the DSDT fits its place");

static void put(uint8_t *p, uint64_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> (8 * i));
}

static uint8_t checksum(const uint8_t *p, size_t n)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum = (uint8_t)(sum + p[i]);
	return (uint8_t)-sum;
}

static void header(uint8_t *t, const char *signature, uint8_t revision)
{
	memcpy(t, signature, 4);
	t[8] = revision;
	memcpy(t + 10, "SRIOVD", 6);
	memcpy(t + 16, "SRIOVVMM", 8);
	put(t + 24, 1, 4);
	memcpy(t + 28, "SRIO", 4);
	put(t + 32, 1, 4);
}

static void seal(uint8_t *t, size_t len)
{
	put(t + 4, len, 4);
	t[9] = 0;
	t[9] = checksum(t, len);
}

/* A byte register in memory. */
static void address(uint8_t *p, uint64_t gpa)
{
	p[0] = 0;
	p[1] = 8;
	p[2] = 0;
	p[3] = 1;
	put(p + 4, gpa, 8);
}

static void rsdp(uint8_t *t)
{
	memcpy(t, "RSD PTR ", 8);
	memcpy(t + 9, "SRIOVD", 6);
	t[15] = 2;
	put(t + 20, RSDP_LEN, 4);
	put(t + 24, ACPI_GPA + XSDT_AT, 8);
	t[8] = checksum(t, RSDP_V1);
	t[32] = checksum(t, RSDP_LEN);
}

static void xsdt(uint8_t *t)
{
	static const uint32_t tables[] = {FADT_AT, MADT_AT, MCFG_AT};

	header(t, "XSDT", 1);
	for (unsigned int i = 0; i < ARRAY_SIZE(tables); i++)
		put(t + HEADER_LEN + 8 * i, ACPI_GPA + tables[i], 8);
	seal(t, HEADER_LEN + 8 * ARRAY_SIZE(tables));
}

static void fadt(uint8_t *t)
{
	header(t, "FACP", FADT_REVISION);
	put(t + 40, ACPI_GPA + DSDT_AT, 4);
	put(t + 109, BOOT_NO_VGA | BOOT_NO_CMOS_RTC, 2);
	put(t + 112,
	    FADT_WBINVD | FADT_PWR_BUTTON | FADT_SLP_BUTTON | FADT_FIX_RTC | FADT_RESET_REG |
		    FADT_HW_REDUCED,
	    4);
	address(t + 116, VMM_HPC_BASE + HPC_RSTB);
	t[128] = HPC_RSTB_VALUE;
	t[131] = 3; /* 6.3 */
	put(t + 140, ACPI_GPA + DSDT_AT, 8);
	address(t + 244, VMM_HPC_BASE + HPC_SLPC);
	address(t + 256, VMM_HPC_BASE + HPC_SLPS);
	memcpy(t + 268, "SRIOVD\0", 8);
	seal(t, FADT_LEN);
}

static void madt(uint8_t *t, unsigned int n_cpus)
{
	uint8_t *p = t + MADT_HEAD;

	header(t, "APIC", 5);
	put(t + 36, VMM_LAPIC_BASE, 4);
	for (unsigned int i = 0; i < n_cpus; i++, p += LAPIC_LEN) {
		p[0] = 0;
		p[1] = LAPIC_LEN;
		p[2] = (uint8_t)i;
		p[3] = (uint8_t)i;
		put(p + 4, 1, 4); /* enabled */
	}
	p[0] = 1;
	p[1] = IOAPIC_LEN;
	put(p + 4, VMM_IOAPIC_BASE, 4);
	seal(t, MADT_HEAD + n_cpus * LAPIC_LEN + IOAPIC_LEN);
}

/* Segment 0, bus 0 and no other. */
static void mcfg(uint8_t *t)
{
	header(t, "MCFG", 1);
	put(t + 44, VMM_ECAM_BASE, 8);
	seal(t, MCFG_LEN);
}

const uint8_t *acpi_dsdt(size_t *ret_len)
{
	*ret_len = sizeof(dsdt_aml_code);
	return dsdt_aml_code;
}

void acpi_build(uint8_t *at, unsigned int n_cpus)
{
	memset(at, 0, DSDT_AT);
	rsdp(at + RSDP_AT);
	xsdt(at + XSDT_AT);
	fadt(at + FADT_AT);
	mcfg(at + MCFG_AT);
	madt(at + MADT_AT, n_cpus);
	memcpy(at + DSDT_AT, dsdt_aml_code, sizeof(dsdt_aml_code));
}
