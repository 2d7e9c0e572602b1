/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <lib/log.h>
#include <signal.h>
#include <sriovd/bridge.h>
#include <sriovd/sock.h>
#include <sriovd/tap.h>
#include <string.h>
#include <sys/pidfd.h>

#define CALL_US	  (3 * USEC_PER_SEC)
#define SOCKET_US (2 * USEC_PER_SEC)
#define PROBE_US  (5 * USEC_PER_SEC)

#define SILENT_MAX 3u

int bridge_bring_up(struct sriovd *d, struct bridge *br, struct op_error *e)
{
	struct child_start start = {};
	_cleanup_(fd_closep) int tap = -1;
	char cpu[12];
	size_t n = 0;
	int r;

	if (!br->child.running) {
		if (br->cfg.tap[0]) {
			r = tap_open(br->cfg.tap, &tap, e);
			if (r < 0)
				return r;
			start.fds[start.n_fds++] = tap;
			start.args[n++] = "--tap-fd";
			start.args[n++] = "4";
		}
		if (br->cfg.cpu >= 0) {
			text_set(cpu, sizeof(cpu), "%d", br->cfg.cpu);
			start.args[n++] = "--cpu";
			start.args[n++] = cpu;
		}
		if (!d->cfg.hugepages)
			start.args[n++] = "--no-huge";
		sock_sweep(br->dir);
		r = child_start(d, &br->child, &start, e);
		if (r < 0)
			return r;
	}
	br->up = br->child.running;
	br->reason[0] = '\0';
	br->silent = 0;
	br->backoff.up_us = clock_us();
	pthread_cond_broadcast(&d->changed);
	return 0;
}

static void recover_job(struct sriovd *d, void *arg)
{
	struct bridge *br = arg;
	struct op_error e;
	int r;

	for (;;) {
		e.text[0] = '\0';
		r = state_pause(d, backoff_next(&br->backoff));
		if (r < 0)
			break;
		r = bridge_bring_up(d, br, &e);
		if (r >= 0 && br->up)
			break;
		if (r >= 0)
			continue;
		text_set(br->reason, sizeof(br->reason), "%s", op_text(&e, r));
		log_object_warning(br->child.object, 0, "recovery: %s; trying again", br->reason);
	}
	br->recovering = false;
	pthread_cond_broadcast(&d->changed); /* a shutdown may wait for it */
}

void bridge_recover(struct sriovd *d, struct bridge *br)
{
	br->up = false;
	if (br->recovering || d->stopping || d->closing)
		return;
	br->recovering = true;
	if (job_start(d, recover_job, br) < 0)
		br->recovering = false;
}

int bridge_port_add(struct sriovd *d, struct bridge *br, const char *net,
		    const struct mac *only_from, int *ret_fd, struct op_error *e)
{
	char path[PATH_SIZE], mac[MAC_TEXT];
	json_t *params;
	int r;

	if (!br->up)
		return op_fail(e, HTTP_CHILD, -ENODEV, "bridge %s is lost: %s", br->cfg.name,
			       br->reason);
	r = path_set(path, sizeof(path), "%s/%s.sock", br->dir, net);
	if (r < 0)
		return op_fail(e, HTTP_BAD_INPUT, r,
			       "bridge %s: the socket's path of %s is too long", br->cfg.name, net);
	params = json_pack("{s:s, s:s, s:s*}", "name", net, "path", path, "mac",
			   only_from ? mac_format(only_from, mac) : NULL);
	r = child_call(d, &br->child, "port.add", params, NULL, 0, CALL_US, NULL, e);
	if (r < 0)
		return r;
	r = sock_connect(d, path, SOCKET_US, ret_fd);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "bridge %s: port %s: %s", br->cfg.name, net,
			       strerrordesc_np(-r));
	return 0;
}

int bridge_port_remove(struct sriovd *d, struct bridge *br, const char *net, struct op_error *e)
{
	int r;

	r = child_call(d, &br->child, "port.remove", json_pack("{s:s}", "name", net), NULL, 0,
		       CALL_US, NULL, e);
	return r == -ENOENT || r == -ENOTCONN || r == -ECONNRESET ? 0 : r;
}

int bridge_port_connected(struct sriovd *d, struct bridge *br, const char *net, bool *ret_connected)
{
	_cleanup_(json_decrefp) json_t *result = NULL;
	json_t *port;
	size_t i;
	int r;

	r = child_call(d, &br->child, "port.list", NULL, NULL, 0, CALL_US, &result, NULL);
	if (r < 0)
		return r;
	*ret_connected = false;
	json_array_foreach (json_object_get(result, "ports"), i, port) {
		const char *name = json_string_value(json_object_get(port, "name"));

		if (name && strcmp(name, net) == 0)
			*ret_connected = json_is_true(json_object_get(port, "connected"));
	}
	return 0;
}

/* ---- is it well? ---- */

static void probe_job(struct sriovd *d, void *arg)
{
	struct bridge *br = arg;
	unsigned int epoch = br->epoch;
	int r;

	r = child_call(d, &br->child, "bridge.info", NULL, NULL, 0, clock_patient_us(PROBE_US),
		       NULL, NULL);
	br->probing = false;
	br->probed_us = clock_us();
	if (br->epoch != epoch || !br->child.running || d->closing)
		return;
	br->silent = r == -ETIMEDOUT ? br->silent + 1 : 0;
	if (br->silent < SILENT_MAX)
		return;
	br->silent = 0;
	log_object_warning(br->child.object, 0, "pid %d does not answer, killing it",
			   br->child.pid);
	event_add(d, br->child.object, "wedged", "pid %d does not answer", br->child.pid);
	/* its end is noticed as any other */
	pidfd_send_signal(br->child.pidfd, SIGKILL, NULL, 0);
}

void bridge_probe(struct sriovd *d, struct bridge *br)
{
	if (!br->up || br->probing || clock_us() - br->probed_us < PROBE_US)
		return;
	br->probing = true;
	if (job_start(d, probe_job, br) < 0)
		br->probing = false;
}
