/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A hostile guest at a virtio-net function: configuration space and BAR accesses of any width,
 * offset and value through the VMM's PCI core, down to a back end that checks what reaches it. The
 * input is a list of 8 byte steps: operation, width, offset, value.
 */
#include <assert.h>
#include <linux/pci_regs.h>
#include <linux/virtio_pci.h>
#include <string.h>
#include <support/virtio_rig.h>
#include <virtio_regs.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define STEPS_MAX 64u

static struct virtio_rig rig;

/* Every ring that the back end was given lies in guest memory. */
static void rings_check(void)
{
	uint64_t ram = (uintptr_t)rig.vm.ram->va;

	for (unsigned int i = 0; i < 2; i++) {
		const struct vhost_ring *r = &rig.backend.ring[i];

		if (r->kick_fd < 0)
			continue;
		assert(r->size > 0 && r->size <= 1024 && (r->size & (r->size - 1)) == 0);
		assert(r->desc - ram <= RIG_RAM - 16u * r->size);
		assert(r->avail - ram <= RIG_RAM - (6u + 2u * r->size));
		assert(r->used - ram <= RIG_RAM - (6u + 8u * r->size));
	}
	assert(rig.backend.bad == 0);
	assert(rig.kicks == 0 || rig.kicks == 2);
}

static void step(const uint8_t *s)
{
	static const uint32_t widths[] = {1, 2, 4, 8};
	/* bases that a random offset would seldom find, and values that matter as addresses */
	static const uint32_t bases[] = {VIRTIO_BAR_COMMON, VIRTIO_BAR_ISR, VIRTIO_BAR_DEVICE,
					 VIRTIO_BAR_NOTIFY};
	uint32_t width = widths[s[1] & 3], off = s[2], small;
	uint64_t val;

	memcpy(&small, s + 4, sizeof(small));
	val = s[3] & 1 ? small : (uint64_t)small << (s[3] >> 3);
	switch (s[0] & 7) {
	case 0:
	case 1:
	case 2:
		virtio_rig_write(&rig, RIG_BAR0 + (off & 63), val, width);
		break;
	case 3:
		virtio_rig_write(&rig, RIG_BAR0 + bases[s[1] >> 6] + off, val, width);
		break;
	case 4:
		(void)virtio_rig_read(&rig, RIG_BAR0 + bases[s[1] >> 6] + off, width);
		break;
	case 5:
		virtio_rig_cfg_write(&rig, off & ~(width - 1), small, width > 4 ? 4 : width);
		break;
	case 6:
		virtio_rig_write(&rig, RIG_BAR1 + off, val, width);
		break;
	default:
		virtio_rig_start(&rig, (uint16_t)(1u << (s[1] & 15)));
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!rig.dev) {
		rig.backend.features = VHOST_BACKEND_FEATURES;
		rig.backend.protocol = 8;
		assert(virtio_rig_open(&rig) == 0);
	}
	for (unsigned int i = 0; i < STEPS_MAX && size >= 8; i++, data += 8, size -= 8) {
		step(data);
		rings_check();
	}
	/* the guest cannot break the back end's side: the function is as it was */
	assert(!atomic_load(&rig.dev->lost));
	virtio_rig_cfg_write(&rig, PCI_COMMAND, 0, 2);
	virtio_rig_cfg_write(&rig, VIRTIO_CFG_CAP_MSIX + PCI_MSIX_FLAGS, 0, 2);
	virtio_rig_cfg_write(&rig, PCI_BASE_ADDRESS_0, (uint32_t)RIG_BAR0, 4);
	virtio_rig_cfg_write(&rig, PCI_BASE_ADDRESS_1, (uint32_t)RIG_BAR1, 4);
	virtio_rig_cfg_write(&rig, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
	virtio_rig_write(&rig, RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS, 0, 1);
	assert(virtio_rig_read(&rig, RIG_BAR0 + VIRTIO_PCI_COMMON_STATUS, 1) == 0);
	return 0;
}
