/* SPDX-License-Identifier: BSD-3-Clause */
/* The backend of software PFs: a soft-nic and the sriov-pf that drives it over vfio-user. */
#include <lib/clock.h>
#include <lib/log.h>
#include <lib/pcif.h>
#include <sriovd/sock.h>
#include <sriovd/tap.h>
#include <string.h>

#include <sriovd/pf_driver.h>

#define OPEN_US	  (10 * USEC_PER_SEC)
#define PF_US	  (3 * USEC_PER_SEC)
#define SOCKET_US (2 * USEC_PER_SEC)
#define RESET_US  (2 * USEC_PER_SEC)
#define RETRY_US  (10 * USEC_PER_MSEC)

int pf_soft_new(struct sriovd *d, const struct config_nic *cfg, struct op_error *e)
{
	char ctl[2 * PATH_SIZE];
	struct pf *pf;
	int r;

	pf = pf_new(d, cfg->name);
	if (!pf)
		return op_fail(e, HTTP_INTERNAL, -ENOMEM, "pf %s: out of memory", cfg->name);
	pf->ops = &pf_ops_soft;
	pf->cfg = *cfg;
	r = path_set(pf->dir, sizeof(pf->dir), "%s/nic/%s", d->cfg.run_dir, cfg->name);
	if (r < 0)
		return op_fail(e, HTTP_BAD_INPUT, r, "nic %s: the run directory's path is too long",
			       cfg->name);
	text_set(ctl, sizeof(ctl), "%s/ctl.sock", pf->dir);
	r = child_init(&pf->snic, CHILD_SOFT_NIC, cfg->name, ctl, e);
	if (r < 0)
		return r;
	text_set(ctl, sizeof(ctl), "%s/pf/%s/ctl.sock", d->cfg.run_dir, cfg->name);
	return child_init(&pf->drv, CHILD_PF, cfg->name, ctl, e);
}

static int snic_start(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	struct child_start start = {};
	_cleanup_(fd_closep) int tap = -1;
	char cpu[12], threads[12];
	size_t n = 0;
	int r;

	if (pf->snic.running)
		return 0;
	start.args[n++] = "--dir";
	start.args[n++] = pf->dir;
	if (pf->cfg.tap[0]) {
		r = tap_open(pf->cfg.tap, &tap, e);
		if (r < 0)
			return r;
		start.fds[start.n_fds++] = tap;
		start.args[n++] = "--tap-fd";
		start.args[n++] = "4";
	}
	if (pf->cfg.mac[0]) {
		start.args[n++] = "--mac";
		start.args[n++] = pf->cfg.mac;
	}
	if (pf->cfg.cpu >= 0) {
		text_set(cpu, sizeof(cpu), "%d", pf->cfg.cpu);
		start.args[n++] = "--cpu";
		start.args[n++] = cpu;
	}
	if (pf->cfg.threads > 1) {
		text_set(threads, sizeof(threads), "%d", pf->cfg.threads);
		start.args[n++] = "--threads";
		start.args[n++] = threads;
	}
	pf->num_vfs = 0;
	sock_sweep(pf->dir);
	return child_start(d, &pf->snic, &start, e);
}

static int soft_open(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	char path[PATH_SIZE];
	bool usable = false;
	int r;

	r = pf_driver_info(d, pf, &usable, e);
	if (r < 0 || usable)
		return r;
	r = path_set(path, sizeof(path), "%s/pf.sock", pf->dir);
	if (r >= 0)
		r = sock_connect(d, path, PF_US, &fd);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "%s: pf.sock: %s", pf->snic.object,
			       strerrordesc_np(-r));
	r = child_call(d, &pf->drv, "pf.open", NULL, &fd, 1, OPEN_US, NULL, e);
	if (r >= 0)
		r = pf_driver_info(d, pf, &usable, e);
	if (r >= 0 && !usable)
		r = op_fail(e, HTTP_CHILD, -ENODEV, "%s: the PF is lost again", pf->drv.object);
	return r;
}

static int soft_bring_up(struct sriovd *d, struct pf *pf, struct op_error *e)
{
	const struct child_start start = {};
	int r;

	r = snic_start(d, pf, e);
	if (r >= 0 && !pf->drv.running)
		r = child_start(d, &pf->drv, &start, e);
	if (r >= 0)
		r = soft_open(d, pf, e);
	if (r >= 0 && !pf->snic.running)
		r = op_fail(e, HTTP_CHILD, -EAGAIN, "pf %s: a child died meanwhile", pf->name);
	return r;
}

static int vf_socket(const struct pf *pf, unsigned int vf, char path[PATH_SIZE])
{
	return path_set(path, PATH_SIZE, "%s/vf%u.sock", pf->dir, vf);
}

static int soft_set_vfs(struct sriovd *d, struct pf *pf, unsigned int num_vfs, struct op_error *e)
{
	char path[PATH_SIZE];
	int r;

	r = pf_driver_set_vfs(d, pf, num_vfs, e);
	for (unsigned int i = 0; r >= 0 && i < num_vfs; i++) {
		r = vf_socket(pf, i, path);
		if (r >= 0)
			r = sock_await(d, path, SOCKET_US);
		if (r < 0)
			op_fail(e, HTTP_CHILD, r, "vf %s/%u did not appear", pf->name, i);
	}
	return r;
}

static int soft_vf_open(struct sriovd *d, struct pf *pf, unsigned int vf, struct vf_handle *ret,
			struct op_error *e)
{
	char path[PATH_SIZE];
	int r;

	r = vf_socket(pf, vf, path);
	if (r >= 0)
		r = sock_connect(d, path, SOCKET_US, &ret->fds[0]);
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "vf %s/%u: no connection to %s: %s", pf->name, vf,
			       pf->snic.object, strerrordesc_np(-r));
	ret->kind = "vfio-user";
	ret->n_fds = 1;
	return 0;
}

/*
 * Connecting is also the proof that nobody else has the function: the NIC lets one client in, and a
 * VMM that has just let go may need a moment to be noticed.
 */
static int vf_reset(const char *path)
{
	uint64_t deadline_us = clock_us() + SOCKET_US;
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	int r;

	for (;;) {
		r = pcif_open_vfu_path(path, RESET_US, &f);
		if ((r != -EAGAIN && r != -ECONNRESET && r != -EBUSY) || clock_us() >= deadline_us)
			break;
		clock_sleep_us(RETRY_US);
	}
	return r < 0 ? r : pcif_reset(f);
}

static int soft_vf_scrub(struct sriovd *d, struct pf *pf, unsigned int vf, struct op_error *e)
{
	char path[PATH_SIZE];
	int r;

	if (!pf->snic.running || !pf->drv.running)
		return op_fail(e, HTTP_CHILD, -ENODEV, "pf %s is lost: %s", pf->name, pf->reason);
	r = vf_socket(pf, vf, path);
	if (r >= 0) {
		baton_drop(d);
		r = vf_reset(path);
		baton_take(d);
	}
	if (r < 0)
		return op_fail(e, HTTP_CHILD, r, "vf %s/%u: reset: %s", pf->name, vf,
			       strerrordesc_np(-r));
	return pf_driver_scrub(d, pf, vf, e);
}

static bool soft_alive(struct sriovd *d, struct pf *pf)
{
	return pf->snic.running;
}

static const char *soft_back_end(const struct pf *pf)
{
	return pf->snic.object;
}

static void soft_stop(struct sriovd *d, struct pf *pf)
{
	struct op_error e = {};

	if (pf->drv.running && pf->num_vfs > 0 && pf_driver_set_vfs(d, pf, 0, &e) < 0)
		log_object_warning(pf->drv.object, 0, "%s", e.text);
	child_stop(d, &pf->drv);
	child_stop(d, &pf->snic);
	sock_sweep(pf->dir);
}

const struct pf_ops pf_ops_soft = {
	.traps = true,
	.bring_up = soft_bring_up,
	.set_vfs = soft_set_vfs,
	.vf_list = pf_driver_vf_list,
	.vf_baseline = pf_driver_baseline,
	.vf_program = pf_driver_vf_program,
	.vf_open = soft_vf_open,
	.vf_scrub = soft_vf_scrub,
	.alive = soft_alive,
	.back_end = soft_back_end,
	.stop = soft_stop,
};
