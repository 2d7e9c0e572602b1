/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virtio-net: the guest's rings are lent to a back end (net_backend.h), and no code of this file is
 * on a packet's path. What is left here: MAC and link in the device configuration, and the control
 * queue by which a driver says how many queue pairs it uses.
 *
 * Source: [VIRTIO] 5.1.
 */
#include "dev.h"
#include "net_backend.h"
#include "virtio_dev.h"

#include <abi/bits.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>
#include <string.h>
#include <sys/eventfd.h>

#define NET_CLASS	   0x02000001u /* Ethernet controller, revision 1 */
#define NET_CFG_LEN	   12u
#define NET_CFG_STATUS	   6u
#define NET_CFG_PAIRS	   8u
#define NET_QUEUE_SIZE	   1024u /* of a back end in another process */
#define NET_QUEUE_SIZE_TAP 256u
#define CTRL_ROUND	   16u

#define NET_OWN (BIT64(VIRTIO_NET_F_MAC) | BIT64(VIRTIO_NET_F_STATUS))
#define NET_MQ	(BIT64(VIRTIO_NET_F_MQ) | BIT64(VIRTIO_NET_F_CTRL_VQ))

struct virtio_net {
	struct virtio_dev v; /* first */
	struct net_backend *b;
	bool up;
	struct virtq ctrl;
	struct virtq_chain chain;
};

static struct virtio_net *virtio_net(struct virtio_dev *v)
{
	return (struct virtio_net *)v;
}

/* ---- the control queue ------------------------------------------------------------------ */

static uint8_t ctrl_command(struct virtio_net *vn, const struct virtq_chain *c)
{
	struct {
		struct virtio_net_ctrl_hdr hdr;
		uint8_t pairs[2];
	} cmd;
	unsigned int pairs;

	_Static_assert(sizeof(cmd) == 4, "class, command, one 16 bit value");
	if (c->out_bytes != sizeof(cmd))
		return VIRTIO_NET_ERR;
	iov_out(c->iov, c->n_out, 0, &cmd, sizeof(cmd));
	if (cmd.hdr.class != VIRTIO_NET_CTRL_MQ || cmd.hdr.cmd != VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET)
		return VIRTIO_NET_ERR;
	pairs = cmd.pairs[0] | (unsigned int)cmd.pairs[1] << 8;
	if (pairs < 1 || pairs > vn->b->pairs)
		return VIRTIO_NET_ERR;
	vn->b->ops->set_pairs(vn->b, pairs);
	return VIRTIO_NET_OK;
}

static int ctrl_one(struct virtio_net *vn)
{
	struct virtq_chain *c = &vn->chain;
	uint8_t ack;
	int r;

	r = virtq_next(&vn->ctrl, c);
	if (r <= 0)
		return r;
	ack = ctrl_command(vn, c);
	iov_in(c->iov + c->n_out, c->n_in, 0, &ack, 1);
	virtq_put(&vn->ctrl, c->head, 1);
	return 1;
}

static void net_kicked(struct virtio_dev *v, unsigned int queue)
{
	struct virtio_net *vn = virtio_net(v);
	int r = 1;

	if (vn->ctrl.map.size == 0)
		return;
	for (unsigned int i = 0; i < CTRL_ROUND && r > 0; i++)
		r = ctrl_one(vn);
	virtq_flush(&vn->ctrl);
	if (r < 0)
		virtio_dev_broke(v, vn->ctrl.broken);
	else if (r > 0 || !virtq_idle(&vn->ctrl))
		(void)eventfd_write(v->kick_fd[queue], 1);
}

/* ---- rings ------------------------------------------------------------------------------ */

static int net_start(struct virtio_dev *v, const struct virtq_map *q)
{
	struct virtio_net *vn = virtio_net(v);
	struct net_rings r = {
		.n = 2 * vn->b->pairs,
		.q = q,
		.mem = virtio_dev_mem(v),
		.ram = {vmm_ram(v->pci.vm), vmm_ram_high(v->pci.vm)},
		.features = v->regs.driver_features,
	};

	vn->ctrl.map.size = 0;
	if (v->regs.type.n_queues > r.n && q[r.n].size > 0 && (r.features & NET_MQ) == NET_MQ) {
		virtq_init(&vn->ctrl, &q[r.n], &r.mem, r.features);
		(void)eventfd_write(v->kick_fd[r.n], 1);
	}
	vn->b->ops->start(vn->b, &r);
	return 0;
}

static void ctrl_stop(struct virtio_net *vn)
{
	if (vn->ctrl.map.size > 0)
		vn->v.base[2 * vn->b->pairs] = virtq_base(&vn->ctrl);
}

static int net_stop(struct virtio_dev *v)
{
	struct virtio_net *vn = virtio_net(v);

	ctrl_stop(vn);
	return vn->b->ops->stop(vn->b, v->base);
}

static bool net_stopped(struct virtio_dev *v)
{
	struct virtio_net *vn = virtio_net(v);

	return !vn->b->ops->stopped || vn->b->ops->stopped(vn->b, v->base);
}

static void net_set_call(struct virtio_dev *v, unsigned int queue, int fd)
{
	struct virtio_net *vn = virtio_net(v);

	if (queue < 2 * vn->b->pairs)
		vn->b->ops->set_call(vn->b, queue, fd);
	else
		atomic_store(&vn->ctrl.call_fd, fd);
}

static uint64_t net_messages(struct virtio_dev *v)
{
	struct virtio_net *vn = virtio_net(v);

	return vn->b->ops->messages ? vn->b->ops->messages(vn->b) : 0;
}

/* The link is the back end. Lock held. */
static void net_settled(struct virtio_dev *v)
{
	struct virtio_net *vn = virtio_net(v);
	uint16_t status;
	bool up;

	if (!vn->b)
		return;
	up = vn->b->ops->up(vn->b);
	if (up == vn->up)
		return;
	vn->up = up;
	status = up ? VIRTIO_NET_S_LINK_UP : 0;
	virtio_dev_cfg_set(v, NET_CFG_STATUS, &status, sizeof(status));
	vmm_device_away(&v->pci, !up);
}

static int net_free(struct virtio_dev *v)
{
	struct virtio_net *vn = virtio_net(v);
	int r = 0;

	if (vn->b)
		r = vn->b->ops->free(vn->b);
	vn->b = NULL;
	return r;
}

static const struct virtio_dev_ops virtio_net_ops = {
	.start = net_start,
	.stop = net_stop,
	.stopped = net_stopped,
	.set_call = net_set_call,
	.kicked = net_kicked,
	.settled = net_settled,
	.messages = net_messages,
	.free = net_free,
};

static int net_reconnect(struct pci_dev *d, int fd)
{
	struct virtio_net *vn = virtio_net((struct virtio_dev *)d);

	if (!vn->b->ops->reconnect) {
		fd_close(fd);
		return -EOPNOTSUPP;
	}
	return vn->b->ops->reconnect(vn->b, fd);
}

/* ---- birth ------------------------------------------------------------------------------ */

static void on_changed(void *ctx)
{
	struct virtio_net *vn = ctx;

	if (!vn->v.pci.ready)
		return; /* the first connection: nobody to tell yet */
	virtio_dev_lock(&vn->v);
	virtio_dev_unlock(&vn->v);
}

static void on_broke(void *ctx, const char *why)
{
	struct virtio_net *vn = ctx;

	virtio_dev_broke(&vn->v, why);
}

static const struct net_events net_events = {
	.changed = on_changed,
	.broke = on_broke,
};

static int net_finish(struct vm *vm, const char *id, struct virtio_net *vn, const uint8_t mac[6],
		      const char *kind)
{
	const uint16_t status = VIRTIO_NET_S_LINK_UP, pairs = (uint16_t)vn->b->pairs;
	struct virtio_type type = {
		.id = VIRTIO_ID_NET,
		.class_rev = NET_CLASS,
		.n_queues = 2 * vn->b->pairs + (pairs > 1),
		.queue_size = vn->b->ops->stopped ? NET_QUEUE_SIZE_TAP : NET_QUEUE_SIZE,
		.cfg_len = NET_CFG_LEN,
		.features = vn->b->ops->features(vn->b) | NET_OWN | (pairs > 1 ? NET_MQ : 0),
		.together = pairs > 1 ? NET_MQ : 0,
	};
	int r;

	r = virtio_dev_init(&vn->v, vm, id, &type, &virtio_net_ops,
			    pairs > 1 ? BIT32(2 * pairs) : 0);
	if (r < 0)
		return r;
	vn->v.pci_ops.kind = kind;
	vn->v.pci_ops.reconnect = net_reconnect;
	vn->up = true;
	memcpy(vn->v.regs.device_cfg, mac, 6);
	memcpy(vn->v.regs.device_cfg + NET_CFG_STATUS, &status, sizeof(status));
	memcpy(vn->v.regs.device_cfg + NET_CFG_PAIRS, &pairs, sizeof(pairs));
	return 0;
}

/* The back end is there already, in vn->b; both are taken over. */
static int net_new(struct vm *vm, const char *id, struct virtio_net *vn, const uint8_t mac[6],
		   const char *kind, struct pci_dev **ret_dev)
{
	int r;

	r = net_finish(vm, id, vn, mac, kind);
	if (r < 0) {
		virtio_dev_free(&vn->v);
		return r;
	}
	*ret_dev = &vn->v.pci;
	return 0;
}

int vmm_dev_virtio_net_new(struct vm *vm, const char *id, int fd, unsigned int pairs,
			   const uint8_t mac[6], struct pci_dev **ret_dev)
{
	_cleanup_(freep) struct virtio_net *vn = NULL;
	int r;

	vn = calloc(1, sizeof(*vn));
	if (!vn) {
		fd_close(fd);
		return -ENOMEM;
	}
	r = net_vhost_new(vmm_event(vm), fd, pairs, &net_events, vn, &vn->b);
	if (r < 0)
		return r;
	return net_new(vm, id, TAKE_PTR(vn), mac, "vhost-user", ret_dev);
}

int vmm_dev_virtio_net_tap_new(struct vm *vm, const char *id, const int *fds, unsigned int n_fds,
			       const uint8_t mac[6], struct pci_dev **ret_dev)
{
	_cleanup_(freep) struct virtio_net *vn = NULL;
	int r;

	vn = calloc(1, sizeof(*vn));
	if (!vn) {
		for (unsigned int i = 0; i < n_fds; i++)
			fd_close(fds[i]);
		return -ENOMEM;
	}
	r = net_tap_new(fds, n_fds, &net_events, vn, &vn->b);
	if (r < 0)
		return r;
	return net_new(vm, id, TAKE_PTR(vn), mac, "virtio-net", ret_dev);
}
