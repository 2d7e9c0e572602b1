/* SPDX-License-Identifier: BSD-3-Clause */
/* A slot is written by the loop's thread and read by the handler: 'va' last, and first taken away.
 */
#include <errno.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <snic/snic.h>
#include "mapguard.h"
#include "vfu_server.h"

/* So many that no client, with all the regions it may have, takes another's. */
#define SLOTS ((unsigned int)SNIC_FNS * VFU_DMA_REGIONS_MAX)

static struct slot {
	_Atomic uintptr_t va; /* 0: free */
	size_t len, page;
	_Atomic unsigned int missing;
} slots[SLOTS];
static _Atomic unsigned int n_slots; /* those from here on were never used */
static bool installed;
static _Atomic int notify_fd = -1;

static struct slot *slot_of(uintptr_t at)
{
	for (unsigned int i = 0; i < atomic_load(&n_slots); i++) {
		uintptr_t va = atomic_load(&slots[i].va);

		if (va && at - va < slots[i].len)
			return &slots[i];
	}
	return NULL;
}

static void on_sigbus(int sig, siginfo_t *info, void *context)
{
	struct slot *s = slot_of((uintptr_t)info->si_addr);
	const uint64_t one = 1;
	int saved = errno;
	void *page;

	if (s && info->si_code == BUS_ADRERR) {
		page = (void *)((uintptr_t)info->si_addr & ~(s->page - 1));
		if (mmap(page, s->page, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page) {
			atomic_fetch_add(&s->missing, 1);
			if (write(atomic_load(&notify_fd), &one, sizeof(one)) < 0) {
				/* nobody to tell, or told already */
			}
			errno = saved;
			return;
		}
	}
	/* not ours to mend: the access that is repeated now ends the process as it should */
	signal(SIGBUS, SIG_DFL);
	errno = saved;
}

int mapguard_install(void)
{
	struct sigaction sa = {.sa_sigaction = on_sigbus, .sa_flags = SA_SIGINFO};

	sigemptyset(&sa.sa_mask);
	if (sigaction(SIGBUS, &sa, NULL) < 0)
		return -errno;
	installed = true;
	return 0;
}

void mapguard_notify(int fd)
{
	atomic_store(&notify_fd, fd);
}

unsigned int mapguard_missing(const void *va)
{
	for (unsigned int i = 0; va && i < atomic_load(&n_slots); i++)
		if (atomic_load(&slots[i].va) == (uintptr_t)va)
			return atomic_load(&slots[i].missing);
	return 0;
}

int mapguard_check(int fd, size_t size, size_t *ret_page)
{
	struct statfs fs;
	struct stat st;

	if (!installed)
		return -EPERM;
	if (fstatfs(fd, &fs) < 0 || fstat(fd, &st) < 0)
		return -errno;
	/* devices lie on a file system of memory, too */
	if (!S_ISREG(st.st_mode) || (fs.f_type != HUGETLBFS_MAGIC && fs.f_type != TMPFS_MAGIC))
		return -EPERM;
	if (st.st_size < 0 || (uint64_t)st.st_size < size)
		return -ERANGE;
	*ret_page = fs.f_type == HUGETLBFS_MAGIC ? (size_t)fs.f_bsize : 4096;
	return 0;
}

int mapguard_add(void *va, size_t len, size_t page)
{
	for (unsigned int i = 0; i < SLOTS; i++) {
		struct slot *s = &slots[i];

		if (atomic_load(&s->va))
			continue;
		s->len = len;
		s->page = page;
		atomic_store(&s->missing, 0);
		if (i >= atomic_load(&n_slots))
			atomic_store(&n_slots, i + 1);
		atomic_store(&s->va, (uintptr_t)va);
		return 0;
	}
	return -ENOSPC;
}

unsigned int mapguard_remove(void *va)
{
	for (unsigned int i = 0; i < atomic_load(&n_slots); i++) {
		struct slot *s = &slots[i];

		if (va && atomic_load(&s->va) == (uintptr_t)va) {
			atomic_store(&s->va, 0);
			return atomic_load(&s->missing);
		}
	}
	return 0;
}
