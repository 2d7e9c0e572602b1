/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Paths on two VFs that were given: our driver and DPDK's own on the same device, one after the
 * other. What the device is goes with every figure of it, since it may be anything from silicon to
 * a model in software under emulation.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lib/pci_sysfs.h>

#include "bench_host.h"
#include "bench_machine.h"

#define QEMU_SUBSYSTEM 0x1af4u /* Red Hat's, which QEMU puts on what it emulates */

static int refuse(char *err, int r, const char *text)
{
	bh_text(err, BH_TEXT, "%s", text);
	return r;
}

static int read_id(int sysfs, const char *bdf, const char *vendor, const char *device, char *text,
		   size_t size, unsigned int *ret_vendor)
{
	uint64_t v, d;
	int r;

	r = pcisys_number(sysfs, bdf, vendor, &v);
	if (r >= 0)
		r = pcisys_number(sysfs, bdf, device, &d);
	if (r < 0)
		return r;
	bh_text(text, size, "%04x:%04x", (unsigned int)v & 0xffff, (unsigned int)d & 0xffff);
	*ret_vendor = (unsigned int)v & 0xffff;
	return 0;
}

static int read_function(int sysfs, const char *bdf, struct bh_device *d, char *err)
{
	char driver[PCISYS_DRIVER_MAX];
	unsigned int vendor;
	int r;

	r = pcisys_driver(sysfs, bdf, driver);
	if (r >= 0 && strcmp(driver, PCISYS_VFIO_DRIVER)) {
		bh_text(err, BH_TEXT, "%s is bound to %s, not to " PCISYS_VFIO_DRIVER, bdf,
			*driver ? driver : "no driver");
		return -EBUSY;
	}
	if (r >= 0)
		r = read_id(sysfs, bdf, "vendor", "device", d->pci_id, sizeof(d->pci_id), &vendor);
	if (r >= 0)
		r = read_id(sysfs, bdf, "subsystem_vendor", "subsystem_device", d->subsystem,
			    sizeof(d->subsystem), &vendor);
	if (r < 0) {
		bh_text(err, BH_TEXT, "%s: %s", bdf, strerrordesc_np(-r));
		return r;
	}
	d->qemu = vendor == QEMU_SUBSYSTEM;
	return 0;
}

int bh_device_read(int sysfs, const char *text, struct bh_device *ret_device, char *err)
{
	struct bh_device d[2] = {};
	const char *comma = strchr(text, ',');
	int r = 0;

	if (!comma ||
	    !bh_text(d[0].bdf[0], sizeof(d[0].bdf[0]), "%.*s", (int)(comma - text), text) ||
	    !bh_text(d[0].bdf[1], sizeof(d[0].bdf[1]), "%s", comma + 1) ||
	    !pcisys_bdf_ok(d[0].bdf[0]) || !pcisys_bdf_ok(d[0].bdf[1]))
		return refuse(err, -EINVAL,
			      "takes two addresses, such as 0000:01:10.0,0000:01:10.2");
	if (!strcmp(d[0].bdf[0], d[0].bdf[1]))
		return refuse(err, -EINVAL, "one function cannot be both ends of a path");
	for (unsigned int i = 0; i < 2 && r >= 0; i++)
		r = read_function(sysfs, d[0].bdf[i], &d[i], err);
	if (r < 0)
		return r;
	if (strcmp(d[0].pci_id, d[1].pci_id) || strcmp(d[0].subsystem, d[1].subsystem))
		return refuse(err, -EINVAL, "two devices that are not of one kind");
	bench_hypervisor(d[0].hypervisor, sizeof(d[0].hypervisor));
	*ret_device = d[0];
	return 0;
}

json_t *bh_device_json(const struct bh_device *device)
{
	return json_pack("{s:[s, s], s:s, s:s, s:b, s:s}", "functions", device->bdf[0],
			 device->bdf[1], "pci_id", device->pci_id, "subsystem", device->subsystem,
			 "emulated_by_qemu", device->qemu, "hypervisor", device->hypervisor);
}

void bh_device_text(const struct bh_device *device, char *text, size_t size)
{
	bool none = !strcmp(device->hypervisor, "none");

	bh_text(text, size, "PCI %s%s%s%s", device->pci_id,
		device->qemu ? ", emulated by QEMU" : "", none ? "" : ", hypervisor ",
		none ? "" : device->hypervisor);
}

static void use_device(struct bench_host *b, struct bh_path *p)
{
	p->device = &b->device;
	bh_text(p->version, sizeof(p->version), "%s",
		json_string_value(json_object_get(b->engine_ports, "dpdk")) ?: "DPDK");
}

int bh_start_vfio(struct bench_host *b, struct bh_path *p)
{
	use_device(b, p);
	if (!b->plugin[0])
		return bh_path_absent(p, "librte_net_sriov_vf.so was not built: DPDK's headers for "
					 "drivers were missing");
	for (unsigned int i = 0; i < 2; i++)
		bh_text(p->port[i], sizeof(p->port[i]), "net_sriov_vf%u,bdf=%s", b->n_vdevs++,
			b->device.bdf[i]);
	return 0;
}

int bh_start_igb_vf(struct bench_host *b, struct bh_path *p)
{
	use_device(b, p);
	for (unsigned int i = 0; i < 2; i++)
		bh_text(p->port[i], sizeof(p->port[i]), "%s", b->device.bdf[i]);
	return 0;
}
