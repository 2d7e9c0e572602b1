/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virtio-blk: one queue, one thread that does what it says, a request at a time.
 *
 * Source: [VIRTIO] 5.2.
 */
#include "blk_disk.h"
#include "dev.h"
#include "io_thread.h"
#include "virtio_dev.h"

#include <abi/bits.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <string.h>

#define BLK_QUEUE_SIZE 256u
#define BLK_SEGS       (VIRTQ_SEGS_MAX - 2) /* besides header and status */
#define BLK_CLASS      0x01800001u	    /* mass storage, other; revision 1 */
#define BLK_CFG_LEN    24u		    /* up to blk_size */

struct virtio_blk {
	struct virtio_dev v; /* first */
	struct blk_disk disk;
	struct io_thread *thread;
	struct virtq q;
	struct virtq_chain chain;
};

static struct virtio_blk *blk(struct virtio_dev *v)
{
	return (struct virtio_blk *)v;
}

static int serve_one(struct virtio_blk *b)
{
	int64_t filled;
	int r;

	r = virtq_next(&b->q, &b->chain);
	if (r <= 0)
		return r;
	filled = blk_disk_serve(&b->disk, &b->chain);
	if (filled < 0) {
		b->q.broken = "a disk request without header or status";
		return -EBADMSG;
	}
	virtq_put(&b->q, b->chain.head, (uint32_t)filled);
	virtq_flush(&b->q);
	return 1;
}

static void blk_work(void *ctx, struct io_thread *t)
{
	struct virtio_blk *b = ctx;

	while (!io_thread_leaving(t)) {
		int r = serve_one(b);

		if (r > 0)
			continue;
		if (r < 0)
			virtio_dev_broke(&b->v, b->q.broken);
		if (!virtq_idle(&b->q))
			continue;
		io_thread_wait(t, b->v.kick_fd[0]);
		virtq_busy(&b->q);
	}
}

static int blk_start(struct virtio_dev *v, const struct virtq_map *q)
{
	struct virtio_blk *b = blk(v);
	struct virtq_mem mem = virtio_dev_mem(v);

	b->disk.write_through = !(v->regs.driver_features & BIT64(VIRTIO_BLK_F_FLUSH));
	virtq_init(&b->q, &q[0], &mem, v->regs.driver_features);
	io_thread_run(b->thread);
	return 0;
}

static int blk_stop(struct virtio_dev *v)
{
	int r = io_thread_pause(blk(v)->thread, VIRTIO_STOP_US);

	if (r == 0)
		v->base[0] = virtq_base(&blk(v)->q);
	return r;
}

static bool blk_stopped(struct virtio_dev *v)
{
	if (!io_thread_idle(blk(v)->thread))
		return false;
	v->base[0] = virtq_base(&blk(v)->q);
	return true;
}

static void blk_set_call(struct virtio_dev *v, unsigned int queue, int fd)
{
	(void)queue;
	atomic_store(&blk(v)->q.call_fd, fd);
}

static int blk_free(struct virtio_dev *v)
{
	struct virtio_blk *b = blk(v);
	int r;

	atomic_store(&b->q.call_fd, -1);
	r = io_thread_free(b->thread, VIRTIO_FREE_US);
	if (r < 0)
		return r;
	b->disk.fd = fd_close(b->disk.fd);
	return 0;
}

static const struct virtio_dev_ops blk_ops = {
	.kind = "virtio-blk",
	.start = blk_start,
	.stop = blk_stop,
	.stopped = blk_stopped,
	.set_call = blk_set_call,
	.free = blk_free,
};

static struct virtio_type blk_type(bool readonly)
{
	return (struct virtio_type){
		.id = VIRTIO_ID_BLOCK,
		.class_rev = BLK_CLASS,
		.n_queues = 1,
		.queue_size = BLK_QUEUE_SIZE,
		.cfg_len = BLK_CFG_LEN,
		.features = BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) |
			    BIT64(VIRTIO_RING_F_EVENT_IDX) | BIT64(VIRTIO_BLK_F_SEG_MAX) |
			    BIT64(VIRTIO_BLK_F_BLK_SIZE) | BIT64(VIRTIO_BLK_F_FLUSH) |
			    (readonly ? BIT64(VIRTIO_BLK_F_RO) : 0),
	};
}

int vmm_dev_virtio_blk_new(struct vm *vm, const char *id, int fd, bool readonly,
			   struct pci_dev **ret_dev)
{
	_cleanup_(virtio_dev_freep) struct virtio_dev *v = NULL;
	_cleanup_(fd_closep) int own = fd;
	struct virtio_type type = blk_type(readonly);
	struct virtio_blk_config cfg = {.seg_max = BLK_SEGS, .blk_size = BLK_SECTOR};
	struct virtio_blk *b;
	int r;

	b = calloc(1, sizeof(*b));
	if (!b)
		return -ENOMEM;
	v = &b->v;
	b->disk.fd = -1;
	r = virtio_dev_init(v, vm, id, &type, &blk_ops, 0);
	if (r < 0)
		return r;
	r = blk_disk_init(&b->disk, own, readonly, id);
	if (r < 0) {
		b->disk.fd = -1;
		return r;
	}
	(void)TAKE_FD(own);
	_Static_assert(offsetof(struct virtio_blk_config, physical_block_exp) == BLK_CFG_LEN,
		       "the part of the configuration that there is");
	cfg.capacity = b->disk.limits.sectors;
	memcpy(v->regs.device_cfg, &cfg, BLK_CFG_LEN);
	r = io_thread_new("vm-disk", blk_work, b, &b->thread);
	if (r < 0)
		return r;
	*ret_dev = &TAKE_PTR(v)->pci;
	return 0;
}
