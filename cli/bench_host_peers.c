/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What users would pick instead, each with the best options that are known for it, and some of them
 * once more with none but those without which they would not be apart from others: cores, sockets,
 * no device of the host. A peer that is not installed is absent, one that does not start has
 * failed, and both are told.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <lib/clock.h>

#include "bench_host.h"

#define TESTPMD	     "dpdk-testpmd"
#define OVS_VSWITCHD "/usr/lib/openvswitch-switch-dpdk/ovs-vswitchd-dpdk"
#define OVS_SCHEMA   "/usr/share/openvswitch/vswitch.ovsschema"
#define OVS_CTL	     "/usr/bin/ovs-vsctl"
#define OVS_EXTRA    "other_config:dpdk-extra=--no-pci --in-memory --no-telemetry"

/* Options of a virtio port that make its driver choose vectorised functions for a ring. */
#define VIRTIO_PACKED "queues=1,packed_vq=1,vectorized=1,in_order=1,mrg_rxbuf=0"
#define VIRTIO_SPLIT  "queues=1,packed_vq=0,vectorized=1,in_order=0,mrg_rxbuf=0"

/* 256 slots, as the rings of others have */
#define MEMIF_RINGS ",rsize=8,bsize=2048"

static int not_there(struct bh_path *p, int r, const char *program, const char *package)
{
	if (r == -ENOENT)
		return bh_path_absent(p, "%s is not installed (package %s)", program, package);
	return bh_path_fail(p, "%s: %s", program, strerrordesc_np(-r));
}

static unsigned int append(const char **argv, unsigned int n, const char *const *more)
{
	while (*more)
		argv[n++] = *more++;
	return n;
}

/* Is it measured with what it does when it is told nothing? */
static bool plain(const struct bh_path *p)
{
	return p->kind->traits & BH_TRAIT_PLAIN;
}

/* testpmd forwards between two ports: receives a burst from one, sends it to the other. */
static int start_testpmd(struct bench_host *b, struct bh_path *p, const char *vdev0,
			 const char *vdev1)
{
	char lcores[32], runtime[96];
	const char *const apart[] = {
		"stdbuf", "-oL", /* it tells when it is ready, but not at once to a file */
		TESTPMD,  "--lcores", lcores, "--in-memory", "--no-pci", "--no-telemetry", NULL};
	static const char *const wide[] = {"--iova-mode=va", "--force-max-simd-bitwidth=512", NULL};
	const char *const ports[] = {vdev0, vdev1, "--", "--auto-start", "--disable-link-check",
				     NULL};
	static const char *const tuned[] = {"--total-num-mbufs=8192",
					    "--forward-mode=io",
					    "--burst=32",
					    "--rxd=256",
					    "--txd=256",
					    "--no-lsc-interrupt",
					    NULL};
	static const char *const none[] = {NULL};
	const char *argv[24], *env[] = {runtime, NULL};
	struct bh_spawn how = {.argv = argv, .env = env, .listen_fd = -1, .keep_input = true};
	unsigned int n;
	int r;

	n = append(argv, 0, apart);
	n = append(argv, n, plain(p) ? none : wide);
	n = append(argv, n, ports);
	argv[append(argv, n, plain(p) ? none : tuned)] = NULL;
	/* its main thread only waits for input */
	bh_text(lcores, sizeof(lcores), "0@%u,1@%u", b->cpu_gen, b->cpu_switch);
	bh_text(runtime, sizeof(runtime), "RUNTIME_DIRECTORY=%s", b->dir);
	if (!bh_program(TESTPMD))
		return not_there(p, -ENOENT, TESTPMD, "dpdk-dev");
	bh_text(p->version, sizeof(p->version), "%s",
		json_string_value(json_object_get(b->engine_ports, "dpdk")) ?: "DPDK");
	r = bh_spawn(b, bh_path_proc(p), p->kind->name, &how, p->commands);
	if (r >= 0)
		r = bh_wait_text(b, &p->proc[0], "Press enter to exit");
	if (r == -EIO) {
		bh_path_dead(p);
		return r;
	}
	return r < 0 ? not_there(p, r, TESTPMD, "dpdk-dev") : 0;
}

static int start_vhost(struct bench_host *b, struct bh_path *p, const char *options)
{
	char path[2][BH_SOCKET_PATH], vdev[2][160];

	for (unsigned int i = 0; i < 2; i++) {
		bh_text(path[i], sizeof(path[i]), "%s/%s%u.sock", b->dir, p->kind->name, i);
		bh_text(vdev[i], sizeof(vdev[i]), "--vdev=net_vhost%u,iface=%s%s", i, path[i],
			*options ? ",queues=1" : "");
		bh_text(p->port[i], sizeof(p->port[i]),
			"net_virtio_user%u,path=%s,mac=02:00:00:00:02:%02x%s", b->n_vdevs++,
			path[i], i + 1, options);
	}
	return start_testpmd(b, p, vdev[0], vdev[1]);
}

int bh_start_vhost_packed(struct bench_host *b, struct bh_path *p)
{
	return start_vhost(b, p, "," VIRTIO_PACKED);
}

int bh_start_vhost_split(struct bench_host *b, struct bh_path *p)
{
	return start_vhost(b, p, "," VIRTIO_SPLIT);
}

int bh_start_vhost_default(struct bench_host *b, struct bh_path *p)
{
	return start_vhost(b, p, "");
}

/* The generator is the client, whose side may do without copies; testpmd copies. */
static int start_memif(struct bench_host *b, struct bh_path *p, const char *rings, const char *zc)
{
	char path[BH_SOCKET_PATH], vdev[2][200];

	bh_text(path, sizeof(path), "%s/%s.sock", b->dir, p->kind->name);
	for (unsigned int i = 0; i < 2; i++) {
		bh_text(vdev[i], sizeof(vdev[i]),
			"--vdev=net_memif%u,role=server,id=%u,socket=%s,socket-abstract=no%s", i, i,
			path, rings);
		bh_text(p->port[i], sizeof(p->port[i]),
			"net_memif%u,role=client,id=%u,socket=%s,socket-abstract=no%s,"
			"mac=02:00:00:00:03:%02x%s",
			b->n_vdevs++, i, path, rings, i + 1, zc);
	}
	return start_testpmd(b, p, vdev[0], vdev[1]);
}

int bh_start_memif(struct bench_host *b, struct bh_path *p)
{
	return start_memif(b, p, MEMIF_RINGS, ",zero-copy=no");
}

int bh_start_memif_zc(struct bench_host *b, struct bh_path *p)
{
	return start_memif(b, p, MEMIF_RINGS, ",zero-copy=yes");
}

int bh_start_memif_default(struct bench_host *b, struct bh_path *p)
{
	return start_memif(b, p, "", "");
}

/* Runs a program for @p; -EIO with the last line of what it said. */
static int run_for(struct bench_host *b, struct bh_path *p, const char *const *argv,
		   const char *const *env)
{
	struct bh_spawn how = {.argv = argv, .env = env, .listen_fd = -1};
	char log[BH_SOCKET_PATH], tail[BH_TEXT];
	int r;

	r = bh_run(b, p->kind->name, &how, p->commands);
	if (r == 0 || r == -EINTR)
		return r;
	bh_text(log, sizeof(log), "%s/%s.log", b->dir, p->kind->name);
	bh_log_tail(log, tail, sizeof(tail));
	return bh_path_fail(p, "%s %s failed: %s", argv[0], argv[1],
			    *tail ? tail : strerrordesc_np(-r));
}

static int start_ovsdb(struct bench_host *b, struct bh_path *p, const char *db,
		       const char *const *env)
{
	char file[BH_SOCKET_PATH], remote[BH_SOCKET_PATH + 8], ctl[BH_SOCKET_PATH];
	const char *create[] = {"ovsdb-tool", "create", file, OVS_SCHEMA, NULL};
	const char *serve[] = {"ovsdb-server", file, remote, ctl, "-vconsole:warn", NULL};
	struct bh_spawn how = {.argv = serve, .env = env, .listen_fd = -1};
	int r;

	bh_text(file, sizeof(file), "%s/%s/conf.db", b->dir, p->kind->name);
	bh_text(remote, sizeof(remote), "--remote=punix:%s", db);
	bh_text(ctl, sizeof(ctl), "--unixctl=%s/%s/ovsdb.ctl", b->dir, p->kind->name);
	r = run_for(b, p, create, env);
	if (r < 0)
		return r;
	r = bh_spawn(b, bh_path_proc(p), "ovsdb-server", &how, p->commands);
	if (r < 0) {
		p->n_procs--;
		return not_there(p, r, "ovsdb-server", "openvswitch-switch");
	}
	r = bh_wait_file(b, &p->proc[0], db);
	return r < 0 ? bh_path_fail(p, "ovsdb-server: no socket: %s", strerrordesc_np(-r)) : 0;
}

static int configure_ovs(struct bench_host *b, struct bh_path *p, const char *remote,
			 const char *const *env)
{
	char main_mask[64], pmd_mask[64];
	const char *init[] = {OVS_CTL, "--no-wait", remote, "init", NULL};
	const char *set[] = {OVS_CTL, "--no-wait", remote, "set", "Open_vSwitch", ".",
			     "other_config:dpdk-init=true", main_mask, pmd_mask,
			     plain(p) ? OVS_EXTRA
				      : OVS_EXTRA " --iova-mode=va "
						  "--force-max-simd-bitwidth=512",
			     /* a bound, lest it takes what others are to have */
			     "other_config:dpdk-socket-limit=512",
			     plain(p) ? NULL : "other_config:dpdk-socket-mem=256", NULL};
	int r;

	if (b->cpu_gen > 63 || b->cpu_switch > 63)
		return bh_path_fail(p,
				    "its CPU masks are for CPUs up to 63 here, and the bench "
				    "runs on %u and %u",
				    b->cpu_gen, b->cpu_switch);
	bh_text(main_mask, sizeof(main_mask), "other_config:dpdk-lcore-mask=0x%llx",
		1ull << b->cpu_gen);
	bh_text(pmd_mask, sizeof(pmd_mask), "other_config:pmd-cpu-mask=0x%llx",
		1ull << b->cpu_switch);
	r = run_for(b, p, init, env);
	return r < 0 ? r : run_for(b, p, set, env);
}

static int add_ovs_ports(struct bench_host *b, struct bh_path *p, const char *remote,
			 const char *const *env)
{
	char path[2][BH_SOCKET_PATH], option[2][BH_SOCKET_PATH + 32];
	const char *argv[] = {OVS_CTL,
			      "--timeout=20",
			      remote,
			      "add-br",
			      "br0",
			      "--",
			      "set",
			      "bridge",
			      "br0",
			      "datapath_type=netdev",
			      "--",
			      "add-port",
			      "br0",
			      "p0",
			      "--",
			      "set",
			      "Interface",
			      "p0",
			      "type=dpdkvhostuserclient",
			      option[0],
			      "--",
			      "add-port",
			      "br0",
			      "p1",
			      "--",
			      "set",
			      "Interface",
			      "p1",
			      "type=dpdkvhostuserclient",
			      option[1],
			      NULL};

	for (unsigned int i = 0; i < 2; i++) {
		bh_text(path[i], sizeof(path[i]), "%s/%s/%u.sock", b->dir, p->kind->name, i);
		bh_text(option[i], sizeof(option[i]), "options:vhost-server-path=%s", path[i]);
		/* Open vSwitch connects, and tries again until the generator listens */
		bh_text(p->port[i], sizeof(p->port[i]),
			"net_virtio_user%u,path=%s,server=1,mac=02:00:00:00:04:%02x%s",
			b->n_vdevs++, path[i], i + 1, plain(p) ? "" : "," VIRTIO_PACKED);
	}
	return run_for(b, p, argv, env);
}

int bh_start_ovs(struct bench_host *b, struct bh_path *p)
{
	static const char *const version[] = {OVS_VSWITCHD, "--version", NULL},
				 *const dirs[] = {"OVS_RUNDIR", "OVS_LOGDIR", "OVS_SYSCONFDIR",
						  "RUNTIME_DIRECTORY"};
	char dir[80], db[BH_SOCKET_PATH], remote[BH_SOCKET_PATH + 16], ctl[BH_SOCKET_PATH];
	char env_text[4][112];
	const char *env[] = {env_text[0], env_text[1], env_text[2], env_text[3], NULL};
	/* two of them would both make the interface of their datapath */
	const char *argv[] = {"unshare", "--net",	   OVS_VSWITCHD, remote + strlen("--db="),
			      ctl,	 "-vconsole:warn", NULL};
	struct bh_spawn how = {.argv = argv, .env = env, .listen_fd = -1};
	struct bh_proc *proc;
	int r;

	r = bh_first_line(b, version, p->version, sizeof(p->version));
	if (r < 0)
		return not_there(p, r, "Open vSwitch with DPDK", "openvswitch-switch-dpdk");
	bh_text(dir, sizeof(dir), "%s/%s", b->dir, p->kind->name);
	if (mkdir(dir, 0700) < 0)
		return bh_path_fail(p, "%s: %s", dir, strerrordesc_np(errno));
	for (unsigned int i = 0; i < 4; i++)
		bh_text(env_text[i], sizeof(env_text[i]), "%s=%s", dirs[i], dir);
	bh_text(db, sizeof(db), "%s/db.sock", dir);
	bh_text(remote, sizeof(remote), "--db=unix:%s", db);
	bh_text(ctl, sizeof(ctl), "--unixctl=%s/vswitchd.ctl", dir);
	r = start_ovsdb(b, p, db, env);
	if (r >= 0)
		r = configure_ovs(b, p, remote, env);
	if (r < 0)
		return r;
	proc = bh_path_proc(p);
	r = bh_spawn(b, proc, "ovs-vswitchd", &how, p->commands);
	if (r < 0)
		return bh_path_fail(p, "%s: %s", OVS_VSWITCHD, strerrordesc_np(-r));
	return add_ovs_ports(b, p, remote, env);
}

/* Everything is in our own network namespace: names clash with nobody's, and go with us. */
int bh_start_kernel(struct bench_host *b, struct bh_path *p)
{
	static const char *const bridge[] = {"ip",   "link",   "add", "benchbr",
					     "type", "bridge", NULL};
	static const char *const up[] = {"ip", "link", "set", "benchbr", "up", NULL};
	struct utsname u;
	int r;

	r = run_for(b, p, bridge, NULL);
	if (r < 0 && access("/sbin/ip", X_OK) < 0 && access("/usr/sbin/ip", X_OK) < 0 &&
	    access("/bin/ip", X_OK) < 0)
		return bh_path_absent(p, "ip is not installed (package iproute2)");
	for (unsigned int i = 0; i < 2 && r >= 0; i++) {
		char end[16], other[16];
		const char *add[] = {"ip",   "link", "add",  end,   "type",
				     "veth", "peer", "name", other, NULL};
		const char *join[] = {"ip", "link", "set", other, "master", "benchbr", "up", NULL};
		const char *raise[] = {"ip", "link", "set", end, "promisc", "on", "up", NULL};

		bh_text(end, sizeof(end), "bench%u", i);
		bh_text(other, sizeof(other), "benchbr%u", i);
		r = run_for(b, p, add, NULL);
		if (r >= 0)
			r = run_for(b, p, join, NULL);
		if (r >= 0)
			r = run_for(b, p, raise, NULL);
		bh_text(p->port[i], sizeof(p->port[i]),
			"net_af_packet%u,iface=%s,qdisc_bypass=1,framesz=2048,framecnt=512,"
			"blocksz=4096",
			b->n_vdevs++, end);
	}
	if (r >= 0)
		r = run_for(b, p, up, NULL);
	if (uname(&u) == 0)
		bh_text(p->version, sizeof(p->version), "Linux %s", u.release);
	return r;
}
