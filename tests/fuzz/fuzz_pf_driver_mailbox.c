/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What VFs do at the PF driver: the input is a list of steps by any of 8 VFs (resets, any words in
 * the mailbox, any write of the mailbox register) and of the administrator. However hostile, the
 * device never shows a filter that gives one VF another's traffic, and a successor can take over at
 * the end.
 */
#include <support/pf_regfile.h>
#include <stdlib.h>
#include <string.h>
#include <abi/nic_mbx.h>
#include <abi/nic_regs.h>
#include <pfdrv/pfdrv.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *p;
	size_t left;
};

static uint32_t take(struct input *in, size_t n)
{
	uint32_t v = 0;

	if (n > in->left)
		n = in->left;
	memcpy(&v, in->p, n);
	in->p += n;
	in->left -= n;
	return v;
}

#define ADMIN_VF 0u /* has a MAC and a port VLAN of the administrator's, and keeps both */

static void check(struct pf_regfile *dev)
{
	uint32_t high = pf_regfile_peek(dev, nic_RAR_high(23));
	unsigned int named = 0;

	if (high != (RAH_AV | 1u << 18 | 0x0a00) ||
	    pf_regfile_peek(dev, nic_RAR_low(23)) != 0x00000002)
		abort();
	if (pf_regfile_peek(dev, nic_VMVIR(ADMIN_VF)) != (1u << 30 | 10))
		abort();
	for (unsigned int i = 0; i < NIC_RAR_COUNT; i++)
		if (pf_regfile_peek(dev, nic_RAR_high(i)) & RAH_AV &&
		    (pf_regfile_peek(dev, nic_RAR_high(i)) & 0xffff) == 0x0a00 &&
		    pf_regfile_peek(dev, nic_RAR_low(i)) == 0x00000002)
			named++;
	if (named != 1)
		abort();
	for (unsigned int i = 0; i < VLVF_COUNT; i++) {
		uint32_t v = pf_regfile_peek(dev, nic_VLVF(i));

		if (v & VLVF_EN && v & 1u << 12 && field_get(VLVF_VID, v) != 10)
			abort();
	}
	if (pf_regfile_peek(dev, nic_DTXSWC(0)) != 0x8000ffff)
		abort();
}

static void step(struct input *in, struct pf_regfile *dev, struct pfdrv *pf)
{
	uint32_t op = take(in, 1), words[NIC_MBX_WORDS];
	unsigned int vf = op & 7, n;

	switch (op >> 3 & 7) {
	case 0:
		pf_regfile_vf_flr(dev, vf);
		break;
	case 1:
		pf_regfile_vf_write(dev, vf, take(in, 1));
		break;
	case 2:
		words[0] = NIC_MBX_VF_RESET;
		pf_regfile_vf_ask(dev, vf, words, 1);
		break;
	case 3:
		if (pfdrv_tick(pf) < 0)
			abort();
		break;
	default:
		n = 1 + take(in, 1) % NIC_MBX_WORDS;
		for (unsigned int i = 0; i < n; i++)
			words[i] = take(in, 4);
		pf_regfile_vf_ask(dev, vf, words, n);
		break;
	}
	if (op & 0x40 && pfdrv_service(pf) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pfdrv_vf_attr a = {.mac = {2, 0, 0, 0, 0, 0x0a}, .mac_set = true, .vlan = 10};
	struct pf_regfile *dev = pf_regfile_new();
	struct input in = {data, size < 512 ? size : 512};
	static struct pf_regfile *ready;
	struct pfdrv *pf;

	/* bring-up takes 10 ms, so it is done once and its outcome adopted */
	if (!ready) {
		ready = pf_regfile_new();
		if (pfdrv_open(pf_regfile_pcif(ready), -1, NULL, &pf) < 0 ||
		    pfdrv_set_vfs(pf, 8) < 0 ||
		    pfdrv_vf_set(pf, ADMIN_VF, PFDRV_SET_MAC | PFDRV_SET_VLAN, &a, NULL) < 0)
			abort();
		pfdrv_close(pf);
	}
	pf_regfile_copy(dev, ready);
	if (pfdrv_adopt(pf_regfile_pcif(dev), -1, NULL, &pf) < 0)
		abort();
	while (in.left > 0) {
		step(&in, dev, pf);
		check(dev);
	}
	pfdrv_close(pf);
	if (pfdrv_adopt(pf_regfile_pcif(dev), -1, NULL, &pf) < 0 || pfdrv_service(pf) < 0)
		abort();
	check(dev);
	pfdrv_close(pf);
	pf_regfile_free(dev);
	return 0;
}
