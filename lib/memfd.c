/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <lib/memfd.h>

#define PAGE_BYTES	4096u
#define HUGE_PAGE_BYTES (2u << 20)
#define HUGE_2MB_FLAG	(21u << 26) /* log2 of the page size, as memfd_create(2) wants it */

int memfd_new(const char *name, size_t size, bool hugetlb, int *ret_fd)
{
	size_t page = hugetlb ? HUGE_PAGE_BYTES : PAGE_BYTES;
	unsigned int flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	_cleanup_(fd_closep) int fd = -1;

	if (size == 0 || size % page != 0 || size > INT64_MAX)
		return -EINVAL;
	if (hugetlb)
		flags |= MFD_HUGETLB | HUGE_2MB_FLAG;

	fd = memfd_create(name, flags);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) < 0)
		return -errno;
	/*
	 * Huge pages are a fixed pool: take them now, since running out later is a SIGBUS in
	 * whoever touches the page first.
	 */
	if (hugetlb && fallocate(fd, 0, 0, (off_t)size) < 0)
		return errno == ENOSPC ? -ENOMEM : -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;

	*ret_fd = TAKE_FD(fd);
	return 0;
}

int memfd_sealed(int fd, size_t size)
{
	struct stat st;
	int seals;

	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0)
		return errno == EINVAL ? -EPERM : -errno;
	if (!(seals & F_SEAL_SHRINK))
		return -EPERM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < 0 || (uint64_t)st.st_size < size)
		return -ERANGE;
	return 0;
}
