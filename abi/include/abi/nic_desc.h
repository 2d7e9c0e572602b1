#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * 82576 descriptors: 16 bytes, little endian. A ring base is 128-byte aligned and a ring length is a
 * multiple of 8 descriptors; head == tail means empty, so a ring of N carries at most N-1.
 */
#include <abi/bits.h>

/* Receive, as the driver posts it (read format). */
struct nic_rx_read {
	le64_t pkt_addr; /* IOVA of the buffer */
	le64_t hdr_addr; /* bit 0 is DD and must be 0 when posted */
};

/* Receive, as the NIC writes it back. The upper 8 bytes become visible last, in one store. */
struct nic_rx_wb {
	le32_t info;     /* RSS type, packet type, header length */
	le32_t rss;      /* RSS hash, or IP id and fragment checksum */
	le32_t status;   /* NIC_RXD_STAT_*, NIC_RXD_ERR_* */
	le16_t length;   /* bytes in the packet buffer, without CRC */
	le16_t vlan;     /* tag, when VP is set */
};

#define NIC_RXD_STAT_DD   BIT32(0)  /* descriptor done */
#define NIC_RXD_STAT_EOP  BIT32(1)  /* last buffer of the frame */
#define NIC_RXD_STAT_IXSM BIT32(2)  /* ignore checksum bits */
#define NIC_RXD_STAT_VP   BIT32(3)  /* VLAN tag was stripped into 'vlan' */
#define NIC_RXD_STAT_LB   BIT32(18) /* looped back by the embedded switch */
#define NIC_RXD_ERR_L4E   BIT32(29)
#define NIC_RXD_ERR_IPE   BIT32(30)
#define NIC_RXD_ERR_RXE   BIT32(31)

/* Transmit: advanced data and context descriptors share this shape. */
struct nic_tx_desc {
	le64_t addr;    /* data: IOVA of the buffer; context: lengths and VLAN */
	le32_t cmd_len; /* NIC_TXD_* */
	le32_t status;  /* NIC_TXD_STAT_DD, IDX, POPTS, PAYLEN */
};

#define NIC_TXD_DTALEN    BITS(15, 0)  /* bytes in this buffer */
#define NIC_TXD_DTYP      BITS(23, 20)
#define NIC_TXD_DTYP_CTXT 2
#define NIC_TXD_DTYP_DATA 3
#define NIC_TXD_EOP       BIT32(24) /* last buffer of the frame */
#define NIC_TXD_IFCS      BIT32(25) /* append the CRC */
#define NIC_TXD_RS        BIT32(27) /* write DD back */
#define NIC_TXD_DEXT      BIT32(29) /* advanced descriptor */
#define NIC_TXD_VLE       BIT32(30) /* insert the context's VLAN tag */
#define NIC_TXD_TSE       BIT32(31) /* TCP segmentation */
#define NIC_TXD_STAT_DD   BIT32(0)
#define NIC_TXD_IDX       BITS(6, 4)   /* context index */
#define NIC_TXD_POPTS     BITS(13, 8)
#define NIC_TXD_PAYLEN    BITS(31, 14) /* bytes of the whole frame (or TSO payload) */
#define NIC_TXC_VLAN      BITS(31, 16) /* context descriptor, low dword of addr */

#define NIC_DESC_SIZE      16u
#define NIC_RING_ALIGN     128u
#define NIC_RING_LEN_STEP  8u    /* descriptors */
#define NIC_RING_MAX       4096u /* descriptors a queue may have here (0x80000 bytes hold 32768) */

_Static_assert(sizeof(struct nic_rx_read) == NIC_DESC_SIZE, "RX read format");
_Static_assert(sizeof(struct nic_rx_wb) == NIC_DESC_SIZE, "RX write-back format");
_Static_assert(sizeof(struct nic_tx_desc) == NIC_DESC_SIZE, "TX format");
_Static_assert(offsetof(struct nic_rx_wb, status) == 8, "the upper qword is stored last");
_Static_assert(offsetof(struct nic_tx_desc, cmd_len) == 8, "command dword");
