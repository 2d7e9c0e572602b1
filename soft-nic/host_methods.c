/* SPDX-License-Identifier: BSD-3-Clause */
/* Control methods of soft-nic: docs/processes.md. */
#include <lib/mac.h>
#include <stdio.h>
#include "host.h"

static json_t *function_json(struct host *h, unsigned int fn, const struct snic_info *info)
{
	struct host_fn *f = &h->fn[fn];
	char name[16] = "pf";

	if (fn != SNIC_PF)
		snprintf(name, sizeof(name), "vf%u", fn);
	return json_pack("{s:s, s:b, s:I, s:b}", "function", name, "connected",
			 f->server && vfu_server_connected(f->server), "messages",
			 f->server ? (json_int_t)vfu_server_messages(f->server) : 0, "bus_master",
			 info->bus_master[fn]);
}

static const char *rung_name(enum snic_rung rung)
{
	static const char *const names[] = {
		[SNIC_SPIN] = "spin", [SNIC_NAP] = "nap", [SNIC_SLEEP] = "sleep"};

	return names[rung];
}

static json_t *threads_json(const struct host *h)
{
	json_t *threads = json_array();
	enum snic_rung rung;
	int cpu;

	for (unsigned int i = 0; snic_dp_thread(h->nic, i, &cpu, &rung); i++)
		json_array_append_new(threads,
				      json_pack("{s:i, s:s}", "cpu", cpu, "rung", rung_name(rung)));
	return threads;
}

static int nic_info(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct host *h = userdata;
	struct snic_info info;
	json_t *functions;
	char mac[MAC_TEXT];
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	snic_info(h->nic, &info);
	functions = json_array();
	json_array_append_new(functions, function_json(h, SNIC_PF, &info));
	for (unsigned int vf = 0; vf < info.n_vfs; vf++)
		json_array_append_new(functions, function_json(h, vf, &info));
	ctl_reply(req, json_pack("{s:s, s:s, s:i, s:i, s:b, s:i, s:s, s:o, s:o}", "name", h->o.name,
				 "mac", mac_to_text(info.mac, mac), "num_vfs", (int)info.n_vfs,
				 "total_vfs", (int)NIC_VFS_MAX, "link", info.link, "cpu",
				 h->o.cpu[0], "rung", rung_name(snic_dp_rung(h->nic)), "threads",
				 threads_json(h), "functions", functions));
	return 0;
}

static int nic_counters(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct host *h = userdata;
	struct snic_counters c;
	struct snic_info info;
	json_t *vfs;
	int r;

	r = ctl_unpack(req, params, "{");
	if (r < 0)
		return r;
	snic_info(h->nic, &info);
	snic_counters(h->nic, &c);
	vfs = json_array();
	for (unsigned int vf = 0; vf < info.n_vfs; vf++) {
		const struct snic_vf_counters *v = &c.pool[vf];
		const struct vfu_server *s = h->fn[vf].server;

		json_array_append_new(
			vfs, json_pack("{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "vf",
				       (int)vf, "rx_packets", (json_int_t)v->rx_packets,
				       "tx_packets", (json_int_t)v->tx_packets, "rx_bytes",
				       (json_int_t)v->rx_bytes, "tx_bytes", (json_int_t)v->tx_bytes,
				       "rx_dropped", (json_int_t)v->rx_dropped, "tx_dropped",
				       (json_int_t)v->tx_dropped, "spoofed", (json_int_t)v->spoofed,
				       "messages", s ? (json_int_t)vfu_server_messages(s) : 0));
	}
	ctl_reply(req, json_pack("{s:I, s:I, s:I, s:I, s:o, s:I, s:I}", "wire_rx_packets",
				 (json_int_t)c.wire_rx_packets, "wire_tx_packets",
				 (json_int_t)c.wire_tx_packets, "wire_rx_dropped",
				 (json_int_t)c.wire_rx_dropped, "wire_tx_dropped",
				 (json_int_t)c.wire_tx_dropped, "vfs", vfs, "spoofed",
				 (json_int_t)c.spoofed, "busy_tsc", (json_int_t)c.busy_tsc));
	return 0;
}

static int nic_link(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct host *h = userdata;
	int up, r;

	r = ctl_unpack(req, params, "{s:b", "up", &up);
	if (r < 0)
		return r;
	snic_link_set(h->nic, up);
	ctl_reply(req, NULL);
	return 0;
}

static int ctl_quit(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct host *h = userdata;

	ctl_reply(req, NULL);
	return sd_event_exit(h->event, 0);
}

const struct ctl_method *host_methods(void)
{
	static const struct ctl_method methods[] = {
		{"nic.info", nic_info}, {"nic.counters", nic_counters},
		{"nic.link", nic_link}, {"ctl.quit", ctl_quit},
		{NULL, NULL},
	};

	return methods;
}
