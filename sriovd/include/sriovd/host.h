#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * SR-IOV functions of this host as the kernel shows them: sysfs for what is there, a watch on
 * uevents and rtnetlink for what changes. A function is known by its PCI address; its network
 * device's name is for people and may change at any time. Reading never takes the RTNL, save
 * host_pf_speed(), and never waits for whoever changes the number of VFs.
 */
#include <lib/mac.h>
#include <lib/pci_sysfs.h>
#include <net/if.h>
#include <sriovd/error.h>
#include <sriovd/valid.h>

#define HOST_PFS_MAX 64u

/* A function with an SR-IOV capability. */
struct host_pf {
	struct pcisys_bdf bdf;
	char driver[PCISYS_DRIVER_MAX]; /* empty: none */
	uint16_t vendor, device;
	int numa_node;		 /* -1: unknown */
	int group;		 /* -1: no IOMMU group */
	unsigned int total_vfs;	 /* sriov_totalvfs: what driver and firmware allow */
	unsigned int num_vfs;	 /* that are there; not all yet while they are being made */
	uint64_t made;		 /* another number for VFs that were made anew; 0: none are there */
	bool autoprobe;		 /* sriov_drivers_autoprobe */
	char netdev[IFNAMSIZ];	 /* empty: none now */
	int ifindex;		 /* 0: none */
	bool up;		 /* IFF_UP */
	bool carrier;		 /* as operstate has it, up to a second late */
	unsigned int speed_mbps; /* 0: unknown; only host_pf_speed() asks for it */
	struct mac mac;
};

struct host_vf {
	struct pcisys_bdf bdf;
	char driver[PCISYS_DRIVER_MAX];
	char netdev[IFNAMSIZ];
	int numa_node;
	int group; /* -1: none */
	/*
	 * All others in the group save ports and bridges: "0000:03:00.0 (igb)", for people. It can
	 * only be passed on alone, with empty text.
	 */
	char foreign[64];
};

/**
 * host_pfs() - all network controllers that can have VFs, by address
 * @sysfs: of pcisys_open()
 * @ret:   room for HOST_PFS_MAX
 *
 * Context: any thread; reads sysfs. Functions that vanish meanwhile, or cannot be read, are left
 * out, and so are those beyond HOST_PFS_MAX.
 * Return: how many; -errno. Source: docs/sources.md [SYS].
 */
int host_pfs(int sysfs, struct host_pf *ret) _must_check_;

/**
 * host_pf_read(), host_vf_read() - one of them, now; VF number @vf of the PF at @bdf
 *
 * Context: any thread; reads sysfs. Return: 0; -EINVAL no address; -ENODEV it is not there;
 * -ENOENT no SR-IOV, no such VF; -EBADMSG; -errno. Source: docs/sources.md [SYS].
 */
int host_pf_read(int sysfs, const char *bdf, struct host_pf *ret) _must_check_;
int host_vf_read(int sysfs, const char *bdf, unsigned int vf, struct host_vf *ret) _must_check_;

/**
 * host_pf_made() - struct host_pf.made of the VFs that are there now
 *
 * Context: any thread; reads sysfs. Return: the number; 0 there are none.
 * Source: docs/sources.md [SYS].
 */
uint64_t host_pf_made(int sysfs, const char *bdf);

/**
 * host_gone() - does this error of reading a PF mean that there is none, now?
 *
 * Everything else says something of the reader.
 *
 * Context: pure. Return: true or false. Source: docs/sources.md [SYS].
 */
static inline bool host_gone(int r)
{
	return r == -ENODEV || r == -ENOENT;
}

/**
 * host_pf_speed() - speed of a PF's link; the kernel takes the RTNL for it
 *
 * Context: any thread, without the baton. Return: 0 with Mbps, 0 where there is no network device,
 * no link or no driver that knows; -EINVAL, -ENODEV as host_pf_read().
 * Source: docs/sources.md [SYS].
 */
int host_pf_speed(int sysfs, const char *bdf, unsigned int *ret_mbps) _must_check_;

/**
 * host_pf_by_netdev() - address of the function behind a network device's present name
 *
 * Context: any thread. Return: 0; -ENOENT no such device, or none of PCI; -errno.
 * Source: docs/sources.md [SYS].
 */
int host_pf_by_netdev(int sysfs, const char *netdev, struct pcisys_bdf *ret) _must_check_;

/* What a change was about. Look again with host_pf_read(): events may be lost or late. */
enum host_change {
	HOST_ADDED,	 /* a PCI function */
	HOST_REMOVED,	 /* a PCI function */
	HOST_DRIVER,	 /* bound or unbound */
	HOST_NETDEV,	 /* a network device of it came, went or was renamed */
	HOST_LINK,	 /* up, down, carrier, MAC, or a VF attribute */
	HOST_EVERYTHING, /* events were lost: look at all */
};

struct host_event {
	enum host_change change;
	struct pcisys_bdf bdf; /* of the PCI function; empty with HOST_EVERYTHING */
};

struct host_watch;

/**
 * host_watch_new(), host_watch_free() - listen to udev (the kernel where none runs) and rtnetlink
 *
 * Context: any thread. Return: 0; -ENOMEM; -errno of the sockets. Source: libudev(3), rtnetlink(7).
 */
int host_watch_new(int sysfs, struct host_watch **ret) _must_check_;
void host_watch_free(struct host_watch *w);
DEFINE_CLEANUP(struct host_watch *, host_watch_free);

/**
 * host_watch_fd() - polls readable when host_watch_next() has something
 *
 * Context: any thread. Return: descriptor, owned by @w. Source: epoll(7).
 */
int host_watch_fd(const struct host_watch *w);

/**
 * host_watch_next() - the next change; never blocks
 *
 * Context: the thread that owns @w. Return: 1 with @ret; 0 nothing more now; -errno.
 * Source: libudev(3), rtnetlink(7).
 */
int host_watch_next(struct host_watch *w, struct host_event *ret) _must_check_;
