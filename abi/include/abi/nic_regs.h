#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 82576 registers, once: drivers take the offsets (nic_RDT(q), nicvf_RDT(q)), the software NIC takes
 * access and reset value, tools take names and meanings, a unit test proves the rows consistent.
 *
 * Row: R(name, offset, stride, count, access, reset, "meaning", "source"). A register array whose
 * elements are not evenly spaced has one row per even part. Sources: docs/sources.md (Q, L, D, N, P).
 *
 * PF rows are offsets in BAR0 of the PF, VF rows in BAR0 of a VF. "queue n" is the physical queue.
 */
#include <abi/bits.h>

enum nic_access {
	NIC_RW,  /* plain storage */
	NIC_RO,  /* writes ignored */
	NIC_WO,  /* reads 0 */
	NIC_RC,  /* counter, cleared by a read */
	NIC_W1C, /* writing 1 clears */
	NIC_W1S, /* writing 1 sets */
	NIC_SP,  /* behaviour of its own; see the model */
};

#define NIC_PF_REGS(R)                                                                            \
	R(CTRL,       0x00000, 0,     1,   SP,  0x00100209, "device control", "L D Q")            \
	R(CTRL_ALIAS, 0x00004, 0,     1,   SP,  0x00100209, "alias of CTRL", "Q")                 \
	R(STATUS,     0x00008, 0,     1,   SP,  0x80080783, "device status", "L D Q")             \
	R(EECD,       0x00010, 0,     1,   RW,  0x00001300, "NVM control: PRES, AUTO_RD, size", "Q") \
	R(EERD,       0x00014, 0,     1,   SP,  0,          "NVM read", "L D Q")                  \
	R(CTRL_EXT,   0x00018, 0,     1,   SP,  0,          "extended device control", "L D Q")   \
	R(MDIC,       0x00020, 0,     1,   SP,  0,          "PHY access", "L D Q")                \
	R(SCTL,       0x00024, 0,     1,   RW,  0,          "serdes control", "L")                \
	R(FCAL,       0x00028, 0,     1,   RW,  0,          "pause frame address low", "L")       \
	R(FCAH,       0x0002c, 0,     1,   RW,  0,          "pause frame address high", "L")      \
	R(FCT,        0x00030, 0,     1,   RW,  0,          "pause frame type", "L")              \
	R(CONNSW,     0x00034, 0,     1,   RW,  0,          "copper/fibre switch", "L")           \
	R(VET,        0x00038, 0,     1,   RW,  0x81008100, "VLAN ether types", "L D Q")          \
	R(ICR_LEGACY, 0x000c0, 0,     1,   SP,  0,          "alias of ICR", "L D Q")              \
	R(ITR,        0x000c4, 0,     1,   RW,  0,          "legacy interrupt throttle", "L")     \
	R(ICS_LEGACY, 0x000c8, 0,     1,   SP,  0,          "alias of ICS", "L D Q")              \
	R(IMS_LEGACY, 0x000d0, 0,     1,   SP,  0,          "alias of IMS", "L D Q")              \
	R(IMC_LEGACY, 0x000d8, 0,     1,   SP,  0,          "alias of IMC", "L D Q")              \
	R(IAM_LEGACY, 0x000e0, 0,     1,   SP,  0,          "alias of IAM", "L D Q")              \
	R(RCTL,       0x00100, 0,     1,   SP,  0,          "receive control", "L D Q")           \
	R(FCTTV,      0x00170, 0,     1,   RW,  0,          "pause time", "L")                    \
	R(TCTL,       0x00400, 0,     1,   SP,  0xa40400f8, "transmit control", "L D Q")          \
	R(TCTL_EXT,   0x00404, 0,     1,   RW,  0x00010840, "extended transmit control", "Q")     \
	R(TIPG,       0x00410, 0,     1,   RW,  0x00601008, "inter packet gap", "L Q")            \
	R(VMBMEM,     0x00800, 0x4,   128, SP,  0,          "mailbox memory, 16 dwords a VF", "L D Q N") \
	R(P2VMAILBOX, 0x00c00, 0x4,   8,   SP,  0,          "PF side of VF n's mailbox", "L D Q N") \
	R(MBVFICR,    0x00c80, 0,     1,   SP,  0,          "mailbox causes: REQ 7:0, ACK 23:16", "L D Q") \
	R(MBVFIMR,    0x00c84, 0,     1,   RW,  0xff,       "mailbox interrupt mask", "L Q")      \
	R(VFLRE,      0x00c88, 0,     1,   W1C, 0,          "VF n was reset", "L D Q")            \
	R(VFRE,       0x00c8c, 0,     1,   SP,  0xff,       "receive enable per pool", "L D Q")   \
	R(VFTE,       0x00c90, 0,     1,   SP,  0xff,       "transmit enable per pool", "L D Q")  \
	R(LEDCTL,     0x00e00, 0,     1,   RW,  0x07068302, "LED control", "Q")                   \
	R(PBA,        0x01000, 0,     1,   RW,  0,          "packet buffer (82575)", "L")         \
	R(PBS,        0x01008, 0,     1,   RW,  0,          "packet buffer size (82575)", "L")    \
	R(EEMNGCTL,   0x01010, 0,     1,   RW,  0x800c0000, "NVM management: CFG_DONE", "L Q")    \
	R(EEWR,       0x0102c, 0,     1,   RW,  0,          "NVM write", "D")                     \
	R(FRTIMER,    0x01048, 0,     1,   SP,  0,          "free running timer", "Q")            \
	R(TCPTIMER,   0x0104c, 0,     1,   RW,  0,          "TCP timer", "L")                     \
	R(ICR,        0x01500, 0,     1,   SP,  0,          "interrupt cause", "N D")             \
	R(ICS,        0x01504, 0,     1,   SP,  0,          "interrupt cause set", "N D")         \
	R(IMS,        0x01508, 0,     1,   SP,  0,          "interrupt mask set", "N D")          \
	R(IMC,        0x0150c, 0,     1,   SP,  0,          "interrupt mask clear", "N D")        \
	R(IAM,        0x01510, 0,     1,   SP,  0,          "interrupt auto mask", "N D")         \
	R(GPIE,       0x01514, 0,     1,   SP,  0,          "general purpose interrupt enable", "L D Q") \
	R(EICS,       0x01520, 0,     1,   SP,  0,          "extended cause set", "L D Q")        \
	R(EIMS,       0x01524, 0,     1,   SP,  0,          "extended mask set", "L D Q")         \
	R(EIMC,       0x01528, 0,     1,   SP,  0,          "extended mask clear", "L D Q")       \
	R(EIAC,       0x0152c, 0,     1,   SP,  0,          "extended auto clear", "L D Q")       \
	R(EIAM,       0x01530, 0,     1,   SP,  0,          "extended auto mask", "L D Q")        \
	R(EICR,       0x01580, 0,     1,   SP,  0,          "extended cause", "L D Q")            \
	R(MSIXBM,     0x01600, 0x4,   10,  RW,  0,          "82575 vector map", "L")              \
	R(EITR,       0x01680, 0x4,   25,  RW,  0,          "interrupt throttle, µs in 14:2", "L D Q") \
	R(IVAR,       0x01700, 0x4,   8,   RW,  0,          "queue to vector", "L D Q")           \
	R(IVAR_MISC,  0x01740, 0,     1,   RW,  0,          "other causes to vector", "L D Q")    \
	R(FCRTL,      0x02160, 0,     1,   RW,  0,          "flow control low", "L")              \
	R(FCRTH,      0x02168, 0,     1,   RW,  0,          "flow control high", "L")             \
	R(RXPBS,      0x02404, 0,     1,   RW,  0x40,       "receive buffer, KB", "L Q")          \
	R(QDE,        0x02408, 0,     1,   RW,  0,          "queue drop enable", "L")             \
	R(FCRTV,      0x02460, 0,     1,   RW,  0,          "flow control refresh", "L")          \
	R(SWPBS,      0x03004, 0,     1,   RW,  0,          "switch buffer, KB", "L")             \
	R(TXPBS,      0x03404, 0,     1,   RW,  0x28,       "transmit buffer, KB", "L Q")         \
	R(DTXSWC,     0x03500, 0,     1,   SP,  0,          "switch control: anti-spoof, loopback", "L D Q") \
	R(LVMMC,      0x03548, 0,     1,   RC,  0,          "last misbehaving VM", "L")           \
	R(WVBR,       0x03554, 0,     1,   RC,  0,          "queues that spoofed", "L Q")         \
	R(MDFB,       0x03558, 0,     1,   RW,  0,          "malicious driver blocked", "L")      \
	R(DTXCTL,     0x03590, 0,     1,   RW,  0x44,       "DMA transmit control", "L D Q")      \
	R(RTTDQSEL,   0x03604, 0,     1,   RW,  0,          "rate limiter queue select", "L")     \
	R(RTTBCNRM,   0x03690, 0,     1,   RW,  0,          "rate limiter memory window", "L")    \
	R(RTTBCNRC,   0x036b0, 0,     1,   RW,  0,          "rate limiter factor", "L")           \
	R(VMVIR,      0x03700, 0x4,   8,   SP,  0,          "VLAN a pool's frames get", "L D Q")  \
	R(CRCERRS,    0x04000, 0,     1,   RC,  0,          "CRC errors", "L")                    \
	R(MPC,        0x04010, 0,     1,   RC,  0,          "missed packets", "L")                \
	R(GPRC,       0x04074, 0,     1,   RC,  0,          "good packets received", "L")         \
	R(BPRC,       0x04078, 0,     1,   RC,  0,          "broadcasts received", "L")           \
	R(MPRC,       0x0407c, 0,     1,   RC,  0,          "multicasts received", "L")           \
	R(GPTC,       0x04080, 0,     1,   RC,  0,          "good packets transmitted", "L")      \
	R(GORCL,      0x04088, 0,     1,   SP,  0,          "good octets received, low", "L")     \
	R(GORCH,      0x0408c, 0,     1,   SP,  0,          "good octets received, high", "L")    \
	R(GOTCL,      0x04090, 0,     1,   SP,  0,          "good octets transmitted, low", "L")  \
	R(GOTCH,      0x04094, 0,     1,   SP,  0,          "good octets transmitted, high", "L") \
	R(RNBC,       0x040a0, 0,     1,   RC,  0,          "no receive buffer", "L")             \
	R(ROC,        0x040ac, 0,     1,   RC,  0,          "oversized", "L")                     \
	R(TPR,        0x040d0, 0,     1,   RC,  0,          "packets received, all", "L")         \
	R(TPT,        0x040d4, 0,     1,   RC,  0,          "packets transmitted, all", "L")      \
	R(MPTC,       0x040f0, 0,     1,   RC,  0,          "multicasts transmitted", "L")        \
	R(BPTC,       0x040f4, 0,     1,   RC,  0,          "broadcasts transmitted", "L")        \
	R(SSVPC,      0x041a0, 0,     1,   RC,  0,          "spoofed packets", "L")               \
	R(PCS_CFG0,   0x04200, 0,     1,   RW,  0,          "serdes configuration", "L")          \
	R(PCS_LCTL,   0x04208, 0,     1,   RW,  0,          "serdes link control", "L")           \
	R(PCS_LSTAT,  0x0420c, 0,     1,   RO,  0,          "serdes link status", "L")            \
	R(RXCSUM,     0x05000, 0,     1,   RW,  0x300,      "receive checksum control", "L D Q")  \
	R(RLPML,      0x05004, 0,     1,   SP,  0x2600,     "longest frame, bytes with CRC", "L D Q") \
	R(RFCTL,      0x05008, 0,     1,   RW,  0,          "receive filter control", "L")        \
	R(MTA,        0x05200, 0x4,   128, SP,  0,          "multicast hash table", "L D Q")      \
	R(RAL,        0x05400, 0x8,   16,  SP,  0,          "receive address 0..15, low", "L D Q") \
	R(RAH,        0x05404, 0x8,   16,  SP,  0,          "receive address 0..15, high", "L D Q") \
	R(RAL2,       0x054e0, 0x8,   8,   SP,  0,          "receive address 16..23, low", "L D Q") \
	R(RAH2,       0x054e4, 0x8,   8,   SP,  0,          "receive address 16..23, high", "L D Q") \
	R(PSRTYPE,    0x05480, 0x4,   8,   RW,  0,          "header split types", "L D")          \
	R(VFTA,       0x05600, 0x4,   128, SP,  0,          "VLAN filter table", "L D Q")         \
	R(WUC,        0x05800, 0,     1,   RW,  0,          "wake-up control", "L")               \
	R(WUFC,       0x05808, 0,     1,   RW,  0,          "wake-up filter", "L")                \
	R(WUS,        0x05810, 0,     1,   W1C, 0,          "wake-up status", "L")                \
	R(MRQC,       0x05818, 0,     1,   SP,  0,          "multiple receive queues", "L D Q")   \
	R(VT_CTL,     0x0581c, 0,     1,   SP,  0,          "virtualization control", "L D Q")    \
	R(MANC,       0x05820, 0,     1,   RW,  0,          "management control", "L")            \
	R(MANC2H,     0x05860, 0,     1,   RW,  0,          "management to host", "L")            \
	R(VMOLR,      0x05ad0, 0x4,   8,   SP,  0x80002600, "offload and filter per pool", "L D Q") \
	R(RPLOLR,     0x05af0, 0,     1,   SP,  0x80000000, "offload of replicated frames", "L Q") \
	R(GCR,        0x05b00, 0,     1,   RW,  0,          "PCIe control", "L")                  \
	R(FACTPS,     0x05b30, 0,     1,   RO,  0,          "function active", "L")               \
	R(SWSM,       0x05b50, 0,     1,   RW,  0,          "software semaphore", "L D")          \
	R(FWSM,       0x05b54, 0,     1,   RO,  0,          "firmware semaphore", "L D")          \
	R(SW_FW_SYNC, 0x05b5c, 0,     1,   RW,  0,          "software firmware sync", "L D")      \
	R(PBACLR,     0x05b68, 0,     1,   SP,  0,          "MSI-X PBA clear", "L D")             \
	R(DCA_CTRL,   0x05b74, 0,     1,   RW,  0,          "DCA control", "L")                   \
	R(IOVTCL,     0x05bbc, 0,     1,   RW,  0,          "IOV control", "D")                   \
	R(RETA,       0x05c00, 0x4,   32,  RW,  0,          "RSS redirection", "L D Q")           \
	R(RSSRK,      0x05c80, 0x4,   10,  RW,  0,          "RSS key", "L D Q")                   \
	R(ETQF,       0x05cb0, 0x4,   8,   RW,  0,          "ether type filters", "L")            \
	R(VLVF,       0x05d00, 0x4,   32,  SP,  0,          "VLAN pool filter", "L D Q")          \
	R(UTA,        0x0a000, 0x4,   128, SP,  0,          "unicast hash table", "L D Q")        \
	R(TSICR,      0x0b66c, 0,     1,   RO,  0,          "time sync cause", "L")               \
	R(RDBAL,      0x0c000, 0x40,  16,  SP,  0,          "receive ring base low", "L D Q")     \
	R(RDBAH,      0x0c004, 0x40,  16,  SP,  0,          "receive ring base high", "L D Q")    \
	R(RDLEN,      0x0c008, 0x40,  16,  SP,  0,          "receive ring bytes", "L D Q")        \
	R(SRRCTL,     0x0c00c, 0x40,  16,  SP,  0x80000400, "split and replication control", "L D Q N") \
	R(RDH,        0x0c010, 0x40,  16,  SP,  0,          "receive head", "L D Q")              \
	R(RXCTL,      0x0c014, 0x40,  16,  SP,  0,          "receive DCA control", "L D Q")       \
	R(RDT,        0x0c018, 0x40,  16,  SP,  0,          "receive tail", "L D Q")              \
	R(RXDCTL,     0x0c028, 0x40,  16,  SP,  0x00010000, "receive descriptor control", "L D Q N") \
	R(RQDPC,      0x0c030, 0x40,  16,  SP,  0,          "packets dropped by the queue", "L D Q") \
	R(TDBAL,      0x0e000, 0x40,  16,  SP,  0,          "transmit ring base low", "L D Q")    \
	R(TDBAH,      0x0e004, 0x40,  16,  SP,  0,          "transmit ring base high", "L D Q")   \
	R(TDLEN,      0x0e008, 0x40,  16,  SP,  0,          "transmit ring bytes", "L D Q")       \
	R(TDH,        0x0e010, 0x40,  16,  SP,  0,          "transmit head", "L D Q")             \
	R(TXCTL,      0x0e014, 0x40,  16,  SP,  0x2a00,     "transmit DCA control", "L D Q N")    \
	R(TDT,        0x0e018, 0x40,  16,  SP,  0,          "transmit tail", "L D Q")             \
	R(TXDCTL,     0x0e028, 0x40,  16,  SP,  0,          "transmit descriptor control", "L D Q N") \
	R(TDWBAL,     0x0e038, 0x40,  16,  SP,  0,          "head write-back address low", "L Q") \
	R(TDWBAH,     0x0e03c, 0x40,  16,  SP,  0,          "head write-back address high", "L Q") \
	R(PVFGPRC,    0x10010, 0x100, 8,   RO,  0,          "VF n: good packets received", "D Q") \
	R(PVFGPTC,    0x10014, 0x100, 8,   RO,  0,          "VF n: good packets transmitted", "D Q") \
	R(PVFGORC,    0x10018, 0x100, 8,   RO,  0,          "VF n: good octets received", "D Q") \
	R(PVFGOTC,    0x10034, 0x100, 8,   RO,  0,          "VF n: good octets transmitted", "D Q") \
	R(PVFMPRC,    0x1003c, 0x100, 8,   RO,  0,          "VF n: multicasts received", "Q")     \
	R(PVFGPRLBC,  0x10040, 0x100, 8,   RO,  0,          "VF n: packets received by loopback", "D Q") \
	R(PVFGPTLBC,  0x10044, 0x100, 8,   RO,  0,          "VF n: packets sent to loopback", "D Q") \
	R(PVFGORLBC,  0x10048, 0x100, 8,   RO,  0,          "VF n: octets received by loopback", "D Q") \
	R(PVFGOTLBC,  0x10050, 0x100, 8,   RO,  0,          "VF n: octets sent to loopback", "D Q")

/* Queues 0..3 also answer at 0x2800 + 0x100 n (receive) and 0x3800 + 0x100 n (transmit). */
#define NIC_RXQ_LOW_BASE   0x2800u
#define NIC_TXQ_LOW_BASE   0x3800u
#define NIC_Q_LOW_STRIDE   0x100u
#define NIC_Q_LOW_COUNT    4u
#define NIC_RXQ_BASE       0xc000u
#define NIC_TXQ_BASE       0xe000u
#define NIC_Q_STRIDE       0x40u

#define NIC_VF_REGS(R)                                                                            \
	R(VTCTRL,      0x0000, 0,     1,  SP, 0,          "VF control: RST", "L D Q N")           \
	R(VTSTATUS,    0x0008, 0,     1,  SP, 0,          "as STATUS", "L D Q N")                 \
	R(VFMBMEM,     0x0800, 0x4,   16, SP, 0,          "mailbox memory", "L D Q N")            \
	R(V2PMAILBOX,  0x0c40, 0,     1,  SP, 0,          "VF side of the mailbox", "L D Q N")    \
	R(VTPBACL,     0x0f04, 0,     1,  SP, 0,          "MSI-X PBA clear", "Q")                 \
	R(VTPSRTYPE,   0x0f0c, 0,     1,  SP, 0,          "header split types", "L D Q")          \
	R(VFGPRC,      0x0f10, 0,     1,  RO, 0,          "good packets received", "L D Q N")     \
	R(VFGPTC,      0x0f14, 0,     1,  RO, 0,          "good packets transmitted", "L D Q N")  \
	R(VFGORC,      0x0f18, 0,     1,  RO, 0,          "good octets received", "L D Q N")      \
	R(VFGOTC,      0x0f34, 0,     1,  RO, 0,          "good octets transmitted", "L D Q N")   \
	R(VFMPRC,      0x0f3c, 0,     1,  RO, 0,          "multicasts received", "L D Q N")       \
	R(VFGPRLBC,    0x0f40, 0,     1,  RO, 0,          "packets received by loopback", "L D Q") \
	R(VFGPTLBC,    0x0f44, 0,     1,  RO, 0,          "packets sent to loopback", "L D Q")    \
	R(VFGORLBC,    0x0f48, 0,     1,  RO, 0,          "octets received by loopback", "L D Q") \
	R(VFGOTLBC,    0x0f50, 0,     1,  RO, 0,          "octets sent to loopback", "L D Q")     \
	R(VTFRTIMER,   0x1048, 0,     1,  SP, 0,          "free running timer", "L D Q")          \
	R(VTEICS,      0x1520, 0,     1,  SP, 0,          "cause set", "L D Q N")                 \
	R(VTEIMS,      0x1524, 0,     1,  SP, 0,          "mask set", "L D Q N")                  \
	R(VTEIMC,      0x1528, 0,     1,  SP, 0,          "mask clear", "L D Q N")                \
	R(VTEIAC,      0x152c, 0,     1,  SP, 0,          "auto clear", "L D Q N")                \
	R(VTEIAM,      0x1530, 0,     1,  SP, 0,          "auto mask", "L D Q N")                 \
	R(VTEICR,      0x1580, 0,     1,  SP, 0,          "cause", "L D Q N")                     \
	R(VTEITR,      0x1680, 0x4,   3,  RW, 0,          "interrupt throttle", "L D Q N")        \
	R(VTIVAR,      0x1700, 0,     1,  SP, 0x0a0a0a0a, "queue to vector", "L D Q N")           \
	R(VTIVAR_MISC, 0x1740, 0,     1,  SP, 0,          "mailbox to vector", "L D Q N")         \
	R(VRDBAL,      0x2800, 0x100, 2,  RW, 0,          "receive ring base low", "L D Q N")     \
	R(VRDBAH,      0x2804, 0x100, 2,  RW, 0,          "receive ring base high", "L D Q N")    \
	R(VRDLEN,      0x2808, 0x100, 2,  RW, 0,          "receive ring bytes", "L D Q N")        \
	R(VSRRCTL,     0x280c, 0x100, 2,  RW, 0x80000400, "split and replication control", "L D Q N") \
	R(VRDH,        0x2810, 0x100, 2,  RW, 0,          "receive head", "L D Q N")              \
	R(VRXCTL,      0x2814, 0x100, 2,  RW, 0,          "receive DCA control", "L D Q N")       \
	R(VRDT,        0x2818, 0x100, 2,  RW, 0,          "receive tail", "L D Q N")              \
	R(VRXDCTL,     0x2828, 0x100, 2,  RW, 0x00010000, "receive descriptor control", "L D Q N") \
	R(VRQDPC,      0x2830, 0x100, 2,  RW, 0,          "packets dropped by the queue", "L D Q") \
	R(VTDBAL,      0x3800, 0x100, 2,  RW, 0,          "transmit ring base low", "L D Q N")    \
	R(VTDBAH,      0x3804, 0x100, 2,  RW, 0,          "transmit ring base high", "L D Q N")   \
	R(VTDLEN,      0x3808, 0x100, 2,  RW, 0,          "transmit ring bytes", "L D Q N")       \
	R(VTDH,        0x3810, 0x100, 2,  RW, 0,          "transmit head", "L D Q N")             \
	R(VTXCTL,      0x3814, 0x100, 2,  RW, 0x2a00,     "transmit DCA control", "L D Q N")      \
	R(VTDT,        0x3818, 0x100, 2,  RW, 0,          "transmit tail", "L D Q N")             \
	R(VTXDCTL,     0x3828, 0x100, 2,  RW, 0,          "transmit descriptor control", "L D Q N") \
	R(VTDWBAL,     0x3838, 0x100, 2,  RW, 0,          "head write-back address low", "L Q")   \
	R(VTDWBAH,     0x383c, 0x100, 2,  RW, 0,          "head write-back address high", "L Q")

/*
 * nic_NAME(i): offset of element i of PF register NAME; nicvf_NAME(i): the same for a VF register.
 * A row without array takes 0.
 */
#define NIC_OFFSET_FN_(prefix, name, off, stride, n)                                              \
	static inline uint32_t prefix##name(uint32_t i)                                           \
	{                                                                                         \
		assert(i < (n));                                                                  \
		return (off) + (stride) * i;                                                      \
	}
#define NIC_PF_OFFSET_FN_(name, off, stride, n, acc, reset, what, src)                            \
	NIC_OFFSET_FN_(nic_, name, off, stride, n)
#define NIC_VF_OFFSET_FN_(name, off, stride, n, acc, reset, what, src)                            \
	NIC_OFFSET_FN_(nicvf_, name, off, stride, n)
NIC_PF_REGS(NIC_PF_OFFSET_FN_)
NIC_VF_REGS(NIC_VF_OFFSET_FN_)

struct nic_reg {
	const char *name;
	uint32_t offset;
	uint32_t stride; /* 0 for a single register */
	uint32_t count;
	enum nic_access access;
	uint32_t reset;
	const char *meaning;
};

extern const struct nic_reg nic_pf_regs[];
extern const size_t nic_pf_regs_n;
extern const struct nic_reg nic_vf_regs[];
extern const size_t nic_vf_regs_n;

/**
 * nic_reg_at() - the row that covers an offset
 * @regs, @n: nic_pf_regs or nic_vf_regs
 * @offset:   byte offset in the BAR, multiple of 4
 * @ret_index: element of the row; may be NULL
 *
 * Context: any; pure; linear, for set-up and tools.
 * Return: the row, or NULL when nothing is there.
 * Source: this table.
 */
const struct nic_reg *nic_reg_at(const struct nic_reg *regs, size_t n, uint32_t offset,
				 uint32_t *ret_index);

/* Receive address entry i of 24, wherever it lies. */
#define NIC_RAR_COUNT 24u
static inline uint32_t nic_RAR_low(uint32_t i)
{
	return i < 16 ? nic_RAL(i) : nic_RAL2(i - 16);
}

static inline uint32_t nic_RAR_high(uint32_t i)
{
	return i < 16 ? nic_RAH(i) : nic_RAH2(i - 16);
}

/* CTRL */
#define CTRL_FD                 BIT32(0)
#define CTRL_GIO_MASTER_DISABLE BIT32(2)
#define CTRL_SLU                BIT32(6)
#define CTRL_FRCSPD             BIT32(11)
#define CTRL_FRCDPX             BIT32(12)
#define CTRL_RST                BIT32(26) /* self clearing */
#define CTRL_VME                BIT32(30)
#define CTRL_PHY_RST            BIT32(31)

/* STATUS and VTSTATUS */
#define STATUS_FD                BIT32(0)
#define STATUS_LU                BIT32(1)
#define STATUS_SPEED             BITS(7, 6) /* 0 = 10, 1 = 100, 2 = 1000 Mbit/s */
#define STATUS_PHYRA             BIT32(10)
#define STATUS_NUM_VFS           BITS(17, 14)
#define STATUS_IOV_MODE          BIT32(18)
#define STATUS_GIO_MASTER_ENABLE BIT32(19)

/* EECD, EERD, MDIC */
#define EECD_GNT       BIT32(7)
#define EECD_PRES      BIT32(8)
#define EECD_AUTO_RD   BIT32(9)
#define EECD_SIZE_EX   BITS(14, 11)
#define EERD_START     BIT32(0)
#define EERD_DONE      BIT32(1)
#define EERD_ADDR      BITS(15, 2)
#define EERD_DATA      BITS(31, 16)
#define MDIC_DATA      BITS(15, 0)
#define MDIC_REGADD    BITS(20, 16)
#define MDIC_PHYADD    BITS(25, 21)
#define MDIC_OP        BITS(27, 26)
#define MDIC_OP_WRITE  1
#define MDIC_OP_READ   2
#define MDIC_READY     BIT32(28)
#define MDIC_ERROR     BIT32(30)

/* CTRL_EXT */
#define CTRL_EXT_PFRSTD    BIT32(14)
#define CTRL_EXT_LINK_MODE BITS(23, 22)
#define CTRL_EXT_DRV_LOAD  BIT32(28)

/* ICR, ICS, IMS, IMC */
#define ICR_TXDW         BIT32(0)
#define ICR_LSC          BIT32(2)
#define ICR_RXO          BIT32(6)
#define ICR_RXDW         BIT32(7)
#define ICR_VMMB         BIT32(8)
#define ICR_DOUTSYNC     BIT32(28)
#define ICR_DRSTA        BIT32(30)
#define ICR_INT_ASSERTED BIT32(31)
#define IMS_WRITABLE     0x77d4fbfdu

/* GPIE, IVAR */
#define GPIE_NSICR         BIT32(0)
#define GPIE_MULTIPLE_MSIX BIT32(4)
#define GPIE_EIAME         BIT32(30)
#define GPIE_PBA           BIT32(31)
#define EIMS_MSIX_MASK     0x01ffffffu
#define IVAR_VECTOR        BITS(4, 0) /* of one byte */
#define IVAR_VALID         BIT32(7)
#define VTIVAR_VECTOR      BITS(1, 0)
#define EITR_INTERVAL      BITS(14, 2) /* µs */

/**
 * nic_vf_vector() - PF vector of VF @vf's local vector @v (0..2), as a bit of EICR and index of
 * EITR
 *
 * Context: any; pure; asserts the ranges. Return: the vector, 0 to 24. Source: docs/sources.md [L]
 * [Q].
 */
static inline uint32_t nic_vf_vector(uint32_t vf, uint32_t v)
{
	assert(vf < 8 && v < 3);
	return 22 - 3 * vf + v;
}

/* RCTL, TCTL, RLPML */
#define RCTL_EN    BIT32(1)
#define RCTL_SBP   BIT32(2)
#define RCTL_UPE   BIT32(3)
#define RCTL_MPE   BIT32(4)
#define RCTL_LPE   BIT32(5)
#define RCTL_LBM   BITS(7, 6)
#define RCTL_MO    BITS(13, 12)
#define RCTL_BAM   BIT32(15)
#define RCTL_BSIZE BITS(17, 16)
#define RCTL_VFE   BIT32(18)
#define RCTL_SECRC BIT32(26)
#define TCTL_EN    BIT32(1)
#define TCTL_PSP   BIT32(3)
#define TCTL_CT    BITS(11, 4)
#define TCTL_COLD  BITS(21, 12)
#define TCTL_RTLC  BIT32(24)
#define RLPML_LEN  BITS(13, 0)

/* RAH */
#define RAH_ADDR BITS(15, 0)
#define RAH_POOL BITS(25, 18) /* bit 18 is pool 0 */
#define RAH_AV   BIT32(31)

/* MRQC, VT_CTL */
#define MRQC_MODE           BITS(2, 0)
#define MRQC_MODE_NONE      0
#define MRQC_MODE_RSS       2
#define MRQC_MODE_VMDQ      3
#define MRQC_MODE_VMDQ_RSS  5
#define MRQC_DEF_Q          BITS(5, 3)
#define MRQC_RSS_TCP4       BIT32(16)
#define MRQC_RSS_IP4        BIT32(17)
#define MRQC_RSS_IP6        BIT32(20)
#define MRQC_RSS_TCP6       BIT32(21)
#define MRQC_RSS_UDP4       BIT32(22)
#define MRQC_RSS_UDP6       BIT32(23)
#define MRQC_RSS_TYPES      BITS(23, 16)
#define RETA_SECOND         BIT32(3)  /* of one byte, with VFs: the pool's second queue */
#define RXCSUM_PCSD         BIT32(13) /* RSS hash in the descriptor, no fragment checksum */
#define VT_CTL_DEF_PL       BITS(9, 7)
#define VT_CTL_IGMAC        BIT32(28)
#define VT_CTL_DIS_DEF_POOL BIT32(29)
#define VT_CTL_REPL_EN      BIT32(30)

/* VMOLR, RPLOLR, VMVIR, VLVF, DTXSWC, DTXCTL */
#define VMOLR_RLPML       BITS(13, 0)
#define VMOLR_LPE         BIT32(16)
#define VMOLR_RSSE        BIT32(17)
#define VMOLR_AUPE        BIT32(24)
#define VMOLR_ROMPE       BIT32(25)
#define VMOLR_ROPE        BIT32(26)
#define VMOLR_BAM         BIT32(27)
#define VMOLR_MPME        BIT32(28)
#define VMOLR_STRVLAN     BIT32(30)
#define VMOLR_STRCRC      BIT32(31)
#define RPLOLR_STRVLAN    BIT32(30)
#define VMVIR_TAG         BITS(15, 0)  /* VID 11:0, priority 15:13 */
#define VMVIR_VLANA       BITS(31, 30)
#define VMVIR_VLANA_DESC  0 /* as the descriptor says */
#define VMVIR_VLANA_ALWAYS 1
#define VMVIR_VLANA_NEVER 2
#define VLVF_COUNT        32u
#define VLVF_VID          BITS(11, 0)
#define VLVF_POOLSEL      BITS(19, 12)
#define VLVF_EN           BIT32(31)
#define DTXSWC_MAC_SPOOF  BITS(7, 0)
#define DTXSWC_VLAN_SPOOF BITS(15, 8)
#define DTXSWC_LLE        BITS(23, 16)
#define DTXSWC_LOOPBACK   BIT32(31)
#define DTXCTL_SPOOF_INT  BIT32(6)

/* Queues */
#define SRRCTL_BSIZEPACKET BITS(6, 0) /* KiB */
#define SRRCTL_BSIZEHEADER BITS(13, 8) /* 64 B units */
#define SRRCTL_DESCTYPE    BITS(27, 25)
#define SRRCTL_DESCTYPE_ADV_ONEBUF 1
#define SRRCTL_DROP_EN     BIT32(31)
#define XDCTL_PTHRESH      BITS(4, 0)
#define XDCTL_HTHRESH      BITS(12, 8)
#define XDCTL_WTHRESH      BITS(20, 16)
#define XDCTL_ENABLE       BIT32(25) /* RXDCTL and TXDCTL */
#define XDCTL_SWFLUSH      BIT32(26)
#define TDWBAL_ENABLE      BIT32(0)

/* VTCTRL, mailbox */
#define VTCTRL_RST   BIT32(26)
#define V2P_REQ      BIT32(0)
#define V2P_ACK      BIT32(1)
#define V2P_VFU      BIT32(2)
#define V2P_PFU      BIT32(3)
#define V2P_PFSTS    BIT32(4)
#define V2P_PFACK    BIT32(5)
#define V2P_RSTI     BIT32(6)
#define V2P_RSTD     BIT32(7)
#define V2P_R2C      (V2P_PFSTS | V2P_PFACK | V2P_RSTD)
#define P2V_STS      BIT32(0)
#define P2V_ACK      BIT32(1)
#define P2V_VFU      BIT32(2)
#define P2V_PFU      BIT32(3)
#define P2V_RVFU     BIT32(4)
#define MBVFICR_REQ  BITS(7, 0)
#define MBVFICR_ACK  BITS(23, 16)
