#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ACPI tables of a hardware-reduced machine: RSDP, XSDT, FADT, MADT, MCFG; the DSDT is compiled
 * from dsdt.asl. Everything lies in one place below 1 MiB, where kernels without a pointer to the
 * RSDP look for it.
 */
#include <stddef.h>
#include <stdint.h>
#include <lib/cleanup.h>

#define ACPI_GPA  0xe0000u
#define ACPI_SIZE 0x20000u

/**
 * acpi_dsdt() - the compiled DSDT
 *
 * Context: any; pure. Return: its bytes. Source: dsdt.asl.
 */
const uint8_t *acpi_dsdt(size_t *ret_len);

/**
 * acpi_build() - write all tables
 * @at: the memory of guest-physical ACPI_GPA, ACPI_SIZE bytes; the RSDP comes first
 *
 * Context: any; pure. Source: ACPI 6.3, chapter 5.2.
 */
void acpi_build(uint8_t *at, unsigned int n_cpus);
