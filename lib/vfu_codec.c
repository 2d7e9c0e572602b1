/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-user decoders. Each copies the fixed part out once and checks every field that a caller
 * would otherwise have to trust; what they return is in range of the protocol, not yet of one
 * device.
 */
#include <jansson.h>
#include <string.h>
#include <lib/vfu_wire.h>

#define PAGE_MASK	   UINT64_C(4095)
#define VERSION_JSON_MAX   4096u
#define CAP_WALK_MAX	   16u
#define DEVICE_REGIONS_MAX 100u
#define DEVICE_IRQS_MAX	   50u
#define IRQ_VECTORS_MAX	   2048u
#define REGION_SIZE_MAX	   (UINT64_C(1) << 46)
#define DMA_F_HINTS	   12u /* how to use the descriptor: libvfio-user's clients only */

static bool take(const void *p, size_t len, void *ret, size_t size)
{
	if (len < size)
		return false;
	memcpy(ret, p, size);
	return true;
}

const char *vfu_version_text(size_t *ret_len)
{
	/* QEMU drops a reply longer than its own request, and anything above 16 descriptors */
	static const char text[] =
		"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576}}";

	*ret_len = sizeof(text);
	return text;
}

/* One optional number of the capabilities, clamped to @max; @ret keeps its default when absent. */
static int cap_number(const json_t *caps, const char *key, json_int_t min, uint32_t max,
		      uint32_t *ret)
{
	const json_t *v = json_object_get(caps, key);
	json_int_t n;

	if (!v)
		return 0;
	if (!json_is_integer(v))
		return -EBADMSG;
	n = json_integer_value(v);
	if (n < min)
		return -ERANGE;
	*ret = n > (json_int_t)max ? max : (uint32_t)n;
	return 0;
}

static void json_done(json_t **j)
{
	json_decref(*j);
}

int vfu_decode_version(const void *p, size_t len, struct vfu_peer *ret_peer)
{
	struct vfu_peer peer = {.max_msg_fds = 1, .max_xfer = VFU_MAX_XFER};
	_cleanup_(json_done) json_t *root = NULL;
	struct vfu_version v;
	const char *text;
	const json_t *caps;
	size_t n;
	int r;

	if (!take(p, len, &v, sizeof(v)))
		return -EBADMSG;
	peer.major = v.major;
	peer.minor = v.minor;
	text = (const char *)p + sizeof(v);
	n = len - sizeof(v);
	if (n > 0) {
		if (n > VERSION_JSON_MAX || text[n - 1] != '\0')
			return -EBADMSG;
		n = strnlen(text, n);
	}
	if (n > 0) {
		root = json_loadb(text, n, 0, NULL);
		if (!json_is_object(root))
			return -EBADMSG;
		caps = json_object_get(root, "capabilities");
		if (caps && !json_is_object(caps))
			return -EBADMSG;
		r = cap_number(caps, "max_msg_fds", 0, VFU_MAX_FDS, &peer.max_msg_fds);
		if (r < 0)
			return r;
		r = cap_number(caps, "max_data_xfer_size", 1, VFU_MAX_XFER, &peer.max_xfer);
		if (r < 0)
			return r;
	}
	*ret_peer = peer;
	return 0;
}

/* ---- requests -------------------------------------------------------------------------------- */

static bool returns_data(uint16_t cmd)
{
	switch (cmd) {
	case VFU_VERSION:
	case VFU_DEVICE_GET_INFO:
	case VFU_DEVICE_GET_REGION_INFO:
	case VFU_DEVICE_GET_REGION_IO_FDS:
	case VFU_DEVICE_GET_IRQ_INFO:
	case VFU_REGION_READ:
	case VFU_DEVICE_FEATURE:
		return true;
	default:
		return false;
	}
}

int vfu_check_request_hdr(const struct vfu_hdr *h)
{
	/*
	 * such a size cannot be skipped, and this server asks nothing, so a reply answers nothing
	 */
	if (h->msg_size < VFU_HDR_SIZE || h->msg_size > VFU_MAX_MSG ||
	    (h->flags & VFU_F_TYPE_MASK) != VFU_F_TYPE_COMMAND)
		return -EBADMSG;
	if (h->flags & ~VFU_F_NO_REPLY)
		return -EINVAL;
	if ((h->flags & VFU_F_NO_REPLY) && returns_data(h->cmd))
		return -EINVAL;
	return 0;
}

int vfu_decode_dma_map(const void *p, size_t len, size_t n_fds, struct vfu_dma_map *ret)
{
	struct vfu_dma_map m;
	uint32_t known = VFU_DMA_F_READ | VFU_DMA_F_WRITE;

	if (!take(p, len, &m, sizeof(m)) || m.argsz < sizeof(m) || n_fds > 1)
		return -EBADMSG;
	if (n_fds == 1)
		known |= DMA_F_HINTS;
	if ((m.flags & ~known) || !(m.flags & (VFU_DMA_F_READ | VFU_DMA_F_WRITE)))
		return -EBADMSG;
	if (m.size == 0 || ((m.iova | m.size) & PAGE_MASK) || m.size > UINT64_MAX - m.iova)
		return -ERANGE;
	if (n_fds == 1 &&
	    ((m.offset & PAGE_MASK) || m.offset > INT64_MAX || m.size > INT64_MAX - m.offset))
		return -ERANGE;
	*ret = m;
	return 0;
}

int vfu_decode_dma_unmap(const void *p, size_t len, struct vfu_dma_unmap *ret)
{
	struct vfu_dma_unmap u;

	if (!take(p, len, &u, sizeof(u)) || u.argsz < sizeof(u) || (u.flags & ~VFU_UNMAP_F_ALL))
		return -EBADMSG;
	if ((u.flags & VFU_UNMAP_F_ALL) && (u.iova || u.size))
		return -EBADMSG;
	*ret = u;
	return 0;
}

int vfu_decode_device_info(const void *p, size_t len, struct vfu_device_info *ret)
{
	struct vfu_device_info d;

	if (!take(p, len, &d, sizeof(d)) || d.argsz < sizeof(d))
		return -EBADMSG;
	*ret = d;
	return 0;
}

int vfu_decode_region_info(const void *p, size_t len, struct vfu_region_info *ret)
{
	struct vfu_region_info i;

	if (!take(p, len, &i, sizeof(i)) || i.argsz < sizeof(i))
		return -EBADMSG;
	if (i.index >= VFU_REGIONS)
		return -ERANGE;
	*ret = i;
	return 0;
}

int vfu_decode_irq_info(const void *p, size_t len, struct vfu_irq_info *ret)
{
	struct vfu_irq_info i;

	if (!take(p, len, &i, sizeof(i)) || i.argsz < sizeof(i))
		return -EBADMSG;
	if (i.index >= VFU_IRQS)
		return -ERANGE;
	*ret = i;
	return 0;
}

static bool one_bit(uint32_t v)
{
	return v && !(v & (v - 1));
}

int vfu_decode_set_irqs(const void *p, size_t len, size_t n_fds, const uint32_t n_irqs[VFU_IRQS],
			struct vfu_set_irqs *ret, const uint8_t **ret_bools)
{
	const uint32_t data_mask = VFU_SET_DATA_NONE | VFU_SET_DATA_BOOL | VFU_SET_DATA_EVENTFD;
	const uint32_t action_mask =
		VFU_SET_ACTION_MASK | VFU_SET_ACTION_UNMASK | VFU_SET_ACTION_TRIGGER;
	const uint8_t *bools = NULL;
	struct vfu_set_irqs s;

	if (!take(p, len, &s, sizeof(s)) || s.argsz < sizeof(s))
		return -EBADMSG;
	if ((s.flags & ~(data_mask | action_mask)) || !one_bit(s.flags & data_mask) ||
	    !one_bit(s.flags & action_mask))
		return -EBADMSG;
	if (s.index >= VFU_IRQS)
		return -ERANGE;
	if (n_fds != 0 && (!(s.flags & VFU_SET_DATA_EVENTFD) || n_fds != s.count))
		return -EBADMSG;
	if (s.count == 0) {
		/* all vectors off: also of an index that has none */
		if (s.flags != (VFU_SET_DATA_NONE | VFU_SET_ACTION_TRIGGER) || s.start != 0)
			return -EBADMSG;
	} else if (s.start >= n_irqs[s.index] || s.count > n_irqs[s.index] - s.start) {
		return -ERANGE;
	}
	if (s.flags & VFU_SET_DATA_BOOL) {
		if (len - sizeof(s) < s.count)
			return -EBADMSG;
		bools = (const uint8_t *)p + sizeof(s);
	}
	*ret = s;
	*ret_bools = bools;
	return 0;
}

int vfu_decode_region_access(const void *p, size_t len, bool write, struct vfu_region_access *ret,
			     const uint8_t **ret_data)
{
	struct vfu_region_access a;

	if (!take(p, len, &a, sizeof(a)))
		return -EBADMSG;
	if (a.region >= VFU_REGIONS || a.count > VFU_MAX_XFER)
		return -ERANGE;
	if (write && len - sizeof(a) != a.count)
		return -EBADMSG;
	*ret = a;
	*ret_data = write ? (const uint8_t *)p + sizeof(a) : NULL;
	return 0;
}

/* ---- replies --------------------------------------------------------------------------------- */

int vfu_check_reply_hdr(const struct vfu_hdr *h, uint16_t msg_id, uint16_t cmd, size_t max_body,
			size_t *ret_body, int *ret_error)
{
	if ((h->flags & ~VFU_F_ERROR) != VFU_F_TYPE_REPLY || h->msg_id != msg_id || h->cmd != cmd)
		return -EPROTO;
	if (h->msg_size < VFU_HDR_SIZE || h->msg_size - VFU_HDR_SIZE > max_body)
		return -EPROTO;
	if (h->flags & VFU_F_ERROR) {
		if (h->msg_size != VFU_HDR_SIZE)
			return -EPROTO;
		*ret_body = 0;
		*ret_error = h->error == 0 || h->error > 4095 ? -EINVAL : -(int)h->error;
		return 0;
	}
	*ret_body = h->msg_size - VFU_HDR_SIZE;
	*ret_error = 0;
	return 0;
}

int vfu_decode_device_info_reply(const void *p, size_t len, struct vfu_device_info *ret)
{
	struct vfu_device_info d;

	if (!take(p, len, &d, sizeof(d)) || d.argsz < sizeof(d) || !(d.flags & VFU_DEVICE_F_PCI))
		return -EPROTO;
	if (d.num_regions <= VFU_REGION_CONFIG || d.num_regions > DEVICE_REGIONS_MAX ||
	    d.num_irqs <= VFU_IRQ_MSIX || d.num_irqs > DEVICE_IRQS_MAX)
		return -EPROTO;
	*ret = d;
	return 0;
}

int vfu_decode_irq_info_reply(const void *p, size_t len, uint32_t index, struct vfu_irq_info *ret)
{
	struct vfu_irq_info i;

	if (!take(p, len, &i, sizeof(i)) || i.argsz < sizeof(i) || i.index != index ||
	    i.count > IRQ_VECTORS_MAX)
		return -EPROTO;
	*ret = i;
	return 0;
}

static bool region_size_valid(uint32_t index, uint64_t size)
{
	if (index == VFU_REGION_CONFIG)
		return size == 256 || size == 4096;
	if (size > REGION_SIZE_MAX)
		return false;
	return index > 5 || size == 0 || !(size & (size - 1));
}

static int decode_sparse(const uint8_t *p, size_t len, size_t at, const struct vfu_cap_sparse *cap,
			 struct vfu_region *region)
{
	if (cap->version != 1 || cap->nr_areas > (len - at) / sizeof(struct vfu_sparse_area))
		return -EPROTO;
	region->n_areas = 0;
	for (uint32_t i = 0; i < cap->nr_areas; i++) {
		struct vfu_sparse_area a;

		memcpy(&a, p + at + i * sizeof(a), sizeof(a));
		if (a.size == 0 || ((a.offset | a.size) & PAGE_MASK) || a.offset > region->size ||
		    a.size > region->size - a.offset)
			return -EPROTO;
		if (region->n_areas < VFU_SPARSE_AREAS_MAX)
			region->area[region->n_areas++] = a;
	}
	return 0;
}

/* The chain only ever goes forward in a well-made reply; the bound covers the other kind. */
static int walk_caps(const uint8_t *p, size_t len, uint32_t first, struct vfu_region *region)
{
	uint32_t at = first;

	for (unsigned int i = 0; at != 0; i++) {
		struct vfu_cap_sparse cap = {0};

		if (i == CAP_WALK_MAX || at < sizeof(struct vfu_region_info) || at > len ||
		    len - at < 8)
			return -EPROTO;
		memcpy(&cap, p + at, len - at < sizeof(cap) ? len - at : sizeof(cap));
		if (cap.id == VFU_CAP_SPARSE_MMAP) {
			int r;

			if (len - at < sizeof(cap))
				return -EPROTO;
			r = decode_sparse(p, len, at + sizeof(cap), &cap, region);
			if (r < 0)
				return r;
		}
		at = cap.next;
	}
	return 0;
}

int vfu_decode_region_info_reply(const void *p, size_t len, size_t n_fds, uint32_t index,
				 struct vfu_region *ret)
{
	struct vfu_region region = {0};
	struct vfu_region_info i;

	if (!take(p, len, &i, sizeof(i)) || i.argsz < sizeof(i) || i.index != index || n_fds > 1)
		return -EPROTO;
	if (!region_size_valid(index, i.size) || i.offset > INT64_MAX - REGION_SIZE_MAX)
		return -EPROTO;

	region.size = i.size;
	region.readable = i.flags & VFU_REGION_F_READ;
	region.writable = i.flags & VFU_REGION_F_WRITE;
	/*
	 * some servers leave MMAP set in an answer cut short: without a descriptor it means nothing
	 */
	if ((i.flags & VFU_REGION_F_MMAP) && n_fds == 1 && i.size > 0) {
		region.offset = i.offset;
		if (!(i.size & PAGE_MASK)) {
			region.n_areas = 1;
			region.area[0].size = i.size;
		}
		if (i.flags & VFU_REGION_F_CAPS) {
			int r = walk_caps(p, len, i.cap_offset, &region);

			if (r < 0)
				return r;
		}
		region.mappable = region.n_areas > 0 && !(i.offset & PAGE_MASK);
		if (!region.mappable)
			region.n_areas = 0;
	}
	*ret = region;
	return 0;
}

int vfu_decode_dma_unmap_reply(const void *p, size_t len, const struct vfu_dma_unmap *asked)
{
	struct vfu_dma_unmap u;

	if (!take(p, len, &u, sizeof(u)) || u.iova != asked->iova || u.size != asked->size)
		return -EPROTO;
	return 0;
}

int vfu_decode_region_access_reply(const void *p, size_t len, bool write,
				   const struct vfu_region_access *asked)
{
	struct vfu_region_access a;

	if (!take(p, len, &a, sizeof(a)) || a.offset != asked->offset ||
	    a.region != asked->region || a.count != asked->count)
		return -EPROTO;
	return len - sizeof(a) == (write ? 0 : a.count) ? 0 : -EPROTO;
}
