/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the machine has, for guests that read ACPI. Numbers are those of abi/hpc.h and
 * vmm-glue/acpi.h; a unit test compares them. There is no I/O window, no _PRT and no _OSC: functions
 * have MSI-X only, and hot-plug is the slots' _EJ0 here rather than a bridge's.
 */
#define SLOT(Name_, Adr_, Num_) \
	Device (Name_) { Name (_ADR, Adr_) Name (_SUN, Num_) \
	Method (_EJ0, 1, NotSerialized) { \_SB.HPC0.EJCT (Num_) } \
	Method (_OST, 3, NotSerialized) { \_SB.HPC0.TOLD (Num_, Arg0, Arg1) } }
#define BIT_TOLD(Name_, Bit_) If (Local0 & Bit_) { Notify (Name_, Arg1) }

DefinitionBlock ("", "DSDT", 2, "SRIOVD", "SRIOVVMM", 1)
{
	/* sleep type 5 by the sleep control register, see the FADT */
	Name (_S5, Package () { 5, 5, 0, 0 })

	Scope (\_SB)
	{
		Device (HPC0)
		{
			Name (_HID, EisaId ("PNP0A06"))
			Name (_UID, "HPC")
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xE9000000, 0x1000)
			})
			OperationRegion (HREG, SystemMemory, 0xE9000000, 0x40)
			Field (HREG, DWordAcc, NoLock, WriteAsZeros)
			{
				EVTS, 32, PCUP, 32, PCDN, 32, PCEJ, 32,
				OSTE, 32, OSTS, 32
			}
			Mutex (MTX0, 0)

			Method (EJCT, 1, Serialized)
			{
				Acquire (MTX0, 0xFFFF)
				PCEJ = 1 << Arg0
				Release (MTX0)
			}

			Method (TOLD, 3, Serialized)
			{
				Acquire (MTX0, 0xFFFF)
				OSTE = Arg1
				OSTS = ((Arg0 & 0xFF) << 16) | (Arg2 & 0xFFFF)
				Release (MTX0)
			}

			/* events first, then what they are about: what comes in between is another edge */
			Method (SCAN, 0, Serialized)
			{
				Local1 = EVTS
				EVTS = Local1
				If (Local1 & 1)
				{
					Local2 = PCUP
					PCUP = Local2
					Local3 = PCDN
					PCDN = Local3
					\_SB.PC00.TLSL (Local2, 1)
					\_SB.PC00.TLSL (Local3, 3)
				}
				If (Local1 & 2)
				{
					Notify (\_SB.PWRB, 0x80)
				}
			}
		}

		/* what MCFG names must be somebody's, or Linux does not use it */
		Device (MBRD)
		{
			Name (_HID, EisaId ("PNP0C02"))
			Name (_UID, "MBRD")
			Name (_CRS, ResourceTemplate () {
				Memory32Fixed (ReadWrite, 0xE8000000, 0x00100000)
			})
		}

		Device (PC00)
		{
			Name (_HID, EisaId ("PNP0A08"))
			Name (_CID, EisaId ("PNP0A03"))
			Name (_SEG, 0)
			Name (_BBN, 0)
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate () {
				WordBusNumber (ResourceProducer, MinFixed, MaxFixed, PosDecode,
					0, 0, 0, 0, 1)
				DWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, NonCacheable,
					ReadWrite, 0, 0xC0000000, 0xE7FFFFFF, 0, 0x28000000)
				QWordMemory (ResourceProducer, PosDecode, MinFixed, MaxFixed, Cacheable,
					ReadWrite, 0, 0x4000000000, 0x4FFFFFFFFF, 0, 0x1000000000)
			})

			SLOT (S01, 0x010000, 1)
			SLOT (S02, 0x020000, 2)
			SLOT (S03, 0x030000, 3)
			SLOT (S04, 0x040000, 4)
			SLOT (S05, 0x050000, 5)
			SLOT (S06, 0x060000, 6)
			SLOT (S07, 0x070000, 7)
			SLOT (S08, 0x080000, 8)
			SLOT (S09, 0x090000, 9)
			SLOT (S0A, 0x0A0000, 10)
			SLOT (S0B, 0x0B0000, 11)
			SLOT (S0C, 0x0C0000, 12)
			SLOT (S0D, 0x0D0000, 13)
			SLOT (S0E, 0x0E0000, 14)
			SLOT (S0F, 0x0F0000, 15)
			SLOT (S10, 0x100000, 16)
			SLOT (S11, 0x110000, 17)
			SLOT (S12, 0x120000, 18)
			SLOT (S13, 0x130000, 19)
			SLOT (S14, 0x140000, 20)
			SLOT (S15, 0x150000, 21)
			SLOT (S16, 0x160000, 22)
			SLOT (S17, 0x170000, 23)
			SLOT (S18, 0x180000, 24)
			SLOT (S19, 0x190000, 25)
			SLOT (S1A, 0x1A0000, 26)
			SLOT (S1B, 0x1B0000, 27)
			SLOT (S1C, 0x1C0000, 28)
			SLOT (S1D, 0x1D0000, 29)
			SLOT (S1E, 0x1E0000, 30)
			SLOT (S1F, 0x1F0000, 31)

			Method (TLSL, 2, Serialized)
			{
				Local0 = Arg0
				BIT_TOLD (S01, 0x00000002)
				BIT_TOLD (S02, 0x00000004)
				BIT_TOLD (S03, 0x00000008)
				BIT_TOLD (S04, 0x00000010)
				BIT_TOLD (S05, 0x00000020)
				BIT_TOLD (S06, 0x00000040)
				BIT_TOLD (S07, 0x00000080)
				BIT_TOLD (S08, 0x00000100)
				BIT_TOLD (S09, 0x00000200)
				BIT_TOLD (S0A, 0x00000400)
				BIT_TOLD (S0B, 0x00000800)
				BIT_TOLD (S0C, 0x00001000)
				BIT_TOLD (S0D, 0x00002000)
				BIT_TOLD (S0E, 0x00004000)
				BIT_TOLD (S0F, 0x00008000)
				BIT_TOLD (S10, 0x00010000)
				BIT_TOLD (S11, 0x00020000)
				BIT_TOLD (S12, 0x00040000)
				BIT_TOLD (S13, 0x00080000)
				BIT_TOLD (S14, 0x00100000)
				BIT_TOLD (S15, 0x00200000)
				BIT_TOLD (S16, 0x00400000)
				BIT_TOLD (S17, 0x00800000)
				BIT_TOLD (S18, 0x01000000)
				BIT_TOLD (S19, 0x02000000)
				BIT_TOLD (S1A, 0x04000000)
				BIT_TOLD (S1B, 0x08000000)
				BIT_TOLD (S1C, 0x10000000)
				BIT_TOLD (S1D, 0x20000000)
				BIT_TOLD (S1E, 0x40000000)
				BIT_TOLD (S1F, 0x80000000)
			}
		}

		Device (GED0)
		{
			Name (_HID, "ACPI0013")
			Name (_UID, 0)
			Name (_CRS, ResourceTemplate () {
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 5 }
			})
			Method (_EVT, 1, Serialized) { \_SB.HPC0.SCAN () }
		}

		Device (PWRB)
		{
			Name (_HID, EisaId ("PNP0C0C"))
			Name (_UID, 0)
		}

		Device (COM1)
		{
			Name (_HID, EisaId ("PNP0501"))
			Name (_UID, 0)
			Name (_DDN, "COM1")
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x03F8, 0x03F8, 1, 8)
				Interrupt (ResourceConsumer, Edge, ActiveHigh, Exclusive) { 4 }
			})
		}

		/* where a guest says that it panicked */
		Device (PEVT)
		{
			Name (_HID, "QEMU0001")
			Name (_UID, 0)
			Name (_STA, 0x0F)
			Name (_CRS, ResourceTemplate () {
				IO (Decode16, 0x0505, 0x0505, 1, 1)
			})
		}
	}
}
