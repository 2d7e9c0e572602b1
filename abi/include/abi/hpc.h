#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The VMM's platform as a guest sees it: where things lie in guest-physical memory, and the hot-plug
 * controller (HPC), one 4 KiB MMIO page of DWORD registers. Other widths read all ones, save for the
 * three byte registers that ACPI wants.
 *
 * Event registers are write-1-to-clear, so a stray read loses nothing. The VMM makes the device
 * visible, then sets PCUP, then EVTS, then pulses HPC_GSI (IOAPIC, edge, active high). The guest
 * clears EVTS first, then reads PCUP and PCDN: a bit set in between raises another edge.
 */
#include <abi/bits.h>

#define VMM_MMIO32_BASE 0xc0000000u /* 32 bit BAR window; the guest places hot-added BARs */
#define VMM_MMIO32_END  0xe8000000u
#define VMM_MMIO64_BASE 0x4000000000u /* 64 bit BAR window, above all RAM, below 2^39 */
#define VMM_MMIO64_END  0x5000000000u
#define VMM_ECAM_BASE   0xe8000000u /* bus 0 only: 1 MiB */
#define VMM_ECAM_SIZE   0x00100000u
#define VMM_HPC_BASE    0xe9000000u
#define VMM_HPC_SIZE    0x1000u
#define VMM_IOAPIC_BASE 0xfec00000u
#define VMM_LAPIC_BASE  0xfee00000u
#define VMM_SLOTS       32u /* slot 0 is the host bridge */

#define COM1_GSI 4u
#define HPC_GSI  5u

#define HPC_EVTS 0x00u /* R, W1C: HPC_EVT_* */
#define HPC_PCUP 0x04u /* R, W1C: slots just plugged */
#define HPC_PCDN 0x08u /* R, W1C: slots asked to be removed */
#define HPC_PCEJ 0x0cu /* W: 1 << slot, the guest let it go */
#define HPC_OSTE 0x10u /* W: _OST source event */
#define HPC_OSTS 0x14u /* W: _OST status in 15:0, slot in 23:16 */
#define HPC_VERS 0x18u /* R: HPC_VERSION */
#define HPC_POWR 0x20u /* W: HPC_POWR_* */
#define HPC_RSTB 0x24u /* W, byte: ACPI's reset register: HPC_RSTB_VALUE resets */
#define HPC_SLPC 0x28u /* W, byte: ACPI's sleep control: HPC_SLPC_OFF switches off */
#define HPC_SLPS 0x2cu /* R, W, byte: ACPI's sleep status: nothing ever wakes, reads 0 */
#define HPC_GDBL 0x40u /* W: guest doorbell, HPC_GDBL_*: look at the guest block */

#define HPC_EVT_PCI     BIT32(0)
#define HPC_EVT_POWER   BIT32(1) /* power button: shut down, please */
#define HPC_EVT_REQUEST BIT32(3) /* a request waits in the guest block */

#define HPC_POWR_OFF   1u
#define HPC_POWR_RESET 2u
#define HPC_RSTB_VALUE 0x42u
#define HPC_SLPC_S5    5u /* sleep type of _S5 */
#define HPC_SLPC_OFF   (BIT32(5) | HPC_SLPC_S5 << 2)

#define HPC_GDBL_CONSOLE BIT32(0) /* text was added to the console ring */
#define HPC_GDBL_IFS     BIT32(1) /* the interface table changed */
#define HPC_GDBL_DONE    BIT32(2) /* a request is finished */

/* _OST of a removal: source events, and the statuses that are no refusal. Source: ACPI 6.4, 6.3.5 */
#define HPC_OST_EJECT    0x003u /* the notification that we send */
#define HPC_OST_EJECT_OS 0x103u /* the system's own wish */
#define HPC_OST_DONE     0x00u
#define HPC_OST_PENDING  0x84u /* ejection in progress */

#define HPC_VERSION 1u
