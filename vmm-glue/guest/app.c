/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The application: one poll loop in ring 3. Serves every interface, opens and closes them as slots
 * come and go, runs one request at a time, and sleeps when nothing happened for a while.
 *
 * app_serve() is also what runs inside waits: while a driver is being opened and while a request is
 * being measured. Slots are opened and closed only outside of an opening, never recursively.
 */
#include <abi/errno.h>
#include <abi/nic_pci.h>
#include <guest/engine.h>
#include <string.h>
#include "app.h"
#include "console.h"

#define VIRTIO_VENDOR	  0x1af4u
#define VIRTIO_NET	  0x1041u
#define RX_MAX		  32u
#define IDLE_AFTER_US	  UINT64_C(1000)
#define IDLE_REQUEST_US	  UINT64_C(20000) /* going to sleep traps: not while a run is summed up */
#define IDLE_SLEEP_US	  20000u	  /* a lost interrupt costs no more than this */
#define TICK_US		  UINT64_C(10000)
#define LINK_RETRY_US	  UINT64_C(10000) /* while down */
#define LINK_RECHECK_US	  UINT64_C(5000000)
#define LINK_STALL_US	  UINT64_C(500000)
#define REOPEN_US	  UINT64_C(200000)
#define REOPEN_TRIES	  3u /* before the interface counts as failed; tried again all the same */
#define WAIT_SERVE_MIN_US 20u

struct slot {
	struct nif *nif;
	uint32_t arena;	   /* of nif */
	uint32_t tries;	   /* openings that the PF did not answer */
	uint64_t check_at; /* µs: look at the link, or try again to open */
	uint64_t looked_at;
	uint64_t moved_at; /* µs: a tick that found it had moved something */
};

static struct app {
	struct slot slot[VMM_SLOTS];
	uint32_t open;	 /* bit = slot with an interface */
	uint32_t failed; /* slots to be tried again */
	uint32_t arenas; /* in use */
	uint32_t gen;
	uint32_t request; /* sequence number of the last one answered */
	bool plugging;
	bool measuring;
	uint64_t measuring_at; /* µs: when it began */
	uint32_t skip;	       /* slots that the running measurement polls itself */
	uint64_t rest_at;      /* TSC: without work until then, we sleep */
	uint64_t tick_at;      /* µs */
	struct engine engine;
} app;

void app_main(void);

uint64_t app_now_us(void)
{
	uint64_t tsc = guest_tsc(), khz = kern_shared.tsc_khz;

	/* in two steps: the product of the whole would run over after some weeks */
	return tsc / khz * 1000 + tsc % khz * 1000 / khz;
}

static void stay_awake_us(uint64_t us)
{
	uint64_t at = guest_tsc() + us * kern_shared.tsc_khz / 1000;

	if (at > app.rest_at)
		app.rest_at = at;
}

static void doorbell(uint32_t what)
{
	guest_mmio_write32(VMM_HPC_BASE + HPC_GDBL, what);
}

static struct guest_if *entry(uint32_t slot)
{
	return &guest_block_ptr()->ifs[slot];
}

static void publish(uint32_t slot, uint32_t state, int error)
{
	struct guest_if *e = entry(slot);
	struct nif *n = app.slot[slot].nif;

	if (n) {
		e->kind = n->kind;
		memcpy(e->mac, n->host.mac, sizeof(e->mac));
		e->ipv4 = n->host.ipv4;
		n->ops->counters(n, e);
	}
	e->error = (uint32_t)-error;
	__atomic_store_n(&e->state, state, __ATOMIC_RELEASE);
	doorbell(HPC_GDBL_IFS);
}

static const char *kind_name(uint32_t kind)
{
	return kind == GUEST_IF_VF ? "vf" : kind == GUEST_IF_VIRTIO ? "virtio" : "emulated";
}

static void input(void *ctx, struct nif *n, const struct vfdrv_pkt *pkt)
{
	struct frame_info info = frame_classify(pkt->data, pkt->len, &n->host);
	uint32_t reply;

	if (info.kind != FRAME_OTHER)
		engine_frame(&app.engine, n, &info);
	reply = frame_respond(pkt->data, pkt->len, &n->host);
	if (reply) {
		nif_send_one(n, pkt->data, reply);
		return;
	}
	vfdrv_pool_put(n->pool, pkt->data);
}

static bool poll(struct nif *n)
{
	struct vfdrv_pkt pkt[RX_MAX];
	unsigned int k = nif_rx(n, pkt, RX_MAX);

	if (!k)
		return false;
	for (unsigned int i = 0; i < k; i++)
		input(NULL, n, &pkt[i]);
	return true;
}

static void poll_all(uint32_t skip)
{
	bool worked = false;

	for (uint32_t left = app.open & ~skip; left; left &= left - 1)
		worked |= poll(app.slot[__builtin_ctz(left)].nif);
	if (worked)
		stay_awake_us(IDLE_AFTER_US);
}

void app_wait_us(uint32_t us)
{
	uint64_t until = app_now_us() + us;

	do {
		if (us >= WAIT_SERVE_MIN_US)
			poll_all(app.skip);
		else
			__builtin_ia32_pause();
	} while (app_now_us() < until);
}

static void *arena_at(unsigned int i)
{
	return (void *)(uintptr_t)(KERN_ARENA_BASE + i * KERN_ARENA_SIZE);
}

/* RAM at the place? Beyond its end writes go nowhere and reads give all ones. */
static bool arena_there(unsigned int i)
{
	volatile uint64_t *last = (uint64_t *)((uintptr_t)arena_at(i) + KERN_ARENA_SIZE) - 1;

	*last = i;
	return *last == i;
}

static int arena_take(uint32_t *ret_arena)
{
	unsigned int i = (unsigned int)__builtin_ctz(~app.arenas);

	if (i >= VMM_SLOTS - 1 || !arena_there(i))
		return -ENOMEM;
	app.arenas |= BIT32(i);
	*ret_arena = i;
	return 0;
}

static void slot_close(uint32_t slot)
{
	struct slot *s = &app.slot[slot];

	if (s->nif) {
		app.open &= ~BIT32(slot);
		s->nif->ops->close(s->nif);
		s->nif = NULL;
		app.arenas &= ~BIT32(s->arena);
	}
	app.failed &= ~BIT32(slot);
}

static void link_look(uint32_t slot)
{
	struct slot *s = &app.slot[slot];
	struct nif *n = s->nif;
	bool up = false;
	int r = n->ops->link(n, &up);
	uint32_t state = entry(slot)->state;

	s->looked_at = app_now_us();
	s->check_at = s->looked_at + (up ? LINK_RECHECK_US : LINK_RETRY_US);
	if (r < 0) {
		/* gone without a word: the slot is let go when the VMM asks for it, or used again
		 */
		con_printf("slot %u: the device is gone\n", slot);
		slot_close(slot);
		publish(slot, GUEST_IF_FAILED, r);
		return;
	}
	n->up = up;
	if (up && state != GUEST_IF_UP) {
		con_printf("%s slot %u: up, mac %m, ip %i\n", kind_name(n->kind), slot, n->host.mac,
			   n->host.ipv4);
		publish(slot, GUEST_IF_UP, 0);
	} else if (!up && state != GUEST_IF_LINK_DOWN) {
		if (state == GUEST_IF_UP)
			con_printf("%s slot %u: link down\n", kind_name(n->kind), slot);
		publish(slot, GUEST_IF_LINK_DOWN, 0);
	}
}

static int slot_open(uint32_t slot)
{
	struct slot *s = &app.slot[slot];
	const struct pciscan_slot *p = &kern_shared.slot[slot];
	struct nif *n;
	int r = (int)kern_call(KERN_SYS_SCAN, slot);

	if (r < 0)
		return r;
	r = arena_take(&s->arena);
	if (r < 0)
		return r;
	if (p->vendor == NIC_VENDOR && (p->device == NIC_DEVICE_VF || p->device == NIC_DEVICE_PF))
		r = nif_vf_open(slot, p, arena_at(s->arena), &n);
	else if (p->vendor == VIRTIO_VENDOR && p->device == VIRTIO_NET)
		r = nif_virtio_open(slot, p, arena_at(s->arena), &n);
	else
		r = -EOPNOTSUPP;
	if (r < 0) {
		app.arenas &= ~BIT32(s->arena);
		return r;
	}
	n->gen = ++app.gen;
	s->nif = n;
	app.open |= BIT32(slot);
	return 0;
}

static void slot_plug(uint32_t slot)
{
	struct slot *s = &app.slot[slot];
	int r;

	slot_close(slot);
	if (!s->tries) {
		memset(entry(slot), 0, sizeof(*entry(slot)));
		publish(slot, GUEST_IF_PROBING, 0);
	}
	r = slot_open(slot);
	if (r == -ENODEV && !(kern_shared.down & BIT32(slot))) {
		publish(slot, GUEST_IF_EMPTY, 0); /* the plug was taken back before we looked */
		return;
	}
	if (r == -ETIMEDOUT && !(kern_shared.down & BIT32(slot))) {
		app.failed |= BIT32(slot);
		s->check_at = app_now_us() + REOPEN_US;
		if (++s->tries != REOPEN_TRIES)
			return;
	}
	if (r < 0) {
		con_printf("slot %u: cannot start, error %d\n", slot, r);
		publish(slot, GUEST_IF_FAILED, r);
		return;
	}
	s->tries = 0;
	link_look(slot);
}

static void slot_unplug(uint32_t slot)
{
	publish(slot, GUEST_IF_REMOVING, 0);
	slot_close(slot);
	app.slot[slot].tries = 0;
	kern_call(KERN_SYS_EJECT, slot);
	memset(entry(slot), 0, sizeof(*entry(slot)));
	con_printf("slot %u: removed\n", slot);
	publish(slot, GUEST_IF_EMPTY, 0);
}

static void each(uint32_t slots, void (*f)(uint32_t slot))
{
	for (; slots; slots &= slots - 1)
		f((uint32_t)__builtin_ctz(slots));
}

static void config_look(uint32_t slot)
{
	if (app.open & BIT32(slot))
		link_look(slot);
}

/* What ring 0 noted. Removals first: the slot may be in use again already. */
static int events(void)
{
	uint32_t got;

	if (app.plugging)
		return 0;
	got = kern_take(&kern_shared.events);
	app.plugging = true;
	if (got & KERN_EVT_DOWN)
		each(kern_take(&kern_shared.down) & ~1u, slot_unplug);
	if (got & KERN_EVT_UP)
		each(kern_take(&kern_shared.up) & ~1u, slot_plug);
	if (got & KERN_EVT_CFG)
		each(kern_take(&kern_shared.irq_cfg), config_look);
	app.plugging = false;
	if (got & KERN_EVT_POWER) {
		__atomic_fetch_or(&kern_shared.events, KERN_EVT_POWER, __ATOMIC_SEQ_CST);
		return -ECANCELED;
	}
	return 0;
}

static void counters_look(uint32_t slot, uint64_t now)
{
	struct guest_if *e = entry(slot);
	uint64_t before = e->rx_packets + e->tx_packets;

	app.slot[slot].nif->ops->counters(app.slot[slot].nif, e);
	if (e->rx_packets + e->tx_packets != before)
		app.slot[slot].moved_at = now;
}

static bool long_ago(uint64_t at, uint64_t now)
{
	return now - at > LINK_STALL_US;
}

/* A measurement is not disturbed by looks at a link that is up, unless nothing moves over it. */
static bool link_due(uint32_t slot, uint64_t now)
{
	const struct slot *s = &app.slot[slot];

	if (!app.measuring || !s->nif->up)
		return now >= s->check_at;
	return app.skip & BIT32(slot) && long_ago(s->moved_at, now) &&
	       long_ago(s->looked_at, now) && long_ago(app.measuring_at, now);
}

/*
 * Interrupts of a busy guest. The VF masked itself when it fired, so the first one after an idle
 * time costs no access to it; one that comes although nothing is armed is of a NIC that does not
 * mask itself, and would come for every frame. Each is looked at once: masking traps.
 */
static void interrupts_look(void)
{
	uint32_t fired = kern_shared.irq_rx & app.open;

	if (fired)
		fired &= __atomic_fetch_and(&kern_shared.irq_rx, ~fired, __ATOMIC_SEQ_CST);
	for (; fired; fired &= fired - 1) {
		struct nif *n = app.slot[__builtin_ctz(fired)].nif;

		if (!n->armed || n->kind == GUEST_IF_VIRTIO)
			n->ops->irq(n, false);
		n->armed = false;
	}
}

static void tick(uint64_t now)
{
	interrupts_look();
	for (uint32_t left = app.open; left; left &= left - 1) {
		uint32_t slot = (uint32_t)__builtin_ctz(left);

		counters_look(slot, now);
		if (link_due(slot, now)) {
			app.plugging = true;
			link_look(slot);
			app.plugging = false;
		}
	}
	for (uint32_t left = app.failed; left; left &= left - 1) {
		uint32_t slot = (uint32_t)__builtin_ctz(left);

		if (now < app.slot[slot].check_at)
			continue;
		__atomic_fetch_or(&kern_shared.up, BIT32(slot), __ATOMIC_SEQ_CST);
		__atomic_fetch_or(&kern_shared.events, KERN_EVT_UP, __ATOMIC_SEQ_CST);
	}
}

static int serve(void *ctx, uint32_t skip)
{
	uint64_t now;

	app.skip = skip;
	if (kern_shared.events) {
		int r = events();

		if (r < 0)
			return r;
	}
	poll_all(skip);
	now = app_now_us();
	if (now >= app.tick_at && !app.plugging) {
		app.tick_at = now + TICK_US;
		tick(now);
	}
	return 0;
}

static struct nif *find(void *ctx, uint32_t slot)
{
	return slot < VMM_SLOTS ? app.slot[slot].nif : NULL;
}

static void request_run(uint32_t seq)
{
	struct guest_block *b = guest_block_ptr();
	struct guest_req req = b->req;
	struct guest_res *res = &b->res;
	int r;

	memset(res, 0, sizeof(*res));
	r = guest_req_check(&req);
	if (!r) {
		app.measuring_at = app_now_us();
		app.measuring = true;
		r = engine_run(&app.engine, &req, res);
		app.measuring = false;
	}
	res->error = (uint32_t)-r;
	app.request = seq;
	stay_awake_us(IDLE_REQUEST_US);
	/* an aborted run has told what it did so far; the histogram agrees with itself either way
	 */
	__atomic_store_n(&res->seq, seq, __ATOMIC_RELEASE);
	doorbell(HPC_GDBL_DONE);
}

static uint32_t request_seq(void)
{
	return __atomic_load_n(&guest_block_ptr()->req.seq, __ATOMIC_ACQUIRE);
}

/* Arm every interrupt, look once more, and sleep only if there really is nothing. */
static void idle(void)
{
	bool work = false;
	uint32_t fired;

	for (uint32_t left = app.open; left; left &= left - 1) {
		struct nif *n = app.slot[__builtin_ctz(left)].nif;

		if (!n->armed) {
			n->armed = true;
			n->ops->irq(n, true);
		}
	}
	for (uint32_t left = app.open; left; left &= left - 1)
		work |= app.slot[__builtin_ctz(left)].nif->ops->pending(
			app.slot[__builtin_ctz(left)].nif);
	if (work || kern_shared.events || request_seq() != app.request)
		return;

	kern_call(KERN_SYS_IDLE, IDLE_SLEEP_US);

	/* the VF masks itself when it fires; virtio has to be told */
	fired = kern_take(&kern_shared.irq_rx) & app.open;
	for (; fired; fired &= fired - 1) {
		struct nif *n = app.slot[__builtin_ctz(fired)].nif;

		n->armed = false;
		if (n->kind == GUEST_IF_VIRTIO)
			n->ops->irq(n, false);
	}
}

static void shut_down(void)
{
	for (uint32_t slot = 1; slot < VMM_SLOTS; slot++) {
		if (app.slot[slot].nif)
			slot_close(slot);
	}
	con_puts("power off\n");
	kern_call(KERN_SYS_OFF, HPC_POWR_OFF);
}

void app_main(void)
{
	app.engine.home = (struct engine_home){
		.tsc_khz = kern_shared.tsc_khz,
		.nif = find,
		.service = serve,
		.input = input,
	};
	app.request = request_seq();
	con_printf("ready, tsc %u kHz\n", kern_shared.tsc_khz);

	for (;;) {
		uint32_t seq = request_seq();

		if (serve(NULL, 0) < 0)
			shut_down();
		if (seq != app.request)
			request_run(seq);
		else if (guest_tsc() > app.rest_at)
			idle();
	}
}
