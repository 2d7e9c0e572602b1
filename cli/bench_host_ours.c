/* SPDX-License-Identifier: BSD-3-Clause */
/* Paths through switches of this project: soft-nic with sriov-pf, and sriov-bridge. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <lib/clock.h>
#include <lib/ctl.h>

#include "bench_host.h"

#define CALL_US	    (10 * USEC_PER_SEC)
#define CONNECT_TRY 200u
#define CONNECT_US  25000
#define IDLE_FIRST  2u /* VFs 0 and 1 are the busy ones */

/* Starts a program of ours with its control socket at @ctl. */
static int start_child(struct bench_host *b, struct bh_path *p, enum bh_own program,
		       const char *name, const char *ctl, const char *const *more)
{
	_cleanup_(fd_closep) int fd = -1;
	const char *argv[16] = {b->cmd[program], "--name", name, "--control-fd", "3"};
	struct bh_spawn how = {.argv = argv};
	unsigned int n = 5;
	int r;

	while (*more && n < 15)
		argv[n++] = *more++;
	r = ctl_listen(ctl, &fd);
	if (r < 0)
		return bh_path_fail(p, "%s: %s", ctl, strerrordesc_np(-r));
	how.listen_fd = fd;
	r = bh_spawn(b, bh_path_proc(p), name, &how, p->commands);
	if (r < 0)
		return bh_path_fail(p, "%s: %s", b->cmd[program], strerrordesc_np(-r));
	bh_text(p->version, sizeof(p->version), "sriovd %s", SRIOVD_VERSION);
	return 0;
}

static int call(struct bh_path *p, const char *ctl, const char *method, json_t *params,
		const int *fd)
{
	char err[256] = "", why[BH_TEXT];
	int r;

	r = ctl_call_path(ctl, method, params, fd, fd ? 1 : 0, CALL_US, NULL, err, sizeof(err));
	if (r >= 0)
		return 0;
	for (unsigned int i = 0; i < p->n_procs; i++)
		if (!bh_alive(&p->proc[i], why, sizeof(why)))
			return bh_path_fail(p, "%s", why);
	return bh_path_fail(p, "%s: %s", method, *err ? err : strerrordesc_np(-r));
}

/* A soft-nic binds its sockets before it listens on them. */
static int connect_to(struct bench_host *b, const char *path, int *ret_fd)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (!bh_text(a.sun_path, sizeof(a.sun_path), "%s", path))
		return -ENAMETOOLONG;
	for (unsigned int i = 0; i < CONNECT_TRY && !*b->stop; i++) {
		_cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd < 0)
			return -errno;
		if (connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0) {
			*ret_fd = TAKE_FD(fd);
			return 0;
		}
		clock_sleep_us(clock_patient_us(CONNECT_US));
	}
	return *b->stop ? -EINTR : -ETIMEDOUT;
}

static int open_pf(struct bench_host *b, struct bh_path *p, const char *dir, const char *ctl)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[BH_SOCKET_PATH];
	int r;

	if (!bh_text(path, sizeof(path), "%s/pf.sock", dir))
		return -ENAMETOOLONG;
	r = connect_to(b, path, &fd);
	if (r < 0)
		return bh_path_fail(p, "%s: %s", path, strerrordesc_np(-r));
	return call(p, ctl, "pf.open", NULL, &fd);
}

static int add_vfs(struct bench_host *b, struct bh_path *p, const char *dir, const char *ctl,
		   unsigned int n_vfs)
{
	char path[BH_SOCKET_PATH], mac[18];
	int r;

	r = call(p, ctl, "pf.set_vfs", json_pack("{s:i}", "num_vfs", (int)n_vfs), NULL);
	for (unsigned int vf = 0; vf < n_vfs && r >= 0; vf++) {
		bh_text(mac, sizeof(mac), "02:00:00:00:00:%02x", vf + 1);
		r = call(p, ctl, "vf.set", json_pack("{s:i, s:s}", "vf", (int)vf, "mac", mac),
			 NULL);
		if (r < 0)
			return r;
		if (!bh_text(path, sizeof(path), "%s/vf%u.sock", dir, vf))
			return -ENAMETOOLONG;
		r = bh_wait_file(b, &p->proc[p->n_procs - 1], path);
		if (r < 0)
			bh_path_fail(p, "%s: %s", path, strerrordesc_np(-r));
	}
	return r;
}

int bh_nic_start(struct bench_host *b, struct bh_path *p, unsigned int n_vfs)
{
	char dir[80], ctl[BH_SOCKET_PATH], cpu[16], name[48];
	const char *more[] = {"--dir", dir, "--cpu", cpu, NULL}, *const none[] = {NULL};
	int r;

	if (!b->plugin[0])
		return bh_path_absent(p, "librte_net_sriov_vf.so was not built: DPDK's headers for "
					 "drivers were missing");
	bh_text(dir, sizeof(dir), "%s/%s", b->dir, p->kind->name);
	bh_text(cpu, sizeof(cpu), "%u", b->cpu_switch);
	bh_text(name, sizeof(name), "%s-pf", p->kind->name);
	if (mkdir(dir, 0700) < 0)
		return bh_path_fail(p, "%s: %s", dir, strerrordesc_np(errno));
	/* the driver first: parked first, continued last */
	bh_text(ctl, sizeof(ctl), "%s/pf.ctl", dir);
	r = start_child(b, p, BH_SRIOV_PF, name, ctl, none);
	bh_text(p->ctl, sizeof(p->ctl), "%s/nic.ctl", dir);
	if (r >= 0)
		r = start_child(b, p, BH_SOFT_NIC, p->kind->name, p->ctl, more);
	if (r >= 0)
		r = open_pf(b, p, dir, ctl);
	if (r >= 0)
		r = add_vfs(b, p, dir, ctl, n_vfs);
	return r;
}

/* What the engine calls VF @vf of @p's NIC. */
static void name_vf(struct bench_host *b, const struct bh_path *p, unsigned int vf,
		    const char *more, char *text, size_t size)
{
	bh_text(text, size, "net_sriov_vf%u,path=%s/%s/vf%u.sock%s", b->n_vdevs++, b->dir,
		p->kind->name, vf, more);
}

static int start_vfs(struct bench_host *b, struct bh_path *p, unsigned int n_vfs, const char *more)
{
	int r = bh_nic_start(b, p, n_vfs);

	for (unsigned int i = 0; i < 2; i++)
		name_vf(b, p, i, more, p->port[i], sizeof(p->port[i]));
	return r;
}

int bh_start_vf(struct bench_host *b, struct bh_path *p)
{
	return start_vfs(b, p, 2, "");
}

int bh_start_emulated(struct bench_host *b, struct bh_path *p)
{
	return start_vfs(b, p, 2, ",trapped=1");
}

int bh_start_vf8(struct bench_host *b, struct bh_path *p)
{
	return start_vfs(b, p, 8, "");
}

/* Drivers on the other six: queues that are enabled and have to be looked at. */
int bh_started_vf8(struct bench_host *b, struct bh_path *p)
{
	for (unsigned int vf = IDLE_FIRST; vf < 8; vf += 2) {
		char port[2][256], name[32], why[BH_TEXT];
		int r;

		for (unsigned int i = 0; i < 2; i++)
			name_vf(b, p, vf + i, "", port[i], sizeof(port[i]));
		bh_text(name, sizeof(name), "vf8-idle%u", p->n_idle);
		r = bh_engine_ask(&b->engine,
				  json_pack("{s:s, s:s, s:[s, s]}", "op", "add", "path", name,
					    "ports", port[0], port[1]),
				  30000, NULL, why);
		if (r < 0) {
			bh_path_fail(p, "VFs %u and %u: %s", vf, vf + 1, why);
			return r;
		}
		p->n_idle++;
	}
	return 0;
}

int bh_start_virtio(struct bench_host *b, struct bh_path *p)
{
	const char *more[3] = {"--cpu", NULL, NULL};
	char cpu[16], path[BH_SOCKET_PATH];
	int r;

	bh_text(cpu, sizeof(cpu), "%u", b->cpu_switch);
	more[1] = cpu;
	bh_text(p->ctl, sizeof(p->ctl), "%s/bridge.ctl", b->dir);
	r = start_child(b, p, BH_BRIDGE, "bridge", p->ctl, more);
	for (unsigned int i = 0; i < 2 && r >= 0; i++) {
		bh_text(path, sizeof(path), "%s/bridge%u.sock", b->dir, i);
		r = call(p, p->ctl, "port.add",
			 json_pack("{s:s, s:s}", "name", i ? "b" : "a", "path", path), NULL);
		bh_text(p->port[i], sizeof(p->port[i]),
			"net_virtio_user%u,path=%s,mac=02:00:00:00:01:%02x,queues=1,packed_vq=1,"
			"vectorized=1,in_order=1,mrg_rxbuf=0",
			b->n_vdevs++, path, i + 1);
	}
	return r;
}

static uint64_t sum_of(const json_t *list, const char *const *keys)
{
	uint64_t sum = 0;
	const json_t *each;
	size_t i;

	json_array_foreach (list, i, each)
		for (unsigned int k = 0; keys[k]; k++)
			sum += (uint64_t)json_integer_value(json_object_get(each, keys[k]));
	return sum;
}

/* The bridge counts ports in one answer and its thread in another. */
static int busy_of_bridge(const struct bh_path *p, uint64_t *ret_tsc)
{
	json_auto_t *info = NULL;
	int r = ctl_call_path(p->ctl, "bridge.info", NULL, NULL, 0, CALL_US, &info, NULL, 0);

	if (r >= 0)
		*ret_tsc = (uint64_t)json_integer_value(json_object_get(info, "busy_tsc"));
	return r;
}

int bh_counters(const struct bh_path *p, struct bh_counters *ret_counters)
{
	static const char *const dropped[] = {"rx_dropped", "tx_dropped", "spoofed", NULL};
	static const char *const messages[] = {"messages", NULL};
	bool bridge = p->kind->start == bh_start_virtio;
	json_auto_t *result = NULL;
	const json_t *list;
	uint64_t busy;
	int r;

	if (!p->ctl[0])
		return -EOPNOTSUPP;
	r = ctl_call_path(p->ctl, bridge ? "port.list" : "nic.counters", NULL, NULL, 0, CALL_US,
			  &result, NULL, 0);
	if (r < 0)
		return r;
	busy = (uint64_t)json_integer_value(json_object_get(result, "busy_tsc"));
	if (bridge)
		r = busy_of_bridge(p, &busy);
	if (r < 0)
		return r;
	list = json_object_get(result, bridge ? "ports" : "vfs");
	*ret_counters = (struct bh_counters){
		.dropped = sum_of(list, dropped),
		.messages = bridge ? 0 : sum_of(list, messages),
		.busy_tsc = busy,
	};
	return 0;
}

bool bh_filters(const struct bh_path *p)
{
	return p->kind->start == bh_start_vf;
}

int bh_source_check(const struct bench_host *b, const struct bh_path *p, bool on)
{
	char ctl[BH_SOCKET_PATH];
	int r = 0;

	if (!bh_filters(p))
		return 0;
	if (!bh_text(ctl, sizeof(ctl), "%s/%s/pf.ctl", b->dir, p->kind->name))
		return -ENAMETOOLONG;
	for (int vf = 0; vf < 2 && r >= 0; vf++)
		r = ctl_call_path(ctl, "vf.set", json_pack("{s:i, s:b}", "vf", vf, "spoofchk", on),
				  NULL, 0, CALL_US, NULL, NULL, 0);
	return r;
}

void bh_rung(const struct bh_path *p, char *text, size_t size)
{
	bool bridge = p->kind->start == bh_start_virtio;
	json_auto_t *info = NULL;
	const char *rung;

	*text = '\0';
	if (!p->ctl[0] || ctl_call_path(p->ctl, bridge ? "bridge.info" : "nic.info", NULL, NULL, 0,
					CALL_US, &info, NULL, 0) < 0)
		return;
	rung = json_string_value(json_object_get(info, "rung"));
	bh_text(text, size, "%s", rung ? rung : "");
}
