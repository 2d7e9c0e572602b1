/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hostile VF: its transmit ring is the input, its frames too, and its tail moves as the input
 * says, under anti-spoof, port VLAN and split memory. Its neighbour must only ever get whole
 * frames, in one buffer or in several, and never one with a source address that is not the
 * sender's.
 */
#include <support/snic_rig.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RING 64u

#define BUF_SMALL 1024u
#define LONGEST	  9728u

/* A buffer of a frame in several: full, or the last. Returns whether the frame goes on. */
static bool check_part(uint32_t len, const struct nic_rx_wb *wb, uint32_t *bytes)
{
	bool last = le32_get(wb->status) & NIC_RXD_STAT_EOP;

	*bytes += len;
	if (len > BUF_SMALL || (!last && len != BUF_SMALL) || *bytes > LONGEST)
		abort();
	return !last;
}

static void check_neighbour(struct rig *r, struct rig_queue *b, const uint8_t own[6], bool parts)
{
	bool inside = false; /* frames are written back whole, so none is left open */
	uint32_t bytes = 0;
	const uint8_t *buf = NULL;
	struct nic_rx_wb wb = {0};
	uint32_t len;

	for (unsigned int i = 0; i < RING; i++) {
		len = rig_rx(b, &buf, &wb);
		if (!len)
			break;
		if (!inside && (len < SNIC_FRAME_MIN - 4 || memcmp(buf + 6, own, 6)))
			abort();
		if (!inside)
			bytes = 0;
		if (!parts && len > 1518)
			abort();
		inside = parts && check_part(len, &wb, &bytes);
		rig_post(b, rig_iova(RIG_RX_BUF + b->rx_tail * RIG_STRIDE));
	}
	if (inside)
		abort();
	(void)r;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snic_dma two[2];
	struct rig_queue a, b;
	uint8_t own[6], flags;
	struct rig *r;
	uint8_t *ring;
	size_t n;

	if (size < 4)
		return 0;
	flags = data[0];
	r = rig_new();
	if (flags & 8 && snic_dp_threads(r->nic, 2, NULL) < 0) /* by way of another worker */
		abort();
	rig_pf_up(r, 2);
	rig_mac(0, own);
	rig_write(r, SNIC_PF, nic_DTXSWC(0), DTXSWC_LOOPBACK | 0xffff);
	rig_write(r, SNIC_PF, nic_VLVF(0), VLVF_EN | field_prep(VLVF_POOLSEL, 3) | 5);
	if (flags & 1)
		rig_write(r, SNIC_PF, nic_VMVIR(0),
			  field_prep(VMVIR_VLANA, VMVIR_VLANA_ALWAYS) | 5);
	if (flags & 2)
		rig_write(r, SNIC_PF, nic_VMOLR(1),
			  VMOLR_BAM | VMOLR_AUPE | VMOLR_STRVLAN | VMOLR_MPME);
	if (flags & 4) { /* memory in two pieces that do not touch */
		two[0] = (struct snic_dma){RIG_IOVA, RIG_TX_BUF, r->mem[0], true, true};
		two[1] = (struct snic_dma){RIG_IOVA + RIG_TX_BUF + 0x1000, 0x3000,
					   r->mem[0] + RIG_TX_BUF + 0x1000, true, false};
		if (snic_dma_set(r->nic, 0, two, 2) < 0)
			abort();
	}
	a = rig_queue_up(r, 0, 0, RING, 0);
	b = rig_queue_up(r, 1, 1, RING, RING - 1);
	if (flags & 16) { /* long frames into small buffers */
		rig_write(r, SNIC_PF, nic_VMOLR(1), VMOLR_BAM | VMOLR_AUPE | VMOLR_LPE | LONGEST);
		mmio_write32(b.rx + 0x0c,
			     SRRCTL_DROP_EN | 1 |
				     field_prep(SRRCTL_DESCTYPE, SRRCTL_DESCTYPE_ADV_ONEBUF));
		snic_service(r->nic);
	}
	ring = (uint8_t *)a.tx_ring;
	for (size_t at = 1; at + 2 < size && at < 4096;) {
		uint8_t op = data[at], arg = data[at + 1];

		at += 2;
		n = size - at < 16 ? size - at : 16;
		switch (op & 3) {
		case 0: /* a raw descriptor */
			memcpy(ring + arg % RING * 16, data + at, n);
			at += n;
			break;
		case 1: /* a good address with hostile lengths and commands */
			rig_tx_raw(&a, rig_iova(RIG_TX_BUF + arg * 64u),
				   RIG_TXD | (op & 4 ? NIC_TXD_EOP : 0) |
					   (op & 8 ? NIC_TXD_VLE : 0) |
					   (op & 16 ? NIC_TXD_TSE : 0) |
					   (uint32_t)op << (op & 32 ? 6 : 4),
				   (uint32_t)arg << 4);
			break;
		case 2: /* frame bytes */
			memcpy(r->mem[0] + RIG_TX_BUF + arg * 64u, data + at, n);
			if (op & 4)
				memcpy(r->mem[0] + RIG_TX_BUF + arg * 64u + 6, own, 6);
			at += n;
			break;
		default:
			mmio_write32(a.tx + 0x18, op & 4 ? arg : arg % RING);
			snic_dp_poll_once(r->nic);
			check_neighbour(r, &b, own, flags & 16);
			break;
		}
	}
	rig_run(r);
	check_neighbour(r, &b, own, flags & 16);
	rig_free(r);
	return 0;
}
