/* SPDX-License-Identifier: BSD-3-Clause */
/* The ways of a net into a VM: what may be asked for, what serves it, how the VM gets it. */
#include <lib/log.h>
#include <sriovd/attrs.h>
#include <sriovd/bridge.h>
#include <sriovd/link.h>
#include <sriovd/pf.h>
#include <sriovd/tap.h>
#include <sriovd/vm.h>
#include <string.h>

#include "attach_internal.h"

int net_way_check(const char *net, const struct net_way *way, struct op_error *e)
{
	if (way->path == PATH_VF && way->backend != BACKEND_AUTO)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net %s: path vf has no backend: behind its VF is the NIC", net);
	if (way->path == PATH_VIRTIO && way->backend == BACKEND_NIC)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net %s: backend nic is for path emulated", net);
	if (way->backend == BACKEND_TAP && !way->link[0])
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net %s: backend tap needs the bridge of the host that the tap is "
			       "to be in",
			       net);
	if (way->backend != BACKEND_TAP && way->link[0])
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "net %s: a bridge is for backend tap",
			       net);
	if (way->queues && (way->backend != BACKEND_TAP || way->path != PATH_VIRTIO))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "net %s: queues are for path virtio with backend tap", net);
	return 0;
}

static void settle_backend(struct net *net)
{
	if (net->way.backend == BACKEND_AUTO)
		net->way.backend = net->way.path == PATH_VF ? BACKEND_NIC : BACKEND_BRIDGE;
}

/* May this PF serve it? Those that cannot are passed over, unless the net names them. */
static int pf_suits(const struct net *net, const struct pf *pf, struct op_error *e)
{
	if (!pf->up)
		return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s is lost: %s", pf->name, pf->reason);
	if (net->way.path == PATH_EMULATED && !pf->ops->traps)
		return op_fail(e, HTTP_CONFLICT, -EOPNOTSUPP,
			       "net %s: backend nic of path emulated needs a software PF, pf %s is "
			       "the host's",
			       net->id.name, pf->name);
	return attrs_allowed(&net->id, pf->caps, pf->name, e);
}

static int pick_vf(struct sriovd *d, struct net *net, struct op_error *e)
{
	const char *only = net->again[0] ? net->again : net->id.pf;
	int r = -ENOSPC;

	if (only[0] && !pf_find(d, only))
		return op_fail(e, HTTP_CONFLICT, -ENODEV, "net %s wants pf %s, which is not there",
			       net->id.name, only);
	for (struct pf *pf = d->pfs; pf; pf = pf->next) {
		struct op_error why = {};
		int now;

		if (only[0] && strcmp(only, pf->name) != 0)
			continue;
		now = pf_suits(net, pf, &why);
		if (now >= 0)
			now = hold_take(&pf->hold, false, pf->object, &why, "attach of %s",
					net->id.name);
		if (now >= 0) {
			now = pf_pick_vf(pf, &net->vf);
			if (now >= 0) {
				net->pf = pf;
				return 0;
			}
			hold_release(d, &pf->hold, false);
		}
		/* what can be waited for tells more than what never will be */
		if (r == -ENOSPC || now == -EBUSY) {
			r = now;
			*e = why;
		}
	}
	if (r != -ENOSPC && (r != -ENODEV || only[0]))
		return r;
	return op_fail(e, HTTP_CONFLICT, -ENOSPC, "no free VF on %s%s for net %s",
		       only[0] ? "pf " : "any pf", only, net->id.name);
}

/* What a bridge cannot do for it. */
static int refuse_vlan(const struct net *net, struct op_error *e)
{
	if (!net->id.vlan)
		return 0;
	return op_fail(e, HTTP_CONFLICT, -EOPNOTSUPP, "net %s has VLAN %u, and %s has no VLANs",
		       net->id.name, net->id.vlan,
		       net->way.backend == BACKEND_TAP ? "a tap" : "the virtio bridge");
}

static int pick_bridge(struct sriovd *d, struct net *net, struct op_error *e)
{
	if (d->n_bridges == 0)
		return op_fail(e, HTTP_CONFLICT, -ENODEV, "no bridge is configured");
	for (size_t i = 0; i < d->n_bridges; i++)
		if (d->bridges[i].up) {
			net->bridge = &d->bridges[i];
			return 0;
		}
	return op_fail(e, HTTP_CHILD, -ENODEV, "bridge %s is lost: %s", d->bridges[0].cfg.name,
		       d->bridges[0].reason);
}

static int pick_tap(const struct net *net, struct op_error *e)
{
	struct link_bridge br;

	return link_bridge(net->way.link, &br, e);
}

int net_pick(struct sriovd *d, struct net *net, struct op_error *e)
{
	int r;

	settle_backend(net);
	if (net->way.backend == BACKEND_NIC)
		return pick_vf(d, net, e);
	r = refuse_vlan(net, e);
	if (r < 0)
		return r;
	return net->way.backend == BACKEND_TAP ? pick_tap(net, e) : pick_bridge(d, net, e);
}

/* Each of these adds the device and closes its own descriptors: the VM alone has them then. */

static int add_vf(struct sriovd *d, struct net *net, bool *ret_added, struct op_error *e)
{
	struct vf_handle h = {};
	int r;

	r = pf_vf_program(d, net->pf, net->vf, &net->id, e);
	if (r >= 0)
		r = pf_vf_open(d, net->pf, net->vf, &h, e);
	if (r < 0)
		return r;
	r = vm_device_add(d, net->vm,
			  json_pack("{s:s, s:s, s:b}", "id", net->id.name, "kind", h.kind,
				    "trapped", net->way.path == PATH_EMULATED),
			  h.fds, h.n_fds, ret_added, e);
	vf_handle_done(&h);
	return r;
}

static json_t *params_of(const struct net *net, const char *kind)
{
	char mac[MAC_TEXT];

	return json_pack("{s:s, s:s, s:s}", "id", net->id.name, "kind", kind, "mac",
			 mac_format(&net->id.mac, mac));
}

static int add_port(struct sriovd *d, struct net *net, bool *ret_added, struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	int r;

	r = bridge_port_add(d, net->bridge, net->id.name, net->id.spoofchk ? &net->id.mac : NULL,
			    &fd, e);
	if (r < 0)
		return r;
	return vm_device_add(
		d, net->vm,
		params_of(net, net->way.path == PATH_EMULATED ? "emulated" : "vhost-user"), &fd, 1,
		ret_added, e);
}

static int add_tap(struct sriovd *d, struct net *net, bool *ret_added, struct op_error *e)
{
	unsigned int queues = net->way.queues ?: 1;
	int fds[TAP_QUEUES_MAX];
	int r;

	r = tap_make(d, net->id.name, net->way.link, queues, fds, e);
	if (r < 0)
		return r;
	r = vm_device_add(
		d, net->vm,
		params_of(net, net->way.path == PATH_EMULATED ? "emulated" : "virtio-net"), fds,
		queues, ret_added, e);
	for (unsigned int i = 0; i < queues; i++)
		fd_close(fds[i]);
	return r;
}

int net_plug(struct sriovd *d, struct net *net, bool *ret_added, struct op_error *e)
{
	if (net->way.backend == BACKEND_NIC)
		return add_vf(d, net, ret_added, e);
	if (net->way.backend == BACKEND_TAP)
		return add_tap(d, net, ret_added, e);
	return add_port(d, net, ret_added, e);
}

int net_unplug(struct sriovd *d, const struct net *net, struct op_error *e)
{
	char tap[IFNAMSIZ];

	if (net->bridge)
		return bridge_port_remove(d, net->bridge, net->id.name, e);
	if (net->way.backend == BACKEND_TAP) {
		tap_name(net->id.name, tap);
		tap_await_end(d, tap);
	}
	return 0;
}
