/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet path. A round takes up to DP_BATCH descriptors of a queue through stages, each over
 * the whole batch: decode a line of descriptors at a time and prefetch payload; copy runs of frames
 * whose way is known; write the receivers' descriptors back; report the sender's done. Whatever is
 * not plain leaves for dp_tx.c and comes back in its place, so order is kept.
 *
 * SSE2 only, which every x86-64 has; copies of more than 64 bytes choose for themselves
 * (dp_copy.h).
 */
#include "dp_peer.h"
#include "dp_tx.h"

#define TX_PLAIN_MASK (NIC_TXD_DTYP | NIC_TXD_DEXT | NIC_TXD_EOP | NIC_TXD_VLE | NIC_TXD_TSE)
#define TX_PLAIN_DTYP (NIC_TXD_DTYP_DATA * (NIC_TXD_DTYP & -NIC_TXD_DTYP))
#define TX_PLAIN      (TX_PLAIN_DTYP | NIC_TXD_DEXT | NIC_TXD_EOP)
#define TX_POPTS      (TX_POPTS_IXSM | TX_POPTS_TXSM)
#define TX_RS_SHIFT   4 /* to bit 31, which movemask takes */
#define SHORT_MAX     64u
#define HEADER_MASK   0x3fff /* 14 bytes: addresses and type */

_Static_assert(NIC_TXD_RS << TX_RS_SHIFT == BIT32(31), "report status becomes the sign");
_Static_assert(DP_STEP == 4 && DP_BATCH % DP_STEP == 0, "four descriptors a step");
_Static_assert(SNIC_FRAME_MIN >= 48 + 1, "short copies reach back from the end");

/* Plain frames of one batch. */
struct staged {
	const uint8_t *data[DP_BATCH];
	_Alignas(16) uint32_t len[DP_BATCH + DP_STEP];
	uint32_t longest; /* upper bound of len[] */
	uint32_t rs;	  /* descriptors to report, by position in the batch */
};

/* One load that the compiler does not repeat: the guest may write meanwhile. */
static inline __m128i load16(const void *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)p);

	__asm__("" : "+x"(v));
	return v;
}

/* ---- decode ----------------------------------------------------------------------------- */

/* Address of one staged frame; false if it is not in the sender's memory. */
static inline bool stage_data(struct dp_txq *tx, struct dp_window *w, uint64_t addr, uint32_t len,
			      const uint8_t **ret_data)
{
	uint64_t off = addr - w->base;
	const uint8_t *data = (const uint8_t *)(w->va + off);

	if (unlikely(off >= w->span)) {
		data = dp_reach(tx->fn, &tx->window, addr, len, false, DP_FRAME_MAX);
		*w = tx->window;
		if (!data)
			return false;
	}
	__builtin_prefetch(data);
	*ret_data = data;
	return true;
}

static inline bool plain(uint32_t cmd, uint32_t status)
{
	uint32_t len = cmd & NIC_TXD_DTALEN;

	return (cmd & TX_PLAIN_MASK) == TX_PLAIN && !(status & TX_POPTS) &&
	       len - SNIC_FRAME_MIN <= DP_FRAME_MAX - SNIC_FRAME_MIN;
}

/* Descriptors one by one: the rest of a batch, and up to the first that is not plain. */
static __attribute__((noinline)) uint32_t stage_each(struct dp_txq *tx,
						     const struct nic_tx_desc *ring, uint32_t k,
						     uint32_t n, struct staged *st, uint32_t at)
{
	const struct nic_tx_desc *d = ring + k, *end = ring + n;
	uint32_t longest = st->longest, rs = st->rs, *len = st->len + k;
	const uint8_t **data = st->data + k;

	for (at += k; d < end; d++, len++, data++, at++) {
		uint64_t addr = mmio_read64(d);
		uint64_t hi = mmio_read64((const uint8_t *)d + 8);
		uint32_t cmd = (uint32_t)hi, n_bytes = cmd & NIC_TXD_DTALEN;

		if (unlikely(!plain(cmd, (uint32_t)(hi >> 32)) ||
			     !stage_data(tx, &tx->window, addr, n_bytes, data)))
			break;
		*len = n_bytes;
		rs |= (cmd / NIC_TXD_RS & 1) << at;
		longest = n_bytes > longest ? n_bytes : longest;
	}
	st->longest = longest;
	st->rs = rs;
	return (uint32_t)(d - ring);
}

/* One line of descriptors; false: look at them one by one. Commands are loaded once, in registers.
 */
static inline bool stage_line(struct dp_txq *tx, struct dp_window *w, const struct nic_tx_desc *d,
			      struct staged *st, size_t k, uint32_t at, __m128i *longest)
{
	const __m128i mask = _mm_set1_epi32((int)TX_PLAIN_MASK), want = _mm_set1_epi32(TX_PLAIN);
	const __m128i popts = _mm_set1_epi32(TX_POPTS), low = _mm_set1_epi32(NIC_TXD_DTALEN);
	const __m128i min = _mm_set1_epi32(SNIC_FRAME_MIN - 1), max = _mm_set1_epi32(DP_FRAME_MAX);
	__m128i d0 = load16(&d[0]), d1 = load16(&d[1]), d2 = load16(&d[2]), d3 = load16(&d[3]);
	__m128 h01 = (__m128)_mm_unpackhi_epi64(d0, d1), h23 = (__m128)_mm_unpackhi_epi64(d2, d3);
	__m128i cmd = (__m128i)_mm_shuffle_ps(h01, h23, 0x88);
	__m128i status = (__m128i)_mm_shuffle_ps(h01, h23, 0xdd);
	__m128i len = _mm_and_si128(cmd, low), odd, good;
	const uint8_t **data = &st->data[k];
	uint32_t *lens = &st->len[k];

	odd = _mm_or_si128(_mm_xor_si128(_mm_and_si128(cmd, mask), want),
			   _mm_and_si128(status, popts));
	good = _mm_and_si128(_mm_cmpeq_epi32(odd, _mm_setzero_si128()), _mm_cmpgt_epi32(len, min));
	good = _mm_andnot_si128(_mm_cmpgt_epi32(len, max), good);
	if (unlikely(_mm_movemask_ps((__m128)good) != 0xf))
		return false;
	/* lengths before addresses: dp_reach() wants them */
	_mm_storeu_si128((__m128i *)(void *)lens, len);
	if (unlikely(!stage_data(tx, w, mmio_read64(&d[0]), lens[0], &data[0]) ||
		     !stage_data(tx, w, mmio_read64(&d[1]), lens[1], &data[1]) ||
		     !stage_data(tx, w, mmio_read64(&d[2]), lens[2], &data[2]) ||
		     !stage_data(tx, w, mmio_read64(&d[3]), lens[3], &data[3])))
		return false;
	*longest = _mm_max_epi16(*longest, len); /* at most DP_FRAME_MAX each */
	st->rs |= (uint32_t)_mm_movemask_ps((__m128)_mm_slli_epi32(cmd, TX_RS_SHIFT)) << (at + k);
	return true;
}

static inline uint32_t max_of(__m128i v)
{
	v = _mm_max_epi16(v, _mm_srli_si128(v, 8));
	v = _mm_max_epi16(v, _mm_srli_si128(v, 4));
	return (uint32_t)_mm_cvtsi128_si32(v);
}

/* Plain frames from ring[0] on, position @at of the batch; stops before the first that is not. */
static inline uint32_t stage(struct dp_txq *tx, const struct nic_tx_desc *ring, uint32_t n,
			     struct staged *st, uint32_t at)
{
	__m128i longest = _mm_setzero_si128();
	struct dp_window w;
	uint32_t k;

	if (n < DP_STEP) {
		st->longest = 0;
		return stage_each(tx, ring, 0, n, st, at);
	}
	w = tx->window;
	for (k = 0; k + DP_STEP <= n; k += DP_STEP)
		if (unlikely(!stage_line(tx, &w, &ring[k], st, k, at, &longest)))
			break;
	st->longest = max_of(longest);
	return k < n ? stage_each(tx, ring, k, n, st, at) : k;
}

/* ---- copy ------------------------------------------------------------------------------- */

static inline __m128i flow_header(const struct dp_flow *f)
{
	return _mm_set_epi64x((long long)f->h1, (long long)f->h0);
}

static inline void count_sent(struct dp_worker *me, struct dp_txq *tx, uint32_t n, uint64_t bytes)
{
	tx->packets += n;
	tx->bytes += bytes;
	tx->loop_packets += n;
	tx->loop_bytes += bytes;
	me->n.rx_frames += n;
	me->n.rx_bytes += bytes;
}

/* Frames up to the first of another flow; @brief: none has more than SHORT_MAX bytes. */
static inline uint32_t copy_run(const struct staged *st, uint32_t i, uint32_t n,
				uint8_t *const *bufs, const struct dp_flow *f, bool brief,
				uint64_t *ret_bytes)
{
	const __m128i want = flow_header(f);
	const uint8_t *const *data = &st->data[i];
	const uint32_t *lens = &st->len[i];
	uint64_t bytes = 0;
	uint32_t k;

	for (k = 0; k < n; k++) {
		const uint8_t *s = data[k];
		uint8_t *d = bufs[k];
		uint32_t len = lens[k];
		__m128i h = load16(s); /* what is compared is what is stored */

		if (unlikely(~_mm_movemask_epi8(_mm_cmpeq_epi8(h, want)) & HEADER_MASK))
			break;
		_mm_storeu_si128((__m128i *)d, h);
		if (brief) {
			copy16(d + 16, s + 16);
			copy16(d + 32, s + 32);
			copy16(d + len - 16, s + len - 16);
		} else {
			dp_copy(d + 16, s + 16, len - 16);
		}
		bytes += len;
	}
	*ret_bytes = bytes;
	return k;
}

/* Status and length of @n frames, a little more than asked for: see struct dp_rxq. */
static inline void pend_run(uint64_t *pend, const uint32_t *len, uint32_t n)
{
	const __m128i status = _mm_set1_epi32((int)(DP_RX_STATUS | NIC_RXD_STAT_LB));

	for (size_t k = 0; k < n; k += DP_STEP) {
		__m128i l = _mm_loadu_si128((const __m128i *)(const void *)&len[k]);

		_mm_storeu_si128((__m128i *)(void *)&pend[k], _mm_unpacklo_epi32(status, l));
		_mm_storeu_si128((__m128i *)(void *)&pend[k + 2], _mm_unpackhi_epi32(status, l));
	}
}

/*
 * The short way: frames of a flow that was decided before, as far as its receiver has buffers.
 * Returns how many of st[i..n) it took.
 */
static inline uint32_t flow_run(struct dp_worker *me, struct dp_txq *tx, const struct dp_flow *f,
				const struct staged *st, uint32_t i, uint32_t n)
{
	struct dp_rxq *rx = f->rx;
	uint64_t bytes;
	uint32_t room;

	if (unlikely(!rx || st->longest > rx->plain_max))
		return 0;
	if (unlikely(rx->i_buf == rx->n_buf && !dp_rx_refill(rx)))
		return 0;
	room = rx->n_good - rx->i_buf;
	n = n - i < room ? n - i : room;
	if (st->longest <= SHORT_MAX)
		n = copy_run(st, i, n, rx->buf + rx->i_buf, f, true, &bytes);
	else
		n = copy_run(st, i, n, rx->buf + rx->i_buf, f, false, &bytes);
	if (unlikely(!n))
		return 0;
	pend_run(rx->pend + rx->n_pend, &st->len[i], n);
	bytes += (uint64_t)n * DP_CRC;
	rx->i_buf += n;
	rx->n_pend += n;
	rx->pend_bytes += bytes;
	me->rx_dirty |= f->bit;
	count_sent(me, tx, n, bytes);
	return n;
}

static inline void send_staged(struct dp_worker *me, struct dp_txq *tx, const struct staged *st,
			       uint32_t n)
{
	for (uint32_t i = 0, k; i < n; i += k) {
		uint64_t h0 = mmio_read64(st->data[i]);

		/*
		 * Only a guess: flow_run() checks the header. That the last flow goes on is one the
		 * processor makes, too, and works ahead while the frame is still on its way to us.
		 */
		if (unlikely(h0 != tx->recent->h0))
			tx->recent = dp_flow_of(tx, h0);
		k = flow_run(me, tx, tx->recent, st, i, n);
		if (!k) {
			dp_tx_frame(me, tx, st->data[i], st->len[i], false, 0);
			k = 1;
		}
	}
}

/* ---- completion ------------------------------------------------------------------------- */

static inline void complete(struct dp_worker *me, struct dp_txq *tx, struct nic_tx_desc *ring,
			    uint32_t rs, uint32_t n)
{
	struct nic_tx_desc *d = ring, *end = ring + n;

	if (!rs)
		return;
	if (tx->head_wb) {
		mmio_write32(tx->head_wb, tx->head);
	} else if (rs == UINT32_MAX >> (32 - n)) { /* on every one */
		for (; end - d >= (ptrdiff_t)DP_STEP; d += DP_STEP) {
			mmio_write32(&d[0].status, NIC_TXD_STAT_DD);
			mmio_write32(&d[1].status, NIC_TXD_STAT_DD);
			mmio_write32(&d[2].status, NIC_TXD_STAT_DD);
			mmio_write32(&d[3].status, NIC_TXD_STAT_DD);
		}
		for (; d < end; d++)
			mmio_write32(&d->status, NIC_TXD_STAT_DD);
	} else {
		for (; rs; rs &= rs - 1)
			mmio_write32(&ring[__builtin_ctz(rs)].status, NIC_TXD_STAT_DD);
	}
	if (tx->irq != INTR_NONE)
		intr_queue(me->intr, &me->timer, tx->irq, false);
}

static void tx_stop(struct dp_worker *me, struct dp_txq *tx)
{
	tx->ring = NULL;
	atomic_store(&tx->stopped_gen, tx->gen);
	me->need_poke = true;
}

/* A frame to segment is a batch of its own, so that one batch never is too many frames. */
static inline bool starts_tso(const struct dp_txq *tx, const struct nic_tx_desc *d)
{
	const uint32_t mask = NIC_TXD_DEXT | NIC_TXD_TSE;

	return !tx->gathering && (le32_get(d->cmd_len) & mask) == mask &&
	       field_get(NIC_TXD_DTYP, le32_get(d->cmd_len)) != NIC_TXD_DTYP_CTXT;
}

/* Return: how many descriptors were handled, at least one. */
static uint32_t send_batch(struct dp_worker *me, struct dp_txq *tx, struct nic_tx_desc *ring,
			   uint32_t n, struct staged *st)
{
	uint32_t i = 0, k;

	while (i < n) {
		k = tx->gathering ? 0 : stage(tx, ring + i, n - i, st, i);
		send_staged(me, tx, st, k);
		i += k;
		if (i < n) {
			struct nic_tx_desc d;

			d.addr.raw = mmio_read64(&ring[i]);
			d.cmd_len.raw = mmio_read32(&ring[i].cmd_len);
			d.status.raw = mmio_read32(&ring[i].status);
			if (i > 0 && starts_tso(tx, &d))
				break;
			st->rs |= (dp_tx_odd(me, tx, &d) ? 1u : 0u) << i;
			i++;
			if (unlikely(tx->burst_end)) {
				tx->burst_end = false;
				break;
			}
		}
	}
	return i;
}

/*
 * One plain frame of a known flow, as in a round trip: all stages at once. False if it is anything
 * else; nothing was done then, and the general way looks at it from the start.
 */
static inline bool send_lone(struct dp_worker *me, struct dp_txq *tx, struct nic_tx_desc *d)
{
	uint64_t addr = mmio_read64(d), hi = mmio_read64((const uint8_t *)d + 8);
	uint64_t off = addr - tx->window.base, bytes;
	uint32_t cmd = (uint32_t)hi, len = cmd & NIC_TXD_DTALEN;
	const struct dp_flow *f;
	struct dp_rxq *rx;
	const uint8_t *s;
	uint8_t *to;
	__m128i h;

	if (unlikely(!plain(cmd, (uint32_t)(hi >> 32)) || off >= tx->window.span || tx->gathering))
		return false;
	s = (const uint8_t *)(tx->window.va + off);
	h = load16(s);
	f = tx->recent;
	rx = f->rx;
	if (unlikely(!rx || len > rx->plain_max || rx->i_buf == rx->n_good ||
		     ~_mm_movemask_epi8(_mm_cmpeq_epi8(h, flow_header(f))) & HEADER_MASK))
		return false;
	to = rx->buf[rx->i_buf++];
	_mm_storeu_si128((__m128i *)to, h);
	dp_copy(to + 16, s + 16, len - 16);
	me->tx[rx - me->rx].echo = to;
	io_wmb();
	dp_write_back(&rx->ring[rx->head], 0, DP_RX_STATUS | NIC_RXD_STAT_LB | (uint64_t)len << 32);
	rx->head = rx->head + 1 == rx->n_desc ? 0 : rx->head + 1;
	bytes = len + DP_CRC;
	rx->packets++;
	rx->bytes += bytes;
	rx->loop_packets++;
	rx->loop_bytes += bytes;
	count_sent(me, tx, 1, bytes);
	dp_rx_told(me, rx);
	tx->head = tx->head + 1 == tx->n_desc ? 0 : tx->head + 1;
	complete(me, tx, d, cmd / NIC_TXD_RS & 1, 1);
	return true;
}

unsigned int dp_tx_poll(struct dp_worker *me, struct dp_txq *tx)
{
	struct nic_tx_desc *ring;
	struct staged st;
	uint32_t tail, n;

	if (unlikely(!tx->ring))
		return 0;
	tail = mmio_read32(tx->regs + DPR_TAIL);
	if (likely(tail == tx->head))
		return 0;
	if (unlikely(tail >= tx->n_desc))
		return 0;
	if (unlikely(!(mmio_read32(tx->regs + DPR_CTL) & XDCTL_ENABLE))) {
		tx_stop(me, tx);
		return 0;
	}
	if (unlikely(me->dp->n_workers > 1) && !dp_peers_ready(me))
		return 0;
	io_rmb();
	n = (tail > tx->head ? tail : tx->n_desc) - tx->head;
	if (n > DP_BATCH)
		n = DP_BATCH;
	ring = tx->ring + tx->head;
	if (n == 1 && likely(send_lone(me, tx, ring)))
		return 1;
	for (uint32_t i = DP_STEP; i < n; i += DP_STEP)
		__builtin_prefetch(&ring[i]);
	st.rs = 0;
	n = send_batch(me, tx, ring, n, &st);
	tx->head += n;
	if (tx->head == tx->n_desc)
		tx->head = 0;
	if (me->rx_dirty)
		dp_rx_flush(me, true);
	complete(me, tx, ring, st.rs, n);
	return n;
}
