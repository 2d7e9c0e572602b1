/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A guest that owns every byte of a ring which the VMM serves on its main thread: descriptors,
 * indices and indirect tables are the input, changed again between kicks. The function survives,
 * and serves a good request after a reset. Outside of guest RAM nothing may be touched (ASan).
 */
#include <assert.h>
#include <dev.h>
#include <linux/virtio_config.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>
#include <string.h>
#include <support/virtio_rig.h>
#include <virtio_regs.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE   16u
#define ROUNDS 6u
#define STATUS (RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS)
#define KICK   (RIG_BAR0 + VIRTIO_BAR_NOTIFY)

static struct virtio_rig rig;

static struct vring_desc *desc(void)
{
	return (struct vring_desc *)((uint8_t *)rig.vm.ram->va + RIG_QUEUE(0));
}

static struct vring_avail *avail(void)
{
	return (struct vring_avail *)((uint8_t *)rig.vm.ram->va + RIG_QUEUE(0) + 0x4000);
}

static struct vring_used *used(void)
{
	return (struct vring_used *)((uint8_t *)rig.vm.ram->va + RIG_QUEUE(0) + 0x8000);
}

static void settle(void)
{
	for (unsigned int i = 0; i < 64 && sd_event_run(rig.event, 0) > 0; i++)
		;
}

static void reset(void)
{
	virtio_rig_write(&rig, STATUS, 0, 1);
	settle();
	memset((uint8_t *)rig.vm.ram->va + RIG_QUEUE(0), 0, 0x10000);
}

/* Three bytes a descriptor: where, how long, what; mostly places that exist. */
static void table_fill(struct vring_desc *d, unsigned int n, const uint8_t *s)
{
	static const uint64_t at[] = {0x1000,
				      RIG_QUEUE(0),
				      RIG_QUEUE(0) + 0x2000,
				      RIG_RAM - 16,
				      RIG_RAM,
				      UINT64_MAX - 15,
				      RIG_BAR0,
				      0};
	static const uint32_t len[] = {16, 64, 0, 15, 256, 4096, 0x1000000, UINT32_MAX};

	for (unsigned int i = 0; i < n; i++, s += 3)
		d[i] = (struct vring_desc){.addr = at[s[0] & 7] + (s[0] >> 3),
					   .len = len[s[1] & 7] + (s[1] >> 5),
					   .flags = s[2] & 7,
					   .next = s[2] >> 3};
}

static void round_of(const uint8_t *s)
{
	table_fill(desc(), SIZE, s);
	table_fill(desc() + 0x200, 4, s + 7);
	for (unsigned int i = 0; i < SIZE; i++)
		avail()->ring[i] = s[48 + i % 8] & 31;
	avail()->flags = s[56] & 1;
	avail()->idx = (uint16_t)(avail()->idx + s[57] % (SIZE + 2));
	if (s[58] & 1)
		used()->idx = s[59];
	virtio_rig_write(&rig, KICK, 0, 2);
	settle();
}

static void good(void)
{
	reset();
	virtio_rig_start_with(&rig, 1, SIZE, 0);
	desc()[0] = (struct vring_desc){.addr = 0x1000, .len = 32, .flags = VRING_DESC_F_WRITE};
	avail()->idx = 1;
	virtio_rig_write(&rig, KICK, 0, 2);
	settle();
	assert(used()->idx == 1);
	reset();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pci_dev *dev;

	if (!rig.dev) {
		assert(virtio_rig_vm(&rig) == 0);
		assert(vmm_dev_virtio_rng_new(&rig.vm, "rng0", &dev) == 0);
		virtio_rig_plug(&rig, dev);
	}
	if (size < 1)
		return 0;
	reset();
	virtio_rig_start_with(&rig, 1, SIZE,
			      (data[0] & 1 ? 1u << VIRTIO_RING_F_INDIRECT_DESC : 0) |
				      (data[0] & 2 ? 1u << VIRTIO_RING_F_EVENT_IDX : 0));
	data++;
	size--;
	for (unsigned int i = 0; i < ROUNDS && size >= 60; i++, data += 60, size -= 60)
		round_of(data);
	good();
	return 0;
}
