/* SPDX-License-Identifier: BSD-3-Clause */
#include <sys/mman.h>
#include <lib/memfd.h>
#include <lib/dma.h>

int dma_mem_new(const char *name, size_t len, bool hugetlb, iova_t iova, struct dma_mem **ret_mem)
{
	size_t page = hugetlb ? (size_t)2 << 20 : 4096;
	_cleanup_(dma_mem_freep) struct dma_mem *mem = NULL;
	void *va;
	int r;

	if (len == 0 || len > SIZE_MAX - page || iova.v % 4096 != 0)
		return -EINVAL;
	len = (len + page - 1) / page * page;
	if (iova.v > UINT64_MAX - len)
		return -EINVAL;

	mem = calloc(1, sizeof(*mem));
	if (!mem)
		return -ENOMEM;
	mem->fd = -1;
	mem->len = len;
	mem->iova = iova;
	mem->hugetlb = hugetlb;

	r = memfd_new(name, len, hugetlb, &mem->fd);
	if (r < 0)
		return r;

	/* populated: the data path must not take its page faults one by one */
	va = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, mem->fd, 0);
	if (va == MAP_FAILED)
		return -errno;
	mem->va = va;

	*ret_mem = TAKE_PTR(mem);
	return 0;
}

void dma_mem_free(struct dma_mem *mem)
{
	if (!mem)
		return;
	if (mem->va)
		munmap(mem->va, mem->len);
	fd_close(mem->fd);
	free(mem);
}
