/* SPDX-License-Identifier: BSD-3-Clause */
#include "vport.h"
#include "nudge.h"

#include <ctype.h>
#include <linux/virtio_net.h>
#include <pthread.h>
#include <rte_vhost.h>
#include <string.h>
#include <sys/stat.h>

#define BIT(n) (UINT64_C(1) << (n))

/*
 * Not offered: offloads, since a frame with a missing checksum would have to be completed for a
 * tap or a peer that did not agree to it; and more than one queue pair.
 */
#define NOT_OFFERED                                                                                \
	(BIT(VIRTIO_NET_F_CSUM) | BIT(VIRTIO_NET_F_GUEST_CSUM) | BIT(VIRTIO_NET_F_GUEST_TSO4) |    \
	 BIT(VIRTIO_NET_F_GUEST_TSO6) | BIT(VIRTIO_NET_F_GUEST_ECN) |                              \
	 BIT(VIRTIO_NET_F_GUEST_UFO) | BIT(VIRTIO_NET_F_HOST_TSO4) | BIT(VIRTIO_NET_F_HOST_TSO6) | \
	 BIT(VIRTIO_NET_F_HOST_ECN) | BIT(VIRTIO_NET_F_HOST_UFO) | BIT(VIRTIO_NET_F_MQ))

static struct {
	pthread_mutex_t lock; /* port[]: main thread and librte_vhost's */
	struct fp_switch *sw;
	struct fp_vport *port[FP_UPLINK_PORT];
} reg = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* A client is ready. The newest wins: the one before it is dead and just not yet noticed. */
static int on_new_device(int vid)
{
	char path[sizeof(((struct fp_vport *)0)->path)];
	int r = -1;

	if (rte_vhost_get_ifname(vid, path, sizeof(path)) < 0)
		return -1;
	/* we poll: no guest needs to kick */
	(void)rte_vhost_enable_guest_notification(vid, 0, 0);
	(void)rte_vhost_enable_guest_notification(vid, 1, 0);
	pthread_mutex_lock(&reg.lock);
	for (unsigned int i = 0; i < FP_UPLINK_PORT; i++)
		if (reg.port[i] && strcmp(reg.port[i]->path, path) == 0) {
			atomic_store(&reg.port[i]->p.vid, vid);
			r = 0;
		}
	pthread_mutex_unlock(&reg.lock);
	return r;
}

/* The device is freed when this returns: the data thread has to be out of it. */
static void on_destroy_device(int vid)
{
	pthread_mutex_lock(&reg.lock);
	for (unsigned int i = 0; i < FP_UPLINK_PORT; i++) {
		int mine = vid;

		if (reg.port[i] && atomic_compare_exchange_strong(&reg.port[i]->p.vid, &mine, -1))
			fp_switch_flush(reg.sw, i);
	}
	pthread_mutex_unlock(&reg.lock);
	fp_switch_quiesce(reg.sw);
}

static const struct rte_vhost_device_ops vhost_ops = {
	.new_device = on_new_device,
	.destroy_device = on_destroy_device,
};

void fp_vports_init(struct fp_switch *sw)
{
	reg.sw = sw;
}

static bool name_ok(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len >= FP_VPORT_NAME_MAX)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)name[i]) && !strchr("._-", name[i]))
			return false;
	return true;
}

static int socket_clear(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(st.st_mode))
		return -EEXIST;
	return unlink(path) < 0 && errno != ENOENT ? -errno : 0;
}

static int place_find(const char *name, const char *path)
{
	int room = -ENOSPC;

	if (strcmp(name, "uplink") == 0)
		return -EEXIST;
	for (int i = FP_UPLINK_PORT - 1; i >= 0; i--) {
		if (!reg.port[i])
			room = i;
		else if (strcmp(reg.port[i]->name, name) == 0 ||
			 strcmp(reg.port[i]->path, path) == 0)
			return -EEXIST;
	}
	return room;
}

static void place_set(unsigned int id, struct fp_vport *v)
{
	pthread_mutex_lock(&reg.lock);
	reg.port[id] = v;
	pthread_mutex_unlock(&reg.lock);
}

/* @v is in its place already: a client may connect as soon as the socket listens. */
static int socket_open(const struct fp_vport *v)
{
	int r;

	r = socket_clear(v->path);
	if (r < 0)
		return r;
	if (rte_vhost_driver_register(v->path, RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS) < 0)
		return -EIO;
	if (rte_vhost_driver_disable_features(v->path, NOT_OFFERED) < 0 ||
	    rte_vhost_driver_callback_register(v->path, &vhost_ops) < 0 ||
	    rte_vhost_driver_start(v->path) < 0) {
		rte_vhost_driver_unregister(v->path);
		return -EIO;
	}
	fp_nudge();
	return 0;
}

int fp_vport_add(const char *name, const char *path, const uint8_t *mac)
{
	struct fp_vport *v;
	int id, r;

	if (!name_ok(name) || path[0] != '/' || strlen(path) >= sizeof(v->path))
		return -EINVAL;
	id = place_find(name, path);
	if (id < 0)
		return id;

	v = aligned_alloc(64, sizeof(*v));
	if (!v)
		return -ENOMEM;
	memset(v, 0, sizeof(*v));
	v->p.id = (unsigned int)id;
	atomic_store(&v->p.vid, -1);
	if (mac)
		memcpy(&v->p.only_from.v, mac, 6); /* as fp_mac() reads it */
	memcpy(v->name, name, strlen(name) + 1);
	memcpy(v->path, path, strlen(path) + 1);
	place_set(v->p.id, v);

	r = fp_switch_add_port(reg.sw, &v->p);
	if (r == 0) {
		r = socket_open(v);
		if (r < 0 && fp_switch_remove_port(reg.sw, &v->p) < 0)
			return r; /* stays, without a socket: it is in use */
	}
	if (r < 0) {
		place_set(v->p.id, NULL);
		free(v);
	}
	return r;
}

static int vport_remove(struct fp_vport *v)
{
	int r;

	r = fp_switch_remove_port(reg.sw, &v->p);
	if (r < 0)
		return r;
	/* calls on_destroy_device() for a client that is there; must not find the lock taken */
	rte_vhost_driver_unregister(v->path);
	place_set(v->p.id, NULL);
	free(v);
	return 0;
}

int fp_vport_remove(const char *name)
{
	for (unsigned int i = 0; i < FP_UPLINK_PORT; i++)
		if (reg.port[i] && strcmp(reg.port[i]->name, name) == 0)
			return vport_remove(reg.port[i]);
	return -ENOENT;
}

void fp_vports_remove_all(void)
{
	for (unsigned int i = 0; i < FP_UPLINK_PORT; i++)
		if (reg.port[i])
			(void)vport_remove(reg.port[i]);
}

const struct fp_vport *fp_vport_get(unsigned int id)
{
	return id < FP_UPLINK_PORT ? reg.port[id] : NULL;
}
