/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's VFIO behind the PCI function seam: a function that is open. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <lib/clock.h>
#include "pcif_vfio.h"
#include "sysfs_impl.h"

#define RESET_RETRY_US 1000u

static struct pcif_vfio *vfio(struct pcif *f)
{
	return (struct pcif_vfio *)((char *)f - offsetof(struct pcif_vfio, base));
}

static int device_error(struct pcif_vfio *v, int error)
{
	if (error == ENODEV || error == ENXIO) {
		atomic_store(&v->base.lost, true);
		return -ENODEV;
	}
	return -error;
}

static int kvfio_region_read(struct pcif *f, unsigned int index, uint64_t off, void *buf,
			     size_t len)
{
	struct pcif_vfio *v = vfio(f);
	ssize_t n = pread(v->device_fd, buf, len, (off_t)(v->region_offset[index] + off));

	if (n < 0)
		return device_error(v, errno);
	return (size_t)n == len ? 0 : -EIO;
}

static int kvfio_region_write(struct pcif *f, unsigned int index, uint64_t off, const void *buf,
			      size_t len)
{
	struct pcif_vfio *v = vfio(f);
	ssize_t n = pwrite(v->device_fd, buf, len, (off_t)(v->region_offset[index] + off));

	if (n < 0)
		return device_error(v, errno);
	return (size_t)n == len ? 0 : -EIO;
}

static int kvfio_region_mmap(struct pcif *f, unsigned int index, const struct pcif_area *area,
			     void **ret_va)
{
	struct pcif_vfio *v = vfio(f);
	const struct pcif_region *region = &f->region[index];
	int prot = (region->readable ? PROT_READ : 0) | (region->writable ? PROT_WRITE : 0);
	void *va = mmap(NULL, area->size, prot, MAP_SHARED, v->device_fd,
			(off_t)(v->region_offset[index] + area->offset));

	if (va == MAP_FAILED)
		return -errno;
	*ret_va = va;
	return 0;
}

static int set_irqs(struct pcif_vfio *v, unsigned int index, unsigned int start, unsigned int n,
		    const int *fds)
{
	_cleanup_(freep) struct vfio_irq_set *s = NULL;
	size_t size = sizeof(*s) + n * sizeof(int32_t);

	_Static_assert(sizeof(int) == sizeof(int32_t), "descriptors as the kernel wants them");
	s = calloc(1, size);
	if (!s)
		return -ENOMEM;
	*s = (struct vfio_irq_set){
		.argsz = (uint32_t)size,
		.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
			 (n ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE),
		.index = index,
		.start = start,
		.count = n,
	};
	if (n)
		memcpy(s->data, fds, n * sizeof(int32_t));
	if (ioctl(v->device_fd, VFIO_DEVICE_SET_IRQS, s) < 0)
		return device_error(v, errno);
	return 0;
}

static void irq_forget(struct pcif_vfio_irq *irq, unsigned int count)
{
	for (unsigned int i = 0; irq->fd && i < count; i++)
		irq->fd[i] = fd_close(irq->fd[i]);
	irq->n = 0;
}

static int irq_off(struct pcif_vfio *v, unsigned int index)
{
	int r = set_irqs(v, index, 0, 0, NULL);

	/* the kernel does not switch off what is off */
	if (r == -EINVAL)
		r = 0;
	if (r == 0)
		irq_forget(&v->irq[index], v->base.irq_count[index]);
	return r;
}

/* A set that cannot grow is kept here as a whole, by copies of what the caller may close. */
static int irq_remember(struct pcif_vfio_irq *irq, unsigned int start, unsigned int n,
			const int *fds)
{
	for (unsigned int i = 0; i < n; i++) {
		int fd = -1;

		if (fds[i] >= 0) {
			fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
			if (fd < 0)
				return -errno;
		}
		fd_close(irq->fd[start + i]);
		irq->fd[start + i] = fd;
	}
	return 0;
}

/* All off, all on again. What fired in between is lost, so everybody is told to look. */
static int irq_regrow(struct pcif_vfio *v, unsigned int index, unsigned int end)
{
	struct pcif_vfio_irq *irq = &v->irq[index];
	bool again = irq->n > 0;
	int r = set_irqs(v, index, 0, 0, NULL);

	if (r < 0 && r != -EINVAL)
		return r;
	irq->n = 0;
	r = set_irqs(v, index, 0, end, irq->fd);
	if (r < 0)
		return r;
	irq->n = end;
	for (unsigned int i = 0; again && i < end; i++)
		if (irq->fd[i] >= 0)
			(void)eventfd_write(irq->fd[i], 1);
	return 0;
}

static int kvfio_irq_set(struct pcif *f, unsigned int index, unsigned int start, unsigned int count,
			 const int *fds)
{
	struct pcif_vfio *v = vfio(f);
	struct pcif_vfio_irq *irq = &v->irq[index];
	unsigned int end = start + count;
	int r;

	if (count == 0)
		return irq_off(v, index);
	if (irq->noresize) {
		r = irq_remember(irq, start, count, fds);
		if (r < 0)
			return r;
		/* whoever had the device before may have left a smaller set */
		if (end > irq->n)
			return irq_regrow(v, index, end);
	}
	r = set_irqs(v, index, start, count, fds);
	if (r == 0 && end > irq->n)
		irq->n = end;
	return r;
}

/* -1: opened whenever it is wanted */
static int limits_fd = -1;

void pcif_keep_limits(void)
{
	if (limits_fd < 0)
		limits_fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
}

static int memlock_check(struct pcif *f, uint64_t len)
{
	_cleanup_(fd_closep) int own =
		limits_fd < 0 ? open("/proc/self/status", O_RDONLY | O_CLOEXEC) : -1;
	int fd = limits_fd < 0 ? own : limits_fd;
	struct rlimit limit;
	char status[8192];
	ssize_t n;

	/* without /proc the kernel has the last word alone */
	if (fd < 0 || getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return 0;
	n = pread(fd, status, sizeof(status) - 1, 0);
	if (n < 0)
		return 0;
	status[n] = '\0';
	return kvfio_memlock_check(status,
				   limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur,
				   len, f->why, sizeof(f->why));
}

static int map_refused(struct pcif_vfio *v, int error, const struct dma_mem *mem)
{
	struct pcif *f = &v->base;

	if (error == ENOSPC && v->iommu.has_avail)
		return say(f->why, sizeof(f->why), -error,
			   "the IOMMU takes no more mappings; it took %u at first",
			   v->iommu.maps_left);
	if (error == ENOMEM)
		return say(f->why, sizeof(f->why), -error,
			   "the kernel cannot pin %zu KiB: memory, or RLIMIT_MEMLOCK",
			   mem->len / 1024);
	return -error;
}

static int kvfio_dma_map(struct pcif *f, const struct dma_mem *mem)
{
	_cleanup_(freep) struct pcif_vfio_map *m = NULL;
	struct pcif_vfio *v = vfio(f);
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)mem->va,
		.iova = mem->iova.v,
		.size = mem->len,
	};
	int r;

	if (v->container_fd < 0)
		return say(f->why, sizeof(f->why), -ENOTSUP,
			   "the function came without the container that DMA needs");
	r = kvfio_iova_check(&v->iommu, mem->iova.v, mem->len, f->why, sizeof(f->why));
	if (r < 0)
		return r;
	r = memlock_check(f, mem->len);
	if (r < 0)
		return r;
	m = malloc(sizeof(*m));
	if (!m)
		return -ENOMEM;
	if (ioctl(v->container_fd, VFIO_IOMMU_MAP_DMA, &map) < 0)
		return map_refused(v, errno, mem);
	*m = (struct pcif_vfio_map){.iova = map.iova, .len = map.size, .next = v->maps};
	v->maps = TAKE_PTR(m);
	return 0;
}

static int unmap(struct pcif_vfio *v, uint64_t iova, uint64_t len)
{
	struct vfio_iommu_type1_dma_unmap u = {.argsz = sizeof(u), .iova = iova, .size = len};

	if (ioctl(v->container_fd, VFIO_IOMMU_UNMAP_DMA, &u) < 0)
		return -errno;
	return u.size == len ? 0 : -ENOENT;
}

static int kvfio_dma_unmap(struct pcif *f, const struct dma_mem *mem)
{
	struct pcif_vfio *v = vfio(f);

	for (struct pcif_vfio_map **p = &v->maps; *p; p = &(*p)->next) {
		struct pcif_vfio_map *m = *p;
		int r;

		if (m->iova != mem->iova.v || m->len != mem->len)
			continue;
		r = unmap(v, m->iova, m->len);
		if (r < 0)
			return r;
		*p = m->next;
		free(m);
		return 0;
	}
	return -ENOENT;
}

static int kvfio_reset(struct pcif *f)
{
	struct pcif_vfio *v = vfio(f);

	while (ioctl(v->device_fd, VFIO_DEVICE_RESET) < 0) {
		/* somebody else holds the lock of the device or of its bus for a moment */
		if (errno != EAGAIN)
			return device_error(v, errno);
		if (clock_us() >= f->deadline_us)
			return -EAGAIN;
		clock_sleep_us(RESET_RETRY_US);
	}
	return 0;
}

static int kvfio_poll_fd(const struct pcif *f)
{
	return -1;
}

static bool kvfio_hung_up(const struct pcif *f)
{
	return false;
}

static void kvfio_close(struct pcif *f)
{
	struct pcif_vfio *v = vfio(f);
	bool passed = v->group_fd < 0;
	int r = 0;

	/* the last reference to the device resets it and ends its DMA before mappings go */
	for (unsigned int i = 0; i < PCIF_IRQS; i++) {
		irq_forget(&v->irq[i], f->irq_count[i]);
		free(v->irq[i].fd);
	}
	fd_close(v->device_fd);
	while (v->maps) {
		struct pcif_vfio_map *m = v->maps;

		v->maps = m->next;
		if (passed) /* else they go with the container */
			r = unmap(v, m->iova, m->len);
		free(m);
	}
	(void)r;
	fd_close(v->group_fd);
	fd_close(v->container_fd);
	free(v);
}

const struct pcif_ops pcif_vfio_ops = {
	.region_read = kvfio_region_read,
	.region_write = kvfio_region_write,
	.region_mmap = kvfio_region_mmap,
	.irq_set = kvfio_irq_set,
	.dma_map = kvfio_dma_map,
	.dma_unmap = kvfio_dma_unmap,
	.reset = kvfio_reset,
	.poll_fd = kvfio_poll_fd,
	.hung_up = kvfio_hung_up,
	.close = kvfio_close,
};

int pcif_vfio_fds(const struct pcif *f, int *ret_device_fd, int *ret_container_fd)
{
	const struct pcif_vfio *v;

	if (f->ops != &pcif_vfio_ops)
		return -ENOTSUP;
	v = (const struct pcif_vfio *)((const char *)f - offsetof(struct pcif_vfio, base));
	*ret_device_fd = v->device_fd;
	*ret_container_fd = v->container_fd;
	return 0;
}
