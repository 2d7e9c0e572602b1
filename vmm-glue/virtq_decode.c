/* SPDX-License-Identifier: BSD-3-Clause */
#include "virtq_decode.h"

#define DESC_SIZE ((uint32_t)sizeof(struct vring_desc))

int virtq_avail_new(uint16_t idx, uint16_t seen, uint16_t size, const char **why)
{
	uint16_t n = (uint16_t)(idx - seen);

	if (n > size) {
		*why = "the available index jumped by more than the ring holds";
		return -EBADMSG;
	}
	return n;
}

static int refuse(struct virtq_walk *w, const char *why)
{
	w->why = why;
	return -EBADMSG;
}

int virtq_walk_begin(struct virtq_walk *w, uint16_t head, uint16_t size, bool indirect_ok)
{
	w->next = head;
	w->table_len = size;
	w->visited = 0;
	w->indirect = false;
	w->indirect_ok = indirect_ok;
	w->writes = false;
	w->table_gpa = 0;
	w->n = 0;
	w->bytes = 0;
	w->why = NULL;
	if (head >= size)
		return refuse(w, "a head is outside the descriptor table");
	return 0;
}

static int step_table(struct virtq_walk *w, const struct vring_desc *d)
{
	if (!w->indirect_ok)
		return refuse(w, "an indirect table that was not negotiated");
	if (w->indirect)
		return refuse(w, "an indirect table inside an indirect table");
	if (d->flags & VRING_DESC_F_NEXT)
		return refuse(w, "an indirect descriptor with a successor");
	if (d->len == 0 || d->len % DESC_SIZE != 0)
		return refuse(w, "an indirect table whose length is no multiple of 16");
	if (d->len / DESC_SIZE > VIRTQ_SIZE_MAX)
		return refuse(w, "an indirect table longer than any ring");
	if (d->addr > UINT64_MAX - d->len)
		return refuse(w, "an indirect table that wraps around");
	w->indirect = true;
	w->table_gpa = d->addr;
	w->table_len = d->len / DESC_SIZE;
	w->visited = 0;
	w->next = 0;
	return VIRTQ_TABLE;
}

static int seg_add(struct virtq_walk *w, const struct vring_desc *d)
{
	bool write = d->flags & VRING_DESC_F_WRITE;

	if (d->len == 0)
		return refuse(w, "a buffer of length 0");
	if (d->addr > UINT64_MAX - d->len)
		return refuse(w, "a buffer that wraps around");
	if (w->writes && !write)
		return refuse(w, "a buffer to read behind one to write");
	if (w->n == VIRTQ_SEGS_MAX)
		return refuse(w, "a chain of more than 256 buffers");
	w->bytes += d->len;
	if (w->bytes > VIRTQ_CHAIN_BYTES)
		return refuse(w, "a chain of more than 16 MiB");
	w->writes = write;
	w->seg[w->n++] = (struct virtq_seg){.gpa = d->addr, .len = d->len, .write = write};
	return 0;
}

int virtq_walk_step(struct virtq_walk *w, const struct vring_desc *d)
{
	int r;

	if (++w->visited > w->table_len)
		return refuse(w, "a chain that loops");
	if (d->flags & VRING_DESC_F_INDIRECT)
		return step_table(w, d);
	r = seg_add(w, d);
	if (r < 0)
		return r;
	if (!(d->flags & VRING_DESC_F_NEXT))
		return VIRTQ_END;
	if (d->next >= w->table_len)
		return refuse(w, "a successor outside the descriptor table");
	w->next = d->next;
	return VIRTQ_MORE;
}
