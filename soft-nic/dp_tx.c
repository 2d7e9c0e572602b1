/* SPDX-License-Identifier: BSD-3-Clause */
/* Transmit: single frames through the switch, descriptors that ask for more than a plain frame. */
#include "dp_peer.h"
#include "dp_tx.h"
#include "sctp.h"

#define TX_CTX_IPV4    BIT32(10)
#define TX_CTX_TCP     BIT32(11)
#define SEGMENTS_FLUSH 16u /* segments between two write-backs of what they filled */
#define TX_CTX_SCTP    BIT32(12)
#define ETH_VLAN_LE    0x0081u /* 0x8100 as loaded */

void dp_tx_restart(struct dp_txq *tx, const struct dp_txq_cfg *c)
{
	tx->head = c->head;
	tx->published = c->head;
	tx->gen = c->gen;
	tx->gathering = false;
	tx->gather_bad = false;
	tx->gather_len = 0;
	memset(tx->ctx_lo, 0, sizeof(tx->ctx_lo));
	memset(tx->ctx_cmd, 0, sizeof(tx->ctx_cmd));
	memset(tx->ctx_mss, 0, sizeof(tx->ctx_mss));
	tx->burst_end = false;
}

static void tx_spoofed(struct dp_worker *me, struct dp_txq *tx)
{
	tx->spoofed++;
	atomic_fetch_or_explicit(&me->dp->wvbr, BIT32(tx->index), memory_order_relaxed);
	if (me->cfg->sw.spoof_int)
		me->causes |= ICR_DOUTSYNC;
}

/* Decide anew and remember: traffic comes in runs to the same place. */
static __attribute__((noinline)) void tx_decide(struct dp_worker *me, struct dp_txq *tx,
						uint64_t key, uint64_t src)
{
	uint64_t dst = key & SW_MAC_MASK;
	uint32_t vid = (uint32_t)(key >> 48);

	tx->last = sw_decide(&me->cfg->sw, dst, src, vid, tx->pool);
	tx->last_key = key;
	tx->last_src = src;
}

/* Plain frames with this header take the short way from now on, if there is one. */
static void tx_remember(struct dp_worker *me, struct dp_txq *tx, const struct dp_pkt *p)
{
	const struct sw_decision *d = &tx->last;
	struct dp_flow *f = dp_flow_of(tx, p->h0);
	unsigned int q;

	if (p->tagged || tx->vmvir || d->wire || d->multi || d->broadcast || !d->pools ||
	    d->pools & (d->pools - 1) || d->pools & me->cfg->sw.rsse)
		return;
	if (!(d->pools & me->own))
		return;
	q = (unsigned int)__builtin_ctz(d->pools);
	*f = (struct dp_flow){.h0 = p->h0, .h1 = p->h1, .rx = &me->rx[q], .bit = BIT32(q)};
}

/* VLAN tag of a frame after the pool's rule; false if the frame carries one it must not. */
static bool tx_tag(const struct dp_txq *tx, struct dp_pkt *p, bool vle, uint16_t tag)
{
	uint32_t how = field_get(VMVIR_VLANA, tx->vmvir);

	if ((uint16_t)(p->h1 >> 32) == ETH_VLAN_LE) {
		p->tagged = true;
		p->tag = __builtin_bswap16((uint16_t)(p->h1 >> 48));
	}
	if (how == VMVIR_VLANA_ALWAYS) {
		if (p->tagged) /* a tag of its own below the port VLAN: not its to choose */
			return false;
		tag = (uint16_t)field_get(VMVIR_TAG, tx->vmvir);
		vle = true;
	} else if (how == VMVIR_VLANA_NEVER) {
		vle = false;
	}
	if (vle && !p->tagged) {
		p->tagged = true;
		p->beside = true;
		p->tag = tag;
	}
	return true;
}

/* Ours here, the others' by way of their workers. */
static void deliver_all(struct dp_worker *me, const struct dp_pkt *p, uint32_t pools, bool wire,
			bool multi)
{
	uint32_t theirs = pools & ~(uint32_t)me->own;

	for (pools &= me->own; pools; pools &= pools - 1)
		dp_deliver(me, (unsigned int)__builtin_ctz(pools), p, multi);
	if (unlikely(theirs || (wire && me->index)))
		dp_peers_put(me, p, (uint8_t)theirs, wire && me->index, multi);
	if (wire && !me->index)
		dp_wire_out(me, p);
}

void dp_tx_frame(struct dp_worker *me, struct dp_txq *tx, const uint8_t *data, uint32_t len,
		 bool vle, uint16_t tag)
{
	struct dp_pkt p = {.data = data, .len = len, .loop = true};
	uint64_t src, key;
	uint32_t pools, wire_len;

	dp_load_header(data, &p.h0, &p.h1);
	if (!tx_tag(tx, &p, vle, tag)) {
		tx_spoofed(me, tx);
		return;
	}
	key = (p.h0 & SW_MAC_MASK) | (uint64_t)(p.tagged ? p.tag & 0xfff : SW_UNTAGGED) << 48;
	src = p.h0 >> 48 | (p.h1 & 0xffffffff) << 16;
	if (key != tx->last_key || src != tx->last_src)
		tx_decide(me, tx, key, src);
	if (tx->last.spoofed) {
		tx_spoofed(me, tx);
		return;
	}
	tx_remember(me, tx, &p);
	wire_len = len + DP_CRC + (p.beside ? DP_TAG_LEN : 0);
	tx->packets++;
	tx->bytes += wire_len;
	pools = tx->last.pools;
	if (pools) {
		tx->loop_packets++;
		tx->loop_bytes += wire_len;
		me->n.rx_frames++;
		me->n.rx_bytes += wire_len;
	}
	deliver_all(me, &p, pools, tx->last.wire, tx->last.multi);
	me->n.tx_multicast += tx->last.multi;
	me->n.tx_broadcast += tx->last.broadcast;
}

/* ---- frames in several descriptors, or with anything asked for -------------------------- */

static uint32_t sum16(const uint8_t *p, uint32_t len, uint32_t sum)
{
	uint32_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	if (i < len)
		sum += (uint32_t)p[i] << 8;
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void put16(uint8_t *p, uint16_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

/* Checksum insertion, in our own copy. Offsets from the guest's context are checked against it. */
static void tx_checksums(struct dp_txq *tx, uint32_t popts, uint32_t idx)
{
	uint32_t lo = (uint32_t)tx->ctx_lo[idx];
	uint32_t ip_len = lo & 0x1ff, mac_len = (lo >> 9) & 0x7f;
	uint32_t l4 = mac_len + ip_len;
	bool tcp = tx->ctx_cmd[idx] & TX_CTX_TCP;
	uint32_t at = l4 + (tcp ? 16 : 6);
	uint16_t c;

	if ((popts & TX_POPTS_IXSM) && ip_len >= 20 && l4 <= tx->gather_len) {
		put16(tx->scratch + mac_len + 10, 0);
		put16(tx->scratch + mac_len + 10, fold(sum16(tx->scratch + mac_len, ip_len, 0)));
	}
	if (!(popts & TX_POPTS_TXSM))
		return;
	if (tx->ctx_cmd[idx] & TX_CTX_SCTP) {
		if (!tcp) /* both bits together mean nothing */
			sctp_sum(tx->scratch, tx->gather_len, mac_len, ip_len,
				 tx->ctx_cmd[idx] & TX_CTX_IPV4);
	} else if (at + 2 <= tx->gather_len) {
		c = fold(sum16(tx->scratch + l4, tx->gather_len - l4, 0));
		put16(tx->scratch + at, !c && !tcp ? 0xffff : c); /* UDP: 0 means none */
	}
}

static void tx_gathered(struct dp_worker *me, struct dp_txq *tx)
{
	uint32_t idx = field_get(NIC_TXD_IDX, tx->gather_status);
	bool adv = tx->gather_cmd & NIC_TXD_DEXT;
	bool vle = tx->gather_cmd & NIC_TXD_VLE;
	uint16_t tag = (uint16_t)(adv ? tx->ctx_lo[idx] >> 16 : tx->gather_status >> 16);
	uint32_t len = tx->gather_len;

	tx->gathering = false;
	tx->gather_len = 0;
	if (tx->gather_bad || len < 14) {
		tx->dropped_bad++;
		return;
	}
	if (adv && (tx->gather_status & (TX_POPTS_IXSM | TX_POPTS_TXSM))) {
		tx->gather_len = len;
		tx_checksums(tx, tx->gather_status, idx);
		tx->gather_len = 0;
	}
	if (len < SNIC_FRAME_MIN) {
		memset(tx->scratch + len, 0, SNIC_FRAME_MIN - len);
		len = SNIC_FRAME_MIN;
	}
	dp_tx_frame(me, tx, tx->scratch, len, vle, tag);
}

/* ---- TCP segmentation ------------------------------------------------------------------- */

static bool is_tso(const struct dp_txq *tx)
{
	return (tx->gather_cmd & NIC_TXD_DEXT) && (tx->gather_cmd & NIC_TXD_TSE);
}

static void segment_send(struct dp_worker *me, struct dp_txq *tx, uint32_t len)
{
	uint32_t idx = field_get(NIC_TXD_IDX, tx->gather_status);

	if (len < SNIC_FRAME_MIN) {
		memset(tx->scratch + len, 0, SNIC_FRAME_MIN - len);
		len = SNIC_FRAME_MIN;
	}
	/* receivers keep at most a batch before it is written back */
	if (tx->tso.number % SEGMENTS_FLUSH == 0 && me->rx_dirty)
		dp_rx_flush(me, true);
	dp_tx_frame(me, tx, tx->scratch, len, tx->gather_cmd & NIC_TXD_VLE,
		    (uint16_t)(tx->ctx_lo[idx] >> 16));
}

static void tso_start(struct dp_txq *tx)
{
	uint32_t idx = field_get(NIC_TXD_IDX, tx->gather_status);

	tso_begin(&tx->tso, tx->scratch, DP_FRAME_MAX, (uint32_t)tx->ctx_lo[idx], tx->ctx_mss[idx],
		  tx->ctx_cmd[idx] & TX_CTX_IPV4, tx->ctx_cmd[idx] & TX_CTX_TCP);
}

static void tso_piece(struct dp_worker *me, struct dp_txq *tx, const struct nic_tx_desc *d)
{
	uint32_t cmd = le32_get(d->cmd_len), len = cmd & NIC_TXD_DTALEN, n;
	const uint8_t *data = NULL;

	if (len && !tx->gather_bad && !tx->tso.bad)
		data = dp_reach(tx->fn, &tx->window, le64_get(d->addr), len, false, DP_FRAME_MAX);
	if (!data && len)
		tx->tso.bad = true;
	while (data && (n = tso_feed(&tx->tso, &data, &len)) > 0)
		segment_send(me, tx, n);
	if (!(cmd & NIC_TXD_EOP))
		return;
	n = tso_end(&tx->tso);
	if (n > 0)
		segment_send(me, tx, n);
	else
		tx->dropped_tso++;
	if (me->rx_dirty)
		dp_rx_flush(me, true);
	tx->gathering = false;
	tx->burst_end = true;
}

bool dp_tx_odd(struct dp_worker *me, struct dp_txq *tx, const struct nic_tx_desc *d)
{
	uint32_t cmd = le32_get(d->cmd_len), status = le32_get(d->status);
	uint32_t len = cmd & NIC_TXD_DTALEN;
	bool adv = cmd & NIC_TXD_DEXT;
	uint32_t type = field_get(NIC_TXD_DTYP, cmd);
	const uint8_t *data;

	if (adv && type == NIC_TXD_DTYP_CTXT) {
		uint32_t idx = field_get(NIC_TXD_IDX, status);

		tx->ctx_lo[idx] = le64_get(d->addr);
		tx->ctx_cmd[idx] = cmd;
		tx->ctx_mss[idx] = status;
		return false;
	}
	if (!tx->gathering) {
		tx->gathering = true;
		tx->gather_bad = false;
		tx->gather_len = 0;
		tx->gather_cmd = cmd;
		tx->gather_status = status;
		if (is_tso(tx))
			tso_start(tx);
	}
	if (adv && type != NIC_TXD_DTYP_DATA)
		tx->gather_bad = true;
	if (is_tso(tx)) {
		tso_piece(me, tx, d);
		return cmd & NIC_TXD_RS;
	}
	if (len && !tx->gather_bad) {
		data = len <= DP_FRAME_MAX - tx->gather_len
			       ? dp_reach(tx->fn, &tx->window, le64_get(d->addr), len, false,
					  DP_FRAME_MAX)
			       : NULL;
		if (data) {
			memcpy(tx->scratch + tx->gather_len, data, len);
			tx->gather_len += len;
		} else {
			tx->gather_bad = true;
		}
	}
	if (cmd & NIC_TXD_EOP) {
		if (!adv) { /* legacy: the command of the last descriptor counts */
			tx->gather_cmd = cmd;
			tx->gather_status = status;
		}
		tx_gathered(me, tx);
	}
	return cmd & NIC_TXD_RS;
}
