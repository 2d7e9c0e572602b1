#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The measurements a request can ask for (abi/guest_block.h): PING, RTT, THROUGHPUT. Owns no
 * device: finds interfaces through its home and calls back so that everything else goes on
 * meanwhile. An interface may vanish in any such call; the engine looks again after each and gives
 * up with -ENODEV.
 */
#include <abi/guest_block.h>
#include <guest/nif.h>

#define ENGINE_CREDIT	  192u /* frames on their way, one direction; less than a ring has */
#define ENGINE_BURST_MAX  64u
#define ENGINE_CHECK_STEP 64u /* compare the payload of one frame in so many */

struct engine_home {
	void *ctx;
	uint32_t tsc_khz;
	/* the interface in @slot, or NULL */
	struct nif *(*nif)(void *ctx, uint32_t slot);
	/*
	 * Serve what is not being measured: hot-plug, other interfaces; those in @skip (bit = slot)
	 * are left alone. Return: 0; -ECANCELED stop now.
	 */
	int (*service)(void *ctx, uint32_t skip);
	/* a frame that is no measurement's; takes the buffer */
	void (*input)(void *ctx, struct nif *n, const struct vfdrv_pkt *pkt);
};

struct engine {
	struct engine_home home;
	uint32_t run; /* number of measurements so far */
	/* what PING waits for; set by engine_frame() */
	struct {
		bool arp_wanted, arp_done, echo_wanted, echo_done;
		uint32_t slot, ipv4;
		uint16_t id, seq;
		uint8_t mac[6];
		uint64_t echo_ticks;
	} ping;
};

/**
 * engine_run() - do what @req asks
 * @req: a private copy, already judged by guest_req_check()
 * @res: filled but for seq and error
 *
 * Context: the poll loop; returns at req->timeout_us at the latest, plus one service call.
 * Return: 0; -ENODEV an interface is not there, or not any more; -ENETDOWN one has no link;
 * -EHOSTUNREACH nobody answers ARP; -ETIMEDOUT; -ECANCELED; -ENOBUFS. Source: abi/guest_block.h.
 */
int engine_run(struct engine *e, const struct guest_req *req, struct guest_res *res);

/**
 * engine_frame() - let a waiting PING see what came in; does not take the frame
 *
 * Context: the poll loop. Source: -.
 */
void engine_frame(struct engine *e, struct nif *n, const struct frame_info *info);
