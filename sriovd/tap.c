/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sriovd/link.h>
#include <sriovd/tap.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

int tap_open(const char *name, int *ret_fd, struct op_error *e)
{
	struct ifreq ifr = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	_cleanup_(fd_closep) int fd = -1;
	unsigned int ifindex;
	int r = 0;

	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &ifr) < 0)
		r = -errno;
	if (r >= 0) {
		ifindex = if_nametoindex(name);
		r = ifindex ? link_set((int)ifindex, true, NULL) : -errno;
	}
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "tap %s: %s", name, strerrordesc_np(-r));
	*ret_fd = TAKE_FD(fd);
	return 0;
}
