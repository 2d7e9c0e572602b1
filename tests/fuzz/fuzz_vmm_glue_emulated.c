/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The emulated 82576 as a hostile driver of the physical function sees it: configuration space, the
 * registers that there are, rings and descriptors in guest RAM, frames from the wire, each access
 * through the VMM's PCI core while the data thread works. The input is a list of 8 byte steps.
 */
#include <abi/nic_desc.h>
#include <abi/nic_regs.h>
#include <assert.h>
#include <dev.h>
#include <linux/pci_regs.h>
#include <string.h>
#include <support/virtio_rig.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define BAR0	  UINT64_C(0xc0100000)
#define BAR3	  UINT64_C(0xc0200000)
#define TX_RING	  UINT64_C(0x10000)
#define RX_RING	  UINT64_C(0x11000)
#define RING	  32u
#define STEPS_MAX 96u

static struct virtio_rig rig;
static int wire = -1;

static void reg(uint32_t off, uint32_t val)
{
	virtio_rig_write(&rig, BAR0 + off, val, 4);
}

static void bars(void)
{
	virtio_rig_cfg_write(&rig, PCI_COMMAND, 0, 2);
	virtio_rig_cfg_write(&rig, PCI_BASE_ADDRESS_0, (uint32_t)BAR0, 4);
	virtio_rig_cfg_write(&rig, PCI_BASE_ADDRESS_3, (uint32_t)BAR3, 4);
	virtio_rig_cfg_write(&rig, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static void rings(void)
{
	reg(nic_CTRL(0), CTRL_RST);
	for (unsigned int i = 0; i < 2; i++) {
		uint32_t at = i ? nic_RDBAL(0) : nic_TDBAL(0);

		reg(at, (uint32_t)(i ? RX_RING : TX_RING));
		reg(at + 8, RING * NIC_DESC_SIZE);
		reg(at + 0x28, XDCTL_ENABLE);
	}
	reg(nic_TCTL(0), TCTL_EN);
	reg(nic_RCTL(0), RCTL_EN | RCTL_UPE | RCTL_BAM);
}

static uint32_t some_register(const uint8_t *s)
{
	const struct nic_reg *row = &nic_pf_regs[s[1] % nic_pf_regs_n];

	return row->offset + row->stride * (s[2] % row->count);
}

static void descriptor(const uint8_t *s, uint32_t val)
{
	uint64_t at = (s[3] & 1 ? RX_RING : TX_RING) + (s[1] % RING) * NIC_DESC_SIZE;
	uint8_t *d = (uint8_t *)rig.vm.ram->va + at;
	uint64_t addr = s[3] & 2 ? (uint64_t)val << (s[2] & 63) : 0x20000 + (val & 0xffff);

	memcpy(d, &addr, 8);
	/* mostly descriptors of a driver of this card */
	val = s[3] & 4 ? val : (val & 0x3fff) | (uint32_t)(s[2] & 0xfb) << 24 | 0x20200000u;
	memcpy(d + 8, &val, 4);
	memset(d + 12, s[2], 4);
}

static void step(const uint8_t *s)
{
	static const uint32_t widths[] = {1, 2, 4, 8};
	uint32_t val, width = widths[s[0] >> 6];
	uint8_t frame[64 + 12];

	memcpy(&val, s + 4, sizeof(val));
	switch (s[0] & 15) {
	case 0:
		virtio_rig_cfg_write(&rig, (s[1] & ~(width - 1)) & 0xff, val,
				     width > 4 ? 4 : width);
		break;
	case 1:
		virtio_rig_write(&rig, BAR0 + (val & 0x1ffff), val, width);
		break;
	case 2:
		(void)virtio_rig_read(&rig, BAR0 + (val & 0x1ffff), width);
		break;
	case 3:
		virtio_rig_write(&rig, BAR3 + (val & 0x3fff), val, width);
		break;
	case 4:
		memset(frame, s[1], sizeof(frame));
		memset(frame, 0, 12);
		(void)send(wire, frame, sizeof(frame), MSG_DONTWAIT | MSG_NOSIGNAL);
		break;
	case 5:
	case 6:
	case 7:
		descriptor(s, val);
		break;
	case 8:
		reg(nic_TDT(0), s[1]);
		reg(nic_RDT(0), s[2]);
		break;
	case 9:
		rings();
		break;
	case 10:
		(void)virtio_rig_read(&rig, BAR0 + some_register(s), 4);
		break;
	default:
		reg(some_register(s), val);
		break;
	}
}

static void rig_up(void)
{
	static const uint8_t mac[6] = {0x02, 0xaa, 0, 0, 0, 0x01};
	struct pci_dev *dev;
	int pair[2];

	assert(virtio_rig_vm(&rig) == 0);
	assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
	wire = pair[0];
	assert(vmm_dev_emulated_new(&rig.vm, "nic0", pair[1], mac, &dev) == 0);
	rig.dev = dev;
	dev->slot = 1;
	atomic_store(&rig.vm.slot[1].dev, dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t sink[2048];

	if (!rig.dev)
		rig_up();
	bars();
	rings();
	for (unsigned int i = 0; i < STEPS_MAX && size >= 8; i++, data += 8, size -= 8) {
		step(data);
		(void)sd_event_run(rig.event, 0);
	}
	while (recv(wire, sink, sizeof(sink), MSG_DONTWAIT) > 0)
		;
	bars();
	rings();
	assert(!atomic_load(&rig.dev->lost));
	assert(virtio_rig_read(&rig, BAR0 + nic_STATUS(0), 4) != UINT32_MAX);
	return 0;
}
