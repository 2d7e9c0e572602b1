/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Getting a function from the kernel. The group path only: container, group, device. Each step that
 * the kernel refuses by a bare errno becomes a sentence here.
 */
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <abi/bits.h>
#include <lib/pci_sysfs.h>
#include "pcif_vfio.h"
#include "sysfs_impl.h"

#define CONTAINER_PATH "/dev/vfio/vfio"

struct opening {
	const struct pcif_vfio_config *config;
	unsigned int group;
	int sysfs;
	char *err;
	size_t err_size;
};

#define refuse(o, r, ...) say((o)->err, (o)->err_size, (r), __VA_ARGS__)

static int open_container(struct pcif_vfio *v, const struct opening *o)
{
	v->container_fd = open(CONTAINER_PATH, O_RDWR | O_CLOEXEC);
	if (v->container_fd < 0 && (errno == ENOENT || errno == ENODEV))
		return refuse(o, -ENOENT, "no " CONTAINER_PATH ": the module vfio is not loaded");
	if (v->container_fd < 0)
		return refuse(o, -errno, CONTAINER_PATH ": %s", strerror(errno));
	if (ioctl(v->container_fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION)
		return refuse(o, -ENOTSUP, CONTAINER_PATH " speaks another version of VFIO");
	if (ioctl(v->container_fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) != 1)
		return refuse(o, -ENOENT, "VFIO has no type 1 IOMMU: is vfio_iommu_type1 loaded?");
	return 0;
}

static int group_not_viable(const struct opening *o)
{
	char names[256];

	if (kvfio_foreign(o->sysfs, o->group, names, sizeof(names)) == 0)
		strcpy(names, "a member of it");
	return refuse(o, -EPERM, "%s: its IOMMU group %u is not viable: the host itself uses %s",
		      o->config->bdf, o->group, names);
}

static int open_group(struct pcif_vfio *v, const struct opening *o)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%u", o->group);
	v->group_fd = open(path, O_RDWR | O_CLOEXEC);
	if (v->group_fd < 0 && errno == EBUSY)
		return refuse(o, -EBUSY, "%s: another process has its IOMMU group %u open",
			      o->config->bdf, o->group);
	if (v->group_fd < 0)
		return refuse(o, -errno, "%s: %s: %s", o->config->bdf, path, strerror(errno));
	if (ioctl(v->group_fd, VFIO_GROUP_GET_STATUS, &status) < 0)
		return refuse(o, -errno, "%s: %s: %s", o->config->bdf, path, strerror(errno));
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return group_not_viable(o);
	return 0;
}

static int join(struct pcif_vfio *v, const struct opening *o)
{
	const char *bdf = o->config->bdf;
	int e;

	if (ioctl(v->group_fd, VFIO_GROUP_SET_CONTAINER, &v->container_fd) < 0) {
		e = errno;
		if (e == EPERM)
			return group_not_viable(o);
		return refuse(o, -e, "%s: its IOMMU group %u does not join a container: %s", bdf,
			      o->group, strerror(e));
	}
	if (ioctl(v->container_fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0) {
		e = errno;
		if (e == EPERM)
			return refuse(
				o, -EPERM,
				"%s: the host's IOMMU does no interrupt remapping: the device "
				"could send the host any interrupt",
				bdf);
		return refuse(o, -e, "%s: the host's IOMMU does not take it: %s", bdf, strerror(e));
	}
	return 0;
}

/* The size that the kernel asks for is bounded; it may grow between two calls, but not for ever. */
static int ask_sized(int fd, unsigned long request, const void *ask, size_t size, void **ret_buf,
		     size_t *ret_len)
{
	_cleanup_(freep) uint8_t *buf = NULL;
	size_t len = size;

	for (unsigned int tries = 0; tries < 4; tries++) {
		uint32_t want;

		free(buf);
		buf = calloc(1, len);
		if (!buf)
			return -ENOMEM;
		memcpy(buf, ask, size);
		want = (uint32_t)len;
		memcpy(buf, &want, sizeof(want)); /* argsz comes first in all of them */
		if (ioctl(fd, request, buf) < 0)
			return -errno;
		memcpy(&want, buf, sizeof(want));
		if (want <= len) {
			*ret_buf = TAKE_PTR(buf);
			*ret_len = len;
			return 0;
		}
		if (want > KVFIO_INFO_MAX)
			return -EBADMSG;
		len = want;
	}
	return -EBADMSG;
}

static int learn_iommu(struct pcif_vfio *v)
{
	const struct vfio_iommu_type1_info ask = {.argsz = sizeof(ask)};
	_cleanup_(freep) void *buf = NULL;
	size_t len = 0;
	int r;

	r = ask_sized(v->container_fd, VFIO_IOMMU_GET_INFO, &ask, sizeof(ask), &buf, &len);
	if (r < 0)
		return r;
	return kvfio_decode_iommu(buf, len, &v->iommu);
}

static int open_device(struct pcif_vfio *v, const struct opening *o)
{
	const char *bdf = o->config->bdf, *token = o->config->token;
	char name[PCISYS_BDF_MAX + KVFIO_TOKEN_LEN + 16];
	int e;

	snprintf(name, sizeof(name), "%s%s%s", bdf, token ? " vf_token=" : "", token ? token : "");
	v->device_fd = ioctl(v->group_fd, VFIO_GROUP_GET_DEVICE_FD, name);
	e = errno;
	if (v->device_fd >= 0)
		return 0;
	if (e == EACCES)
		return refuse(o, -EACCES,
			      token ? "%s: the VF token is not the one its PF has"
				    : "%s: it takes the VF token of its PF to open it",
			      bdf);
	if (e == EINVAL && token)
		return refuse(o, -EINVAL, "%s: it takes no VF token: its PF is not on vfio-pci",
			      bdf);
	return refuse(o, -e, "%s: VFIO does not open it: %s", bdf, strerror(e));
}

static int learn_region(struct pcif_vfio *v, unsigned int index, const struct kvfio_msix *msix)
{
	const struct vfio_region_info ask = {.argsz = sizeof(ask), .index = index};
	struct pcif_region *region = &v->base.region[index];
	_cleanup_(freep) void *buf = NULL;
	struct kvfio_region info;
	size_t len = 0;
	int r;

	r = ask_sized(v->device_fd, VFIO_DEVICE_GET_REGION_INFO, &ask, sizeof(ask), &buf, &len);
	if (r == -EINVAL)
		return 0; /* a region that this device has not */
	if (r < 0)
		return r;
	r = kvfio_decode_region(buf, len, index, &info);
	if (r < 0)
		return r;
	/* vectors are the kernel's: whoever may map its table could still send what it likes */
	if (msix && msix->bar == index)
		kvfio_areas_cut(&info, msix->offset, msix->size);
	v->region_offset[index] = info.offset;
	region->size = info.size;
	region->readable = info.readable;
	region->writable = info.writable;
	region->n_areas = info.n_areas;
	memcpy(region->area, info.area, info.n_areas * sizeof(info.area[0]));
	return 0;
}

static int learn_irq(struct pcif_vfio *v, unsigned int index)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};
	struct pcif_vfio_irq *irq = &v->irq[index];

	if (ioctl(v->device_fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0)
		return errno == EINVAL ? 0 : -errno; /* an interrupt that this device has not */
	if (!(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	/* more than MSI-X can have would be nonsense */
	if (info.count > 2048)
		return -EBADMSG;
	v->base.irq_count[index] = info.count;
	irq->noresize = info.flags & VFIO_IRQ_INFO_NORESIZE;
	if (!irq->noresize)
		v->base.irq_grows |= BIT32(index);
	if (irq->noresize && info.count > 0) {
		irq->fd = malloc(info.count * sizeof(*irq->fd));
		if (!irq->fd)
			return -ENOMEM;
		for (unsigned int i = 0; i < info.count; i++)
			irq->fd[i] = -1;
	}
	return 0;
}

/* D0, whatever the last user left: registers of a sleeping function read as all ones. */
static int wake(struct pcif *f, const uint8_t config[static 256])
{
	uint32_t pmcsr;
	uint16_t state;
	int r;

	if (kvfio_decode_pm(config, &pmcsr) < 0)
		return 0;
	state = (uint16_t)(config[pmcsr] | config[pmcsr + 1] << 8);
	if (!(state & PCI_PM_CTRL_STATE_MASK))
		return 0;
	state &= (uint16_t)~PCI_PM_CTRL_STATE_MASK;
	r = pcif_config_write(f, pmcsr, &state, sizeof(state));
	return r;
}

static int learn_device(struct pcif_vfio *v)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	struct kvfio_msix msix;
	uint8_t config[256];
	bool has_msix;
	int r;

	if (ioctl(v->device_fd, VFIO_DEVICE_GET_INFO, &info) < 0)
		return -errno;
	if (!(info.flags & VFIO_DEVICE_FLAGS_PCI) || info.num_regions <= PCIF_REGION_CONFIG)
		return -ENODEV;
	v->base.has_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;

	r = learn_region(v, PCIF_REGION_CONFIG, NULL);
	if (r < 0)
		return r;
	r = pcif_config_read(&v->base, 0, config, sizeof(config));
	if (r < 0)
		return r;
	has_msix = kvfio_decode_msix(config, &msix) == 0;
	for (unsigned int i = 0; i < PCIF_REGION_CONFIG; i++) {
		r = learn_region(v, i, has_msix ? &msix : NULL);
		if (r < 0)
			return r;
	}
	for (unsigned int i = 0; i < PCIF_IRQS && i < info.num_irqs; i++) {
		r = learn_irq(v, i);
		if (r < 0)
			return r;
	}
	return wake(&v->base, config);
}

static int function_new(struct pcif_vfio **ret_v)
{
	struct pcif_vfio *v = calloc(1, sizeof(*v));

	if (!v)
		return -ENOMEM;
	v->device_fd = v->group_fd = v->container_fd = -1;
	pcif_init(&v->base, &pcif_vfio_ops, 0);
	v->base.host_sriov = true;
	*ret_v = v;
	return 0;
}

int pcif_open_vfio(const struct pcif_vfio_config *config, struct pcif **ret_f, char *err,
		   size_t err_size)
{
	struct opening o = {.config = config, .err = err, .err_size = err_size};
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	_cleanup_(fd_closep) int sysfs = -1;
	struct pcif_vfio *v;
	int r;

	if (config->token && !kvfio_token_ok(config->token))
		return refuse(&o, -EINVAL, "the VF token is no UUID");
	r = pcisys_open(config->sysfs, &sysfs);
	if (r < 0)
		return refuse(&o, r, "sysfs: %s", strerror(-r));
	o.sysfs = sysfs;
	r = kvfio_check_host(sysfs, config->bdf, &o.group, err, err_size);
	if (r < 0)
		return r;
	r = function_new(&v);
	if (r < 0)
		return refuse(&o, r, "%s", strerror(-r));
	f = &v->base;

	r = open_container(v, &o);
	if (r >= 0)
		r = open_group(v, &o);
	if (r >= 0)
		r = join(v, &o);
	if (r >= 0)
		r = open_device(v, &o);
	if (r < 0)
		return r;
	r = learn_iommu(v);
	if (r >= 0)
		r = learn_device(v);
	if (r < 0)
		return refuse(&o, r, "%s: VFIO does not describe it: %s", config->bdf,
			      strerror(-r));
	*ret_f = TAKE_PTR(f);
	return 0;
}

int pcif_open_vfio_fds(int device_fd, int container_fd, struct pcif **ret_f, char *err,
		       size_t err_size)
{
	_cleanup_(fd_closep) int device = device_fd, container = container_fd;
	_cleanup_(pcif_closep) struct pcif *f = NULL;
	struct pcif_vfio *v;
	int r;

	r = function_new(&v);
	if (r < 0)
		return say(err, err_size, r, "%s", strerror(-r));
	f = &v->base;
	v->device_fd = TAKE_FD(device);
	v->container_fd = TAKE_FD(container);
	r = v->container_fd >= 0 ? learn_iommu(v) : 0;
	if (r < 0)
		return say(err, err_size, r, "the second descriptor is no VFIO container: %s",
			   strerror(-r));
	r = learn_device(v);
	if (r < 0)
		return say(err, err_size, r, "the descriptor is no PCI function of VFIO: %s",
			   strerror(-r));
	*ret_f = TAKE_PTR(f);
	return 0;
}
