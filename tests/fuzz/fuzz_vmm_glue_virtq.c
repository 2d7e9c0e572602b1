/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hostile driver of a ring that the VMM serves, down to the disk behind it. The input is what
 * lies in guest memory: descriptors, the available ring, and the rest for tables and requests,
 * written anew before each of a few rounds. Whatever it says, no buffer lies outside memory, every
 * chain ends, and the disk is not read or written beyond its end.
 */
#include <assert.h>
#include <blk_disk.h>
#include <lib/memfd.h>
#include <string.h>
#include <sys/eventfd.h>
#include <virtq.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define RAM	16384u
#define SIZE	16u
#define AVAIL	256u
#define USED	512u
#define FREE	1024u /* addresses below are moved here half of the time, to hit something */
#define SECTORS 16u
#define ROUNDS	8u

static uint8_t ram[RAM] __attribute__((aligned(4096)));
static struct virtq q;
static struct virtq_chain chain;

static void *ptr(void *ctx, uint64_t gpa, size_t len)
{
	(void)ctx;
	return gpa <= RAM && len <= RAM - gpa ? ram + gpa : NULL;
}

static void chain_check(const struct virtq_chain *c)
{
	size_t out = 0, in = 0;

	assert(c->n_out + c->n_in >= 1 && c->n_out + c->n_in <= VIRTQ_SEGS_MAX);
	for (uint32_t i = 0; i < c->n_out + c->n_in; i++) {
		const uint8_t *at = c->iov[i].iov_base;

		assert(c->iov[i].iov_len > 0);
		assert(at >= ram && c->iov[i].iov_len <= (size_t)(ram + RAM - at));
		*(i < c->n_out ? &out : &in) += c->iov[i].iov_len;
	}
	assert(out == c->out_bytes && in == c->in_bytes && out + in <= VIRTQ_CHAIN_BYTES);
	assert(c->head < SIZE);
}

/* Small addresses and lengths, so that random ones reach what they should. */
static void tame(uint8_t how)
{
	struct vring_desc *d = (struct vring_desc *)ram;

	for (unsigned int i = 0; i < SIZE; i++) {
		if (how & 1)
			d[i].addr = FREE + d[i].addr % (RAM - FREE);
		if (how & 2)
			d[i].len %= 2048;
		if (how & 4)
			d[i].next %= SIZE;
		if (how & 8)
			d[i].flags &= 3;
	}
}

static size_t round_of(struct blk_disk *disk, const uint8_t *data, size_t size)
{
	size_t n = size - 2 < RAM ? size - 2 : RAM;
	unsigned int taken = 0;
	int r;

	memcpy(ram, data + 2, n);
	tame(data[0]);
	((struct vring_avail *)(ram + AVAIL))->idx = (uint16_t)(q.seen + data[1] % (SIZE + 2));
	while ((r = virtq_next(&q, &chain)) == 1) {
		int64_t filled;

		assert(++taken <= SIZE);
		chain_check(&chain);
		if (data[0] & 16 && taken == 1) {
			virtq_back(&q, chain.head);
			break;
		}
		if (data[0] & 32)
			continue; /* the device keeps it */
		filled = blk_disk_serve(disk, &chain);
		assert(filled == -EBADMSG || (filled >= 1 && (size_t)filled <= chain.in_bytes));
		virtq_put(&q, chain.head, filled < 0 ? 0 : (uint32_t)filled);
	}
	assert(r < 0 ? q.broken != NULL : q.broken == NULL);
	virtq_flush(&q);
	(void)virtq_idle(&q);
	return n + 2;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1, call = -1;
	struct virtq_map map = {
		.size = SIZE, .desc = ram, .avail = ram + AVAIL, .used = ram + USED, .kick_fd = -1};
	struct virtq_mem mem = {.ptr = ptr};
	struct blk_disk disk = {.limits = {.sectors = SECTORS}};

	if (fd < 0) {
		assert(memfd_new("fuzz-disk", SECTORS * BLK_SECTOR, false, &fd) == 0);
		call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	}
	if (size < 4)
		return 0;
	disk.fd = fd;
	disk.limits.readonly = data[0] & 1;
	disk.write_through = data[0] & 2;
	map.call_fd = call;
	memset(ram, 0, sizeof(ram));
	virtq_init(&q, &map, &mem, (uint64_t)data[1] << 24 | (uint64_t)(data[0] >> 4) << 28);
	data += 2;
	size -= 2;
	for (unsigned int i = 0; i < ROUNDS && size >= 2; i++) {
		size_t used = round_of(&disk, data, size);

		data += used;
		size -= used;
	}
	assert(lseek(fd, 0, SEEK_END) == SECTORS * BLK_SECTOR);
	return 0;
}
