/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vhost-user back end behind the emulated NIC's wire that writes anything into the rings it was
 * lent: used entries, indices, flags, buffers. The port loses frames of that back end, no more:
 * what reaches the wire is a frame, and its threads go on and end when told.
 */
#include <assert.h>
#include <linux/virtio_ring.h>
#include <net_port.h>
#include <string.h>
#include <support/vhost_backend.h>
#include <sys/eventfd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SIZE 256u

struct world {
	sd_event *event;
	struct vhost_backend backend;
	struct snic_wire *wire;
	struct net_port *port;
};

static struct world w;

static void nothing(void *ctx)
{
	(void)ctx;
}

static void world_up(void)
{
	int fd;

	w.backend.features = VHOST_BACKEND_FEATURES;
	w.backend.protocol = 8;
	assert(sd_event_new(&w.event) >= 0);
	fd = vhost_backend_start(&w.backend);
	assert(fd >= 0 && snic_wire_new(&w.wire) == 0);
	assert(net_port_new(w.event, fd, w.wire, nothing, nothing, NULL, &w.port) == 0);
	for (unsigned int i = 0; i < 2; i++)
		assert(w.backend.ring[i].size == SIZE && w.backend.ring[i].call_fd >= 0);
}

static struct vring_used *used_of(unsigned int q)
{
	return (struct vring_used *)(uintptr_t)w.backend.ring[q].used;
}

static void bell(unsigned int q)
{
	(void)eventfd_write(w.backend.ring[q].call_fd, 1);
}

static void step(const uint8_t *s)
{
	unsigned int q = s[0] & 1;
	struct vring_used *u = used_of(q);
	uint16_t idx = __atomic_load_n(&u->idx, __ATOMIC_RELAXED);
	struct snic_wire_slot *slot;
	uint32_t val;

	memcpy(&val, s + 4, sizeof(val));
	switch (s[0] >> 1 & 7) {
	case 0:
	case 1:
	case 2: /* a used entry: mostly of a buffer that there is */
		u->ring[idx % SIZE] = (struct vring_used_elem){
			.id = s[1] & 0x80 ? val : s[2], .len = s[1] & 0x40 ? val : val % 2100};
		__atomic_store_n(&u->idx, (uint16_t)(idx + 1), __ATOMIC_RELEASE);
		break;
	case 3:
		__atomic_store_n(&u->idx, (uint16_t)(s[1] & 1 ? val : idx + s[2]),
				 __ATOMIC_RELEASE);
		break;
	case 4:
		u->flags = s[1];
		break;
	case 5: /* the NIC sends */
		slot = snic_wire_room(&w.wire->out);
		if (!slot)
			break;
		slot->len = 60 + val % (SNIC_WIRE_FRAME - 60 + 1);
		snic_wire_put(&w.wire->out);
		break;
	default:
		bell(q);
		break;
	}
}

/* What the NIC would read: frames of lengths that a slot holds. */
static void wire_drain(void)
{
	for (unsigned int i = 0; i < 2 * SNIC_WIRE_SLOTS; i++) {
		const struct snic_wire_slot *s = snic_wire_peek(&w.wire->in);

		if (!s)
			return;
		assert(s->len >= SNIC_FRAME_MIN && s->len <= SNIC_WIRE_FRAME);
		snic_wire_drop(&w.wire->in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct net_port_counters c;

	if (!w.port)
		world_up();
	for (unsigned int i = 0; i < 128 && size >= 8; i++, data += 8, size -= 8) {
		step(data);
		if (i % 16 == 0)
			bell(0);
		wire_drain();
	}
	bell(0);
	bell(1);
	(void)sd_event_run(w.event, 0);
	wire_drain();
	net_port_counters(w.port, &c);
	assert(net_port_up(w.port));
	return 0;
}
