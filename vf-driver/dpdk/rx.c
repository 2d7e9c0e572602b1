/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive bursts. Ring lengths are powers of two and multiples of a batch; indices run freely and
 * bursts are cut into runs that do not wrap. The ring is looked at only between next and tail:
 * behind the tail a descriptor still carries its old DD.
 *
 * The vector function takes four descriptors at once as long as all four are done and good, and
 * leaves anything else to the scalar one, so both give the same mbufs to the bit.
 */
#include <abi/nic_regs.h>
#include <smmintrin.h>
#include "rx_desc.h"

#define RX_GOOD (NIC_RXD_STAT_DD | NIC_RXD_STAT_EOP)
#define RX_TEST (RX_GOOD | NIC_RXD_ERR_RXE)

#define GROUP  4u
#define REARM  offsetof(struct rte_mbuf, rearm_data)
#define FIELDS offsetof(struct rte_mbuf, rx_descriptor_fields1)

static_assert(offsetof(struct rte_mbuf, ol_flags) == offsetof(struct rte_mbuf, rearm_data) + 8,
	      "written by one store");
static_assert(offsetof(struct rte_mbuf, rearm_data) % 16 == 0, "aligned store");
static_assert(offsetof(struct rte_mbuf, pkt_len) ==
		      offsetof(struct rte_mbuf, rx_descriptor_fields1) + 4,
	      "layout");
static_assert(offsetof(struct rte_mbuf, hash) ==
		      offsetof(struct rte_mbuf, rx_descriptor_fields1) + 12,
	      "layout");

/* Once every PMD_BATCH frames, and a message instead of a store only where pages cannot be mapped.
 */
static void rx_tail_write(struct pmd_rxq *q)
{
	uint32_t at = q->tail & q->mask;

	rte_compiler_barrier();
	if (likely(q->tail_reg != NULL))
		*q->tail_reg = at;
	else
		q->pmd->core->env.write32(q->pmd->core->env.ctx, nicvf_VRDT(q->q), at);
}

/* A batch out of the pool, straight from this core's cache when it has one: pointers in order. */
static bool pool_take(struct rte_mempool *pool, struct rte_mbuf **to)
{
	struct rte_mempool_cache *cache = rte_mempool_default_cache(pool, rte_lcore_id());
	const __m128i *from;

	if (unlikely(!cache || cache->len < PMD_BATCH))
		return rte_mempool_get_bulk(pool, (void **)to, PMD_BATCH) == 0;
	cache->len -= PMD_BATCH;
	from = (const __m128i *)&cache->objs[cache->len];
	for (uint32_t i = 0; i < PMD_BATCH / 2; i += 2) {
		_mm_store_si128((__m128i *)to + i, _mm_loadu_si128(from + i));
		_mm_store_si128((__m128i *)to + i + 1, _mm_loadu_si128(from + i + 1));
	}
	return true;
}

/* Address, and zeros where the function writes its status. */
static inline void post(__m128i *desc, const struct rte_mbuf *m)
{
	const __m128i headroom = _mm_set_epi64x(0, RTE_PKTMBUF_HEADROOM);

	_mm_store_si128(desc,
			_mm_add_epi64(_mm_loadl_epi64((const __m128i *)&m->buf_iova), headroom));
}

bool pmd_rx_refill(struct pmd_rxq *q)
{
	uint32_t at = q->tail & q->mask;
	struct rte_mbuf **sw = &q->sw[at];
	__m128i *desc = (__m128i *)(uintptr_t)&q->desc[2 * (size_t)at];

	if (unlikely(!pool_take(q->pool, sw))) {
		q->no_mbuf += PMD_BATCH;
		return false;
	}
	for (uint32_t i = 0; i < PMD_BATCH; i += GROUP) {
		post(&desc[i], sw[i]);
		post(&desc[i + 1], sw[i + 1]);
		post(&desc[i + 2], sw[i + 2]);
		post(&desc[i + 3], sw[i + 3]);
	}
	q->tail += PMD_BATCH;
	rx_tail_write(q);
	return true;
}

/*
 * Up to @n descriptors from @at on, which do not wrap. Returns the descriptors that are done;
 * *pkts moves on by the frames that are good.
 */
static uint32_t run_scalar(struct pmd_rxq *q, uint32_t at, uint32_t n, struct rte_mbuf ***pkts)
{
	const volatile uint64_t *desc = &q->desc[2 * (size_t)at];
	struct rte_mbuf **out = *pkts;
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		uint64_t hi = desc[2 * (size_t)i + 1], lo;
		uint32_t status = (uint32_t)hi;
		uint16_t len = (uint16_t)(hi >> 32);
		struct rte_mbuf *m = q->sw[at + i];

		if (!(status & NIC_RXD_STAT_DD))
			break;
		/* whole, sound, and inside its buffer: nothing else is handed on */
		if (unlikely((status & RX_TEST) != RX_GOOD || len - 1u >= q->buf_bytes)) {
			rte_mempool_put(q->pool, m);
			q->errors++;
			continue;
		}
		rte_compiler_barrier();
		lo = desc[2 * (size_t)i];
		memcpy((char *)m + REARM, &q->rearm, sizeof(q->rearm));
		m->ol_flags = pmd_rx_flags((uint32_t)lo, status);
		m->packet_type = 0;
		m->pkt_len = len;
		m->data_len = len;
		m->vlan_tci = (uint16_t)(hi >> 48);
		m->hash.rss = (uint32_t)(lo >> 32);
		*out++ = m;
		bytes += len;
	}
	q->bytes += bytes;
	*pkts = out;
	return i;
}

/* ol_flags of four frames, 32 bit each; as pmd_rx_flags(). */
static inline __m128i flags_of_four(__m128i info, __m128i status)
{
	const __m128i zero = _mm_setzero_si128();
#define BITS_SET(v, bits)   _mm_andnot_si128(_mm_cmpeq_epi32(_mm_and_si128(v, bits), zero), ones)
#define EITHER(which, a, b) _mm_or_si128(_mm_and_si128(which, a), _mm_andnot_si128(which, b))
	const __m128i ones = _mm_set1_epi32(-1);
	__m128i vlan = BITS_SET(status, _mm_set1_epi32((int)NIC_RXD_STAT_VP));
	__m128i rss = BITS_SET(info, _mm_set1_epi32((int)RX_RSS));
	__m128i judged = _mm_cmpeq_epi32(
		_mm_and_si128(status, _mm_set1_epi32((int)NIC_RXD_STAT_IXSM)), zero);
	__m128i ip = _mm_and_si128(judged, BITS_SET(status, _mm_set1_epi32((int)RX_IPCS)));
	__m128i l4 =
		_mm_and_si128(judged, BITS_SET(status, _mm_set1_epi32((int)(RX_L4CS | RX_UDPCS))));
	/* the error bits, moved to the sign and spread over the lane */
	__m128i ip_bad = _mm_srai_epi32(_mm_slli_epi32(status, 1), 31);
	__m128i l4_bad = _mm_srai_epi32(_mm_slli_epi32(status, 2), 31);
	__m128i f = _mm_or_si128(_mm_and_si128(vlan, _mm_set1_epi32((int)RX_VLAN)),
				 _mm_and_si128(rss, _mm_set1_epi32((int)RTE_MBUF_F_RX_RSS_HASH)));

	ip = _mm_and_si128(ip, EITHER(ip_bad, _mm_set1_epi32((int)RTE_MBUF_F_RX_IP_CKSUM_BAD),
				      _mm_set1_epi32((int)RTE_MBUF_F_RX_IP_CKSUM_GOOD)));
	l4 = _mm_and_si128(l4, EITHER(l4_bad, _mm_set1_epi32((int)RTE_MBUF_F_RX_L4_CKSUM_BAD),
				      _mm_set1_epi32((int)RTE_MBUF_F_RX_L4_CKSUM_GOOD)));
	return _mm_or_si128(f, _mm_or_si128(ip, l4));
#undef EITHER
#undef BITS_SET
}

#define FIRST(m)  ((__m128i *)((char *)(m) + REARM))  /* rearm_data, ol_flags */
#define SECOND(m) ((__m128i *)((char *)(m) + FIELDS)) /* type, lengths, VLAN, hash */

/* The second half of one mbuf; returns the sum of lengths, in lane 1. */
static inline __m128i second(struct rte_mbuf *m, __m128i desc, __m128i sum)
{
	const __m128i order =
		_mm_set_epi8(7, 6, 5, 4, 15, 14, 13, 12, -1, -1, 13, 12, -1, -1, -1, -1);
	__m128i fields = _mm_shuffle_epi8(desc, order);

	_mm_storeu_si128(SECOND(m), fields);
	return _mm_add_epi32(sum, fields);
}

/* Four frames of any kind; false when they are not all done and good. */
static __rte_noinline bool any_four(const struct pmd_rxq *q, __m128i d0, __m128i d1, __m128i d2,
				    __m128i d3, struct rte_mbuf *const *sw)
{
	const __m128i rearm = _mm_set1_epi64x((long long)q->rearm), zero = _mm_setzero_si128();
	__m128i a = _mm_unpackhi_epi32(d0, d1), b = _mm_unpackhi_epi32(d2, d3);
	__m128i status = _mm_unpacklo_epi64(a, b), flags, ok, two;
	__m128i len = _mm_and_si128(_mm_unpackhi_epi64(a, b), _mm_set1_epi32(0xffff));

	ok = _mm_cmpeq_epi32(_mm_and_si128(status, _mm_set1_epi32((int)RX_TEST)),
			     _mm_set1_epi32((int)RX_GOOD));
	ok = _mm_and_si128(ok, _mm_cmpgt_epi32(len, zero));
	ok = _mm_andnot_si128(_mm_cmpgt_epi32(len, _mm_set1_epi32((int)q->buf_bytes)), ok);
	if (_mm_movemask_epi8(ok) != 0xffff)
		return false;

	a = _mm_unpacklo_epi32(d0, d1);
	b = _mm_unpacklo_epi32(d2, d3);
	flags = flags_of_four(_mm_unpacklo_epi64(a, b), status);
	two = _mm_unpacklo_epi32(flags, zero);
	_mm_store_si128(FIRST(sw[0]), _mm_unpacklo_epi64(rearm, two));
	_mm_store_si128(FIRST(sw[1]), _mm_unpackhi_epi64(rearm, two));
	two = _mm_unpackhi_epi32(flags, zero);
	_mm_store_si128(FIRST(sw[2]), _mm_unpacklo_epi64(rearm, two));
	_mm_store_si128(FIRST(sw[3]), _mm_unpackhi_epi64(rearm, two));
	return true;
}

/* Bits of four descriptors that have nothing to tell but their length: all of these set ... */
#define PLAIN_SET ((long long)(RX_GOOD | NIC_RXD_STAT_IXSM))
/* ... and none of these, where the length is less by one and so has no bit of a whole buffer. */
static inline __m128i plain_clear(uint32_t buf_bytes)
{
	uint32_t less = UINT32_C(1) << (31 - __builtin_clz(buf_bytes));
	uint64_t hi = (uint64_t)(uint16_t) ~(less - 1) << 32 | NIC_RXD_ERR_RXE | NIC_RXD_STAT_VP;

	return _mm_set_epi64x((long long)hi, (long long)RX_RSS);
}

/* As run_scalar(), in fours; stops before the first four that are not all done and good. */
static uint32_t run_vector(struct pmd_rxq *q, uint32_t at, uint32_t n, struct rte_mbuf ***pkts)
{
	const __m128i *desc = (const __m128i *)(uintptr_t)&q->desc[2 * (size_t)at];
	const __m128i one_less = _mm_set_epi16(0, -1, 0, 0, 0, 0, 0, 0);
	const __m128i set = _mm_set_epi64x(PLAIN_SET, 0), clear = plain_clear(q->buf_bytes);
	const __m128i fresh = _mm_set_epi64x(0, (long long)q->rearm);
	struct rte_mbuf *const *sw = &q->sw[at];
	struct rte_mbuf **out = *pkts;
	__m128i sum = _mm_setzero_si128();
	uint32_t i;

	for (i = 0; i + GROUP <= n; i += GROUP) {
		__m128i d0, d1, d2, d3, e0, e1, e2, e3, any, all;

		/* last one first: when it is done, the ones before it are */
		d3 = _mm_load_si128(&desc[i + 3]);
		rte_compiler_barrier();
		d2 = _mm_load_si128(&desc[i + 2]);
		rte_compiler_barrier();
		d1 = _mm_load_si128(&desc[i + 1]);
		rte_compiler_barrier();
		d0 = _mm_load_si128(&desc[i]);

		e0 = _mm_add_epi16(d0, one_less);
		e1 = _mm_add_epi16(d1, one_less);
		e2 = _mm_add_epi16(d2, one_less);
		e3 = _mm_add_epi16(d3, one_less);
		any = _mm_or_si128(_mm_or_si128(e0, e1), _mm_or_si128(e2, e3));
		all = _mm_and_si128(_mm_and_si128(e0, e1), _mm_and_si128(e2, e3));
		if (likely(_mm_testc_si128(all, set) && _mm_testz_si128(any, clear))) {
			_mm_store_si128(FIRST(sw[i]), fresh);
			_mm_store_si128(FIRST(sw[i + 1]), fresh);
			_mm_store_si128(FIRST(sw[i + 2]), fresh);
			_mm_store_si128(FIRST(sw[i + 3]), fresh);
		} else if (!(_mm_extract_epi32(d3, 2) & NIC_RXD_STAT_DD) ||
			   !any_four(q, d0, d1, d2, d3, &sw[i])) {
			break;
		}
		sum = second(sw[i], d0, sum);
		sum = second(sw[i + 1], d1, sum);
		sum = second(sw[i + 2], d2, sum);
		sum = second(sw[i + 3], d3, sum);
		_mm_storeu_si128((__m128i *)out, _mm_loadu_si128((const __m128i *)&sw[i]));
		_mm_storeu_si128((__m128i *)(out + 2),
				 _mm_loadu_si128((const __m128i *)&sw[i + 2]));
		out += GROUP;
	}

	q->bytes += (uint32_t)_mm_extract_epi32(sum, 1);
	*pkts = out;
	return i;
}

static __rte_always_inline uint32_t run(struct pmd_rxq *q, uint32_t at, uint32_t n,
					struct rte_mbuf ***pkts, bool vector)
{
	uint32_t done = 0, more;

	if (!vector)
		return run_scalar(q, at, n, pkts);
	/* after what the vector refused it goes on in fours: a bad frame costs one group */
	while (n - done >= GROUP) {
		done += run_vector(q, at + done, n - done, pkts);
		if (n - done < GROUP)
			break;
		more = run_scalar(q, at + done, GROUP, pkts);
		done += more;
		if (more < GROUP)
			return done;
	}
	return done == n ? n : done + run_scalar(q, at + done, n - done, pkts);
}

/* What came with the first frame is in the next lines, which are on their way together then. */
static inline void prefetch_desc(const struct pmd_rxq *q, uint32_t at)
{
	rte_prefetch0((const void *)(uintptr_t)&q->desc[2 * (size_t)(at & q->mask)]);
}

static __rte_always_inline uint16_t burst(struct pmd_rxq *q, struct rte_mbuf **pkts, uint16_t want,
					  bool vector)
{
	uint32_t next = q->next, posted = q->tail - next, size = q->mask + 1;
	uint32_t at = next & q->mask, n = RTE_MIN((uint32_t)want, posted), first, done;
	struct rte_mbuf **out = pkts;

	/* most looks of whoever waits are in vain; when one is not, the frame is wanted next */
	if (n && !(q->desc[2 * (size_t)at + 1] & NIC_RXD_STAT_DD))
		return 0;
	if (n) {
		rte_prefetch0((char *)q->sw[at]->buf_addr + RTE_PKTMBUF_HEADROOM);
		prefetch_desc(q, at + GROUP);
		prefetch_desc(q, at + 2 * GROUP);
	}
	first = RTE_MIN(n, size - at);
	done = run(q, at, first, &out, vector);
	if (unlikely(done == first && first < n))
		done += run(q, 0, n - first, &out, vector);

	if (done) {
		next += done;
		q->next = next;
		q->packets += (uint64_t)(out - pkts);
		while (q->tail - next + PMD_BATCH < size && pmd_rx_refill(q))
			;
	} else if (unlikely(!posted)) {
		/* the pool ran dry before; without this nothing would ever be posted again */
		pmd_rx_refill(q);
	}
	return (uint16_t)(out - pkts);
}

uint16_t pmd_rx_vector(void *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(rxq, pkts, n, true);
}

uint16_t pmd_rx_scalar(void *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	return burst(rxq, pkts, n, false);
}

uint16_t pmd_rx_vector_strip(void *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	n = burst(rxq, pkts, n, true);
	pmd_rx_untag(pkts, n);
	return n;
}

uint16_t pmd_rx_scalar_strip(void *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	n = burst(rxq, pkts, n, false);
	pmd_rx_untag(pkts, n);
	return n;
}

uint16_t pmd_rx_none(void *rxq, struct rte_mbuf **pkts, uint16_t n)
{
	return 0;
}

eth_rx_burst_t pmd_rx_burst(struct pmd_rx_mode mode)
{
	if (mode.scatter)
		return mode.strip ? pmd_rx_scatter_strip : pmd_rx_scatter;
	if (mode.strip)
		return mode.scalar ? pmd_rx_scalar_strip : pmd_rx_vector_strip;
	return mode.scalar ? pmd_rx_scalar : pmd_rx_vector;
}

int pmd_rx_status(void *rxq, uint16_t offset)
{
	struct pmd_rxq *q = rxq;

	if (offset > q->mask)
		return -EINVAL;
	if (offset >= q->tail - q->next)
		return RTE_ETH_RX_DESC_UNAVAIL;
	return q->desc[2 * (size_t)((q->next + offset) & q->mask) + 1] & NIC_RXD_STAT_DD
		       ? RTE_ETH_RX_DESC_DONE
		       : RTE_ETH_RX_DESC_AVAIL;
}

uint32_t pmd_rx_count(void *rxq)
{
	struct pmd_rxq *q = rxq;
	uint32_t n = 0;

	while (n < q->tail - q->next &&
	       q->desc[2 * (size_t)((q->next + n) & q->mask) + 1] & NIC_RXD_STAT_DD)
		n++;
	return n;
}
