/* SPDX-License-Identifier: BSD-3-Clause */
/* PFs, VFs and events as the API shows them. */
#include <lib/clock.h>
#include <sriovd/attrs.h>
#include <sriovd/pf.h>
#include <sriovd/view.h>
#include <string.h>
#include <time.h>

#define SEEN_US (5 * USEC_PER_SEC)

/* For "s:s*": left out when there is nothing to say. */
static const char *text_or_null(const char *text)
{
	return text[0] ? text : NULL;
}

static json_t *capabilities(unsigned int caps)
{
	json_t *view;

	if (!caps)
		return NULL;
	view = json_object();
	for (unsigned int bit = 1; bit < VF_ATTR_STATS; bit <<= 1)
		json_object_set_new(view, vf_attr_name((enum vf_attr)bit),
				    json_boolean(caps & bit));
	/* a driver without counters looks like one of VFs without traffic */
	if (caps & VF_ATTR_STATS)
		json_object_set_new(view, vf_attr_name(VF_ATTR_STATS), json_true());
	return view;
}

static void add_host(json_t *view, const struct host_pf *host)
{
	char device[16];

	text_set(device, sizeof(device), "%04x:%04x", host->vendor, host->device);
	json_object_set_new(view, "device", json_string(device));
	json_object_set_new(view, "address", json_string(host->bdf.text));
	if (host->netdev[0])
		json_object_set_new(view, "netdev", json_string(host->netdev));
	if (host->numa_node >= 0)
		json_object_set_new(view, "numa_node", json_integer(host->numa_node));
}

json_t *view_host_pf(const struct host_pf *host)
{
	static const struct mac none;
	char mac[MAC_TEXT];
	json_t *view;

	view = json_pack("{s:s, s:s, s:s*, s:s, s:s, s:i, s:i, s:i}", "name", host->bdf.text,
			 "kind", "host", "driver", text_or_null(host->driver), "state", "unmanaged",
			 "link", host->carrier ? "up" : "down", "num_vfs", (int)host->num_vfs,
			 "total_vfs", (int)host->total_vfs, "vfs_in_use", 0);
	add_host(view, host);
	if (!mac_equal(&host->mac, &none))
		json_object_set_new(view, "mac", json_string(mac_format(&host->mac, mac)));
	if (host->speed_mbps)
		json_object_set_new(view, "speed_mbps", json_integer(host->speed_mbps));
	return view;
}

json_t *view_pf(const struct pf *pf)
{
	unsigned int in_use = 0;
	char mac[MAC_TEXT];
	json_t *view, *caps;

	for (unsigned int i = 0; i < VFS_MAX; i++)
		in_use += pf->vf[i].net != NULL;
	view = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:i}", "name", pf->name, "kind",
			 pf->ops->host ? "host" : "software", "driver",
			 pf->ops->kernel ? pf->host.driver : "sriov-pf", "state",
			 pf->up ? "up" : "lost", "mac", mac_format(&pf->mac, mac), "link",
			 pf->up && pf->link ? "up" : "down", "num_vfs", (int)pf->num_vfs,
			 "total_vfs", (int)pf->total_vfs, "vfs_in_use", (int)in_use);
	if (pf->ops->host) {
		add_host(view, &pf->now);
	} else {
		json_object_set_new(view, "device", json_string("82576 (software)"));
		json_object_set_new(view, "nic", json_sprintf("soft-nic %s", pf->name));
		json_object_set_new(view, "tap", json_string(pf->cfg.tap));
	}
	if (pf->now.speed_mbps)
		json_object_set_new(view, "speed_mbps", json_integer(pf->now.speed_mbps));
	caps = capabilities(pf->caps);
	if (caps)
		json_object_set_new(view, "capabilities", caps);
	if (!pf->up)
		json_object_set_new(view, "reason", json_string(pf->reason));
	return view;
}

static void add_attrs(json_t *view, const struct vf_now *now)
{
	const struct vf_attrs *a = &now->attrs;
	char mac[MAC_TEXT];
	const struct {
		enum vf_attr bit;
		json_t *value;
	} values[] = {
		{VF_ATTR_MAC, json_string(mac_format(&a->mac, mac))},
		{VF_ATTR_VLAN, json_integer(a->vlan)},
		{VF_ATTR_VLAN_QOS, json_integer(a->vlan_qos)},
		{VF_ATTR_VLAN_PROTO, json_string(attrs_proto_name(a->vlan_proto))},
		{VF_ATTR_SPOOFCHK, json_boolean(a->spoofchk)},
		{VF_ATTR_LINK_STATE, json_string(attrs_link_name(a->link_state))},
		{VF_ATTR_TRUST, json_boolean(a->trust)},
		{VF_ATTR_MIN_TX_RATE, json_integer(a->min_tx_rate)},
		{VF_ATTR_MAX_TX_RATE, json_integer(a->max_tx_rate)},
	};

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (now->has & values[i].bit)
			json_object_set_new(view, vf_attr_name(values[i].bit), values[i].value);
		else
			json_decref(values[i].value);
	}
	if (!(now->has & VF_ATTR_STATS))
		return;
	json_object_set_new(view, "rx_packets", json_integer((json_int_t)now->stats.rx_packets));
	json_object_set_new(view, "tx_packets", json_integer((json_int_t)now->stats.tx_packets));
	json_object_set_new(view, "rx_bytes", json_integer((json_int_t)now->stats.rx_bytes));
	json_object_set_new(view, "tx_bytes", json_integer((json_int_t)now->stats.tx_bytes));
}

static json_t *view_vf(const struct pf *pf, unsigned int i, const struct vf_now *now)
{
	const struct vf *vf = &pf->vf[i];
	const struct net *net = vf->net;
	json_t *view;

	view = json_pack("{s:s, s:i, s:s, s:s, s:s*, s:s*}", "pf", pf->name, "vf", (int)i, "state",
			 vf_state_name(vf->state), "reason", vf->reason, "net",
			 net ? net->id.name : NULL, "vm", net && net->vm ? net->vm->name : NULL);
	if (!now)
		return view;
	if (now->address[0])
		json_object_set_new(view, "address", json_string(now->address));
	if (now->driver[0])
		json_object_set_new(view, "driver", json_string(now->driver));
	if (now->group >= 0)
		json_object_set_new(view, "iommu_group", json_integer(now->group));
	add_attrs(view, now);
	return view;
}

/* Of the kernel nothing is asked more often than every few seconds, unless we changed something. */
static int look(struct sriovd *d, struct pf *pf, struct vf_list **ret_list)
{
	uint64_t now_us = clock_us();
	size_t size;
	int r;

	if (!pf->ops->kernel)
		return pf_vf_list(d, pf, true, ret_list, NULL);
	if (!pf->seen || !pf->seen_us || now_us - pf->seen_us >= SEEN_US) {
		struct vf_list *list = NULL;

		pf->seen_us = now_us;
		r = pf_vf_list(d, pf, true, &list, NULL);
		if (r < 0) {
			pf->seen_us = 0;
			return r;
		}
		free(pf->seen);
		pf->seen = list;
	}
	size = sizeof(*pf->seen) + pf->seen->n * sizeof(pf->seen->vf[0]);
	*ret_list = malloc(size);
	if (!*ret_list)
		return -ENOMEM;
	memcpy(*ret_list, pf->seen, size);
	return 0;
}

json_t *view_vfs(struct sriovd *d, struct pf *pf)
{
	_cleanup_(freep) struct vf_list *list = NULL;
	json_t *views = json_array();

	if (pf->up && look(d, pf, &list) < 0)
		list = NULL;
	for (unsigned int i = 0; i < pf->num_vfs; i++)
		json_array_append_new(views,
				      view_vf(pf, i, list && i < list->n ? &list->vf[i] : NULL));
	return views;
}

static json_t *view_event(const struct event *ev, uint64_t seq)
{
	return json_pack("{s:I, s:o, s:s, s:s, s:s}", "seq", (json_int_t)seq, "time",
			 wall_text(ev->time_us), "object", ev->object, "event", ev->what, "text",
			 ev->text);
}

json_t *view_events(const struct sriovd *d, uint64_t after)
{
	uint64_t first = d->n_events > EVENTS_MAX ? d->n_events - EVENTS_MAX + 1 : 1;
	json_t *list = json_array();

	for (uint64_t seq = after < first ? first : after + 1; seq <= d->n_events; seq++)
		json_array_append_new(list, view_event(&d->events[(seq - 1) % EVENTS_MAX], seq));
	return json_pack("{s:I, s:I, s:o}", "first", (json_int_t)(d->n_events ? first : 0), "last",
			 (json_int_t)d->n_events, "events", list);
}
