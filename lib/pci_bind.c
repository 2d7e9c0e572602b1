/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who drives a function. driver_override keeps other drivers away while it changes hands, and what
 * the kernel says afterwards is the truth, not that a write succeeded.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <lib/clock.h>
#include <lib/pci_sysfs.h>
#include "sysfs_impl.h"

#define VERIFY_US (2 * USEC_PER_SEC)
#define POLL_US	  (10 * USEC_PER_MSEC)

static bool driver_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < PCISYS_DRIVER_MAX && !strchr(name, '/') && name[0] != '.';
}

static int override_read(int sysfs, const char *bdf, char *ret_name)
{
	char path[SYSFS_PATH_MAX], text[PCISYS_DRIVER_MAX];
	int r = sysfs_device(bdf, "driver_override", path);

	if (r < 0)
		return r;
	r = sysfs_read(sysfs, path, text, sizeof(text));
	if (r < 0)
		return r;
	strcpy(ret_name, strcmp(text, "(null)") ? text : "");
	return 0;
}

static int override_write(int sysfs, const char *bdf, const char *name)
{
	char path[SYSFS_PATH_MAX];
	int r = sysfs_device(bdf, "driver_override", path);

	if (r < 0)
		return r;
	/* an empty line removes it */
	return sysfs_write(sysfs, path, name[0] ? name : "\n");
}

static int unbind(int sysfs, const char *bdf)
{
	char path[SYSFS_PATH_MAX];
	int r = sysfs_device(bdf, "driver/unbind", path);

	if (r < 0)
		return r;
	r = sysfs_write(sysfs, path, bdf);
	return r == -ENOENT ? 0 : r; /* nobody drives it any more */
}

/* Some drivers probe in the background: what is wanted may come a little later. */
static int verify(int sysfs, const char *bdf, const char *driver, char *ret_now)
{
	uint64_t deadline_us = clock_us() + clock_patient_us(VERIFY_US);

	for (;;) {
		int r = pcisys_driver(sysfs, bdf, ret_now);

		if (r < 0)
			return r;
		if (!strcmp(ret_now, driver))
			return 0;
		if (clock_us() >= deadline_us)
			return -EIO;
		clock_sleep_us(POLL_US);
	}
}

static int become(int sysfs, const char *bdf, const char *driver, char *err, size_t err_size)
{
	char now[PCISYS_DRIVER_MAX], path[SYSFS_PATH_MAX];
	int r;

	r = unbind(sysfs, bdf);
	if (r >= 0)
		r = verify(sysfs, bdf, "", now);
	if (r < 0)
		return say(err, err_size, r, "%s: its driver does not let go: %s", bdf,
			   strerror(-r));
	if (driver[0]) {
		/* bound by name: what the probing of a bus would choose is not asked */
		snprintf(path, sizeof(path), "bus/pci/drivers/%s/bind", driver);
		r = sysfs_write(sysfs, path, bdf);
		if (r == -ENOENT)
			return say(err, err_size, r, "%s: driver %s is not loaded", bdf, driver);
		if (r < 0)
			return say(err, err_size, r, "%s: driver %s does not take it: %s", bdf,
				   driver, strerror(-r));
	}
	r = verify(sysfs, bdf, driver, now);
	if (r == -EIO)
		return say(err, err_size, r, "%s: %s%s drives it, not %s", bdf,
			   now[0] ? "driver " : "", now[0] ? now : "nobody",
			   driver[0] ? driver : "nobody");
	if (r < 0)
		return say(err, err_size, r, "%s: %s", bdf, strerror(-r));
	return 0;
}

static int now_bound(int sysfs, const char *bdf, struct pcisys_binding *ret_now, char *err,
		     size_t err_size)
{
	struct pcisys_binding b;
	int r;

	r = pcisys_driver(sysfs, bdf, b.driver);
	if (r == -EINVAL)
		return say(err, err_size, r, "'%.32s' is no PCI address (0000:01:00.0)", bdf);
	if (r == -ENODEV)
		return say(err, err_size, r, "%s: no such PCI function", bdf);
	if (r >= 0)
		r = override_read(sysfs, bdf, b.override);
	if (r < 0)
		return say(err, err_size, r, "%s: %s", bdf, strerror(-r));
	*ret_now = b;
	return 0;
}

int pcisys_restore(int sysfs, const char *bdf, const struct pcisys_binding *before, char *err,
		   size_t err_size)
{
	struct pcisys_binding now;
	int r;

	r = now_bound(sysfs, bdf, &now, err, err_size);
	if (r < 0)
		return r;
	if (strcmp(now.driver, before->driver)) {
		/* a driver that knows the function only by its override needs it before it is bound
		 */
		r = override_write(sysfs, bdf, before->driver);
		if (r < 0)
			return say(err, err_size, r, "%s: driver_override: %s", bdf, strerror(-r));
		r = become(sysfs, bdf, before->driver, err, err_size);
		if (r < 0)
			return r;
	}
	r = override_write(sysfs, bdf, before->override);
	if (r < 0)
		return say(err, err_size, r, "%s: driver_override: %s", bdf, strerror(-r));
	return 0;
}

int pcisys_bind(int sysfs, const char *bdf, const char *driver, struct pcisys_binding *ret_before,
		char *err, size_t err_size)
{
	struct pcisys_binding before;
	int r;

	if (!driver_name_ok(driver))
		return say(err, err_size, -EINVAL, "'%.32s' is no driver's name", driver);
	r = now_bound(sysfs, bdf, &before, err, err_size);
	if (r < 0)
		return r;
	r = override_write(sysfs, bdf, driver);
	if (r < 0)
		return say(err, err_size, r, "%s: driver_override: %s", bdf, strerror(-r));
	if (strcmp(before.driver, driver)) {
		r = become(sysfs, bdf, driver, err, err_size);
		if (r < 0) {
			/* the sentence is about the first failure, whatever comes of this */
			int back = pcisys_restore(sysfs, bdf, &before, NULL, 0);

			(void)back;
			return r;
		}
	}
	*ret_before = before;
	return 0;
}
