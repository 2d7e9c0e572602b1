/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Any sequence of register and configuration accesses at the PF and its VFs, queue registers
 * written in shared memory, memory mapped and taken away, the wire, with rounds of the data path in
 * between.
 */
#include <support/snic_rig.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *at;
	size_t left;
};

static uint32_t take(struct input *in, unsigned int n)
{
	uint32_t v = 0;

	for (unsigned int i = 0; i < n && in->left; i++, in->left--)
		v |= (uint32_t)*in->at++ << (8 * i);
	return v;
}

/* Mostly registers that exist: rows of the tables. */
static uint32_t some_offset(struct input *in, unsigned int fn)
{
	const struct nic_reg *regs = fn == SNIC_PF ? nic_pf_regs : nic_vf_regs;
	size_t n = fn == SNIC_PF ? nic_pf_regs_n : nic_vf_regs_n;
	const struct nic_reg *row;
	uint32_t v = take(in, 3);

	if (v & 1)
		return v >> 1;
	row = &regs[(v >> 1) % n];
	return row->offset + row->stride * ((v >> 16) % row->count);
}

static void wire_in(struct rig *r, struct input *in)
{
	struct snic_wire_slot *s = snic_wire_room(&r->wire->in);
	uint32_t len = 60 + take(in, 2) % 1500, n = take(in, 1) % 32;

	if (!s)
		return;
	memset(s->frame, 0xff, len);
	for (uint32_t i = 0; i < n; i++)
		s->frame[i] = (uint8_t)take(in, 1);
	s->len = len;
	snic_wire_put(&r->wire->in);
}

static void step(struct rig *r, struct input *in)
{
	uint32_t op = take(in, 1), fn = take(in, 1) % SNIC_FNS, off, n;
	uint8_t buf[16];

	switch (op % 10) {
	case 0:
	case 1:
		off = some_offset(in, fn);
		rig_write(r, fn, off & ~3u, take(in, 4));
		break;
	case 2:
		(void)rig_read(r, fn, some_offset(in, fn) & ~3u);
		break;
	case 3:
		n = take(in, 1) % 9;
		off = take(in, 2) % NIC_CFG_SIZE;
		for (uint32_t i = 0; i < n; i++)
			buf[i] = (uint8_t)take(in, 1);
		snic_config_write(r->nic, fn, off, buf, n);
		break;
	case 4:
		off = take(in, 3);
		snic_bar_read(r->nic, fn, op / 10 % 6, off, buf, off % 17);
		snic_bar_write(r->nic, fn, op / 10 % 6, off & ~3u, buf, 8);
		break;
	case 5:
		off = NIC_VF_SHARED_OFF + take(in, 2) % NIC_VF_SHARED_SIZE;
		mmio_write32(snic_page(r->nic, fn % NIC_VFS_MAX) + (off & ~3u), take(in, 4));
		break;
	case 6:
		rig_queue_up(r, fn, fn % NIC_VFS_MAX, 8 + 8 * (take(in, 1) % 31), take(in, 1) % 64);
		break;
	case 7:
		if (take(in, 1) & 1)
			rig_map(r, fn);
		else if (snic_dma_set(r->nic, fn, NULL, 0) < 0)
			abort();
		break;
	case 8:
		wire_in(r, in);
		snic_dp_poll_once(r->nic);
		break;
	default:
		snic_dp_poll_once(r->nic);
		snic_dp_tick(r->nic);
		snic_service(r->nic);
		snic_fn_reset(r->nic, fn, op & 16);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct rig *r = rig_new();

	rig_pf_up(r, 1 + take(&in, 1) % 8);
	for (unsigned int i = 0; i < 4; i++)
		rig_queue_up(r, i, i, 64, 32);
	for (unsigned int i = 0; i < 256 && in.left; i++) {
		step(r, &in);
		snic_dp_poll_once(r->nic);
	}
	snic_dp_tick(r->nic);
	rig_free(r);
	return 0;
}
