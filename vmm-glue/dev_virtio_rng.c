/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virtio-rng: the host kernel's random bytes, handed out by the main thread, a bounded number at a
 * time so that a greedy guest does not keep it from other work.
 *
 * Source: [VIRTIO] 5.4.
 */
#include "dev.h"
#include "virtio_dev.h"

#include <abi/bits.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <sys/eventfd.h>
#include <sys/random.h>

#define RNG_QUEUE_SIZE 64u
#define RNG_CLASS      0x00ff0001u /* no class of its own; revision 1 */
#define RNG_ROUND      16u	   /* requests until the loop may do something else */
#define RNG_BYTES      1024u	   /* an answer; a driver that wants more asks again */

struct virtio_rng {
	struct virtio_dev v; /* first */
	struct virtq q;
	struct virtq_chain chain;
};

static struct virtio_rng *rng(struct virtio_dev *v)
{
	return (struct virtio_rng *)v;
}

static int serve_one(struct virtio_rng *g)
{
	uint8_t bytes[RNG_BYTES];
	ssize_t n = 0;
	int r;

	r = virtq_next(&g->q, &g->chain);
	if (r <= 0)
		return r;
	/* the pool is ready since the host booted: this does not block */
	n = getrandom(bytes, g->chain.in_bytes < RNG_BYTES ? g->chain.in_bytes : RNG_BYTES,
		      GRND_NONBLOCK);
	if (n < 0)
		n = 0;
	iov_in(g->chain.iov + g->chain.n_out, g->chain.n_in, 0, bytes, (size_t)n);
	virtq_put(&g->q, g->chain.head, (uint32_t)n);
	return 1;
}

static void rng_kicked(struct virtio_dev *v, unsigned int queue)
{
	struct virtio_rng *g = rng(v);
	int r = 1;

	(void)queue;
	for (unsigned int i = 0; i < RNG_ROUND && r > 0; i++)
		r = serve_one(g);
	virtq_flush(&g->q);
	if (r < 0)
		virtio_dev_broke(v, g->q.broken);
	/* more of it, or something came while we looked away: later, but without a kick */
	else if (r > 0 || !virtq_idle(&g->q))
		(void)eventfd_write(v->kick_fd[0], 1);
}

static int rng_start(struct virtio_dev *v, const struct virtq_map *q)
{
	struct virtq_mem mem = virtio_dev_mem(v);

	virtq_init(&rng(v)->q, &q[0], &mem, v->regs.driver_features);
	(void)eventfd_write(v->kick_fd[0], 1);
	return 0;
}

static int rng_stop(struct virtio_dev *v)
{
	v->base[0] = virtq_base(&rng(v)->q);
	return 0;
}

static void rng_set_call(struct virtio_dev *v, unsigned int queue, int fd)
{
	(void)queue;
	atomic_store(&rng(v)->q.call_fd, fd);
}

static int rng_free(struct virtio_dev *v)
{
	(void)v;
	return 0;
}

static const struct virtio_dev_ops rng_ops = {
	.kind = "virtio-rng",
	.start = rng_start,
	.stop = rng_stop,
	.set_call = rng_set_call,
	.kicked = rng_kicked,
	.free = rng_free,
};

int vmm_dev_virtio_rng_new(struct vm *vm, const char *id, struct pci_dev **ret_dev)
{
	static const struct virtio_type type = {
		.id = VIRTIO_ID_RNG,
		.class_rev = RNG_CLASS,
		.n_queues = 1,
		.queue_size = RNG_QUEUE_SIZE,
		.features = BIT64(VIRTIO_F_VERSION_1) | BIT64(VIRTIO_RING_F_INDIRECT_DESC) |
			    BIT64(VIRTIO_RING_F_EVENT_IDX),
	};
	_cleanup_(virtio_dev_freep) struct virtio_dev *v = NULL;
	struct virtio_rng *g;
	int r;

	g = calloc(1, sizeof(*g));
	if (!g)
		return -ENOMEM;
	v = &g->v;
	r = virtio_dev_init(v, vm, id, &type, &rng_ops, BIT32(0));
	if (r < 0)
		return r;
	*ret_dev = &TAKE_PTR(v)->pci;
	return 0;
}
