#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The guest block: shared memory between the VMM and a guest that knows it (the bench guest). It
 * lies in guest RAM at GUEST_BLOCK_GPA; the VMM clears it and sets magic and version before boot.
 * It carries the guest's console, its interface table, and one request at a time. Nothing in it
 * needs a trap: the guest polls req_seq while it runs (and is woken by HPC_EVT_REQUEST when it
 * sleeps), and rings HPC_GDBL after it wrote something the VMM should look at.
 *
 * Everything here is written by a hostile guest: the VMM copies a part out once and decodes the
 * copy.
 */
#include <abi/bits.h>
#include <abi/hist.h>

#define GUEST_BLOCK_GPA	    0x20000u
#define GUEST_BLOCK_MAGIC   0x53524756u /* "VGRS" in memory */
#define GUEST_BLOCK_VERSION 2u
#define GUEST_CON_SIZE	    8192u
#define GUEST_IFS	    32u /* one entry a PCI slot */

enum guest_if_kind {
	GUEST_IF_NONE = 0,
	GUEST_IF_VF = 1,
	GUEST_IF_VIRTIO = 2,
	GUEST_IF_EMULATED = 3, /* a whole 82576 */
};

enum guest_if_state {
	GUEST_IF_EMPTY = 0,
	GUEST_IF_PROBING = 1,
	GUEST_IF_UP = 2,	/* driver runs and link is up */
	GUEST_IF_LINK_DOWN = 3, /* driver runs, no link */
	GUEST_IF_FAILED = 4,	/* driver could not start; see the console */
	GUEST_IF_REMOVING = 5,
};

/*
 * The bench guest's address rule: interface IPv4 = 10.m3.m4.m5, m being the MAC's last three bytes.
 * An identity that moves to another VM takes its address along.
 */
struct guest_if {
	uint32_t kind;	/* enum guest_if_kind */
	uint32_t state; /* enum guest_if_state */
	uint8_t mac[6];
	uint16_t pad;
	uint32_t ipv4;	/* host order */
	uint32_t error; /* positive errno when FAILED */
	uint64_t rx_packets;
	uint64_t tx_packets;
	uint64_t rx_bytes;
	uint64_t tx_bytes;
	uint64_t rx_errors;
	uint64_t tx_drops;
};

enum guest_req_kind {
	GUEST_REQ_NONE = 0,
	GUEST_REQ_PING = 1, /* ICMP echo from slot_a to dst_ipv4 */
	GUEST_REQ_RTT = 2,  /* slot_a -> slot_b -> slot_a, one packet outstanding */
	GUEST_REQ_THROUGHPUT =
		3, /* slot_a -> slot_b (and back, when bidir) as fast as credit allows */
};

struct guest_req {
	uint32_t seq; /* the VMM writes it last; a new value is a new request */
	uint32_t kind;
	uint32_t slot_a;
	uint32_t slot_b;
	uint32_t frame_bytes; /* without CRC: 60..1514; "64 B" on the wire is 60 here */
	uint32_t bidir;
	uint64_t count;	      /* RTT: samples; PING: echoes */
	uint64_t warmup;      /* RTT: rounds not recorded */
	uint64_t duration_us; /* THROUGHPUT: measured time after warmup_us; PING: how long an
				 echo may take, 0: 1 s */
	uint64_t warmup_us;
	uint64_t timeout_us; /* give up after this long */
	uint32_t burst;	     /* THROUGHPUT: frames a burst, 1..64 */
	uint32_t dst_ipv4;   /* PING, host order */
};

/* Rounds of a measuring loop: longer than GUEST_GAP_US is a gap, than GUEST_STALL_US a stall. */
#define GUEST_GAP_US   20u
#define GUEST_STALL_US 1000u

/* When the loop stood still while it measured, in TSC ticks. */
struct guest_gaps {
	uint64_t n;
	uint64_t max;
	uint64_t lost;	  /* in all of them */
	uint64_t stalled; /* in those that are stalls */
};

struct guest_res {
	uint32_t seq;	/* the guest writes it last: answers the request with this seq */
	uint32_t error; /* 0 or a positive errno */
	uint64_t sent;
	uint64_t received;
	uint64_t bytes;		/* payload bytes received, without CRC */
	uint64_t ticks;		/* TSC ticks of the measured part */
	uint64_t lost;		/* RTT: timed out; THROUGHPUT: sent and never seen */
	uint64_t corrupt;	/* payload did not match */
	struct guest_gaps gaps; /* RTT and THROUGHPUT */
	struct hist hist;	/* RTT and PING: round trips in TSC ticks */
};

struct guest_block {
	uint32_t magic;
	uint32_t version;
	uint32_t con_head; /* bytes ever written by the guest; free running */
	uint32_t pad;
	uint8_t con[GUEST_CON_SIZE]; /* ring, index = position % GUEST_CON_SIZE */
	struct guest_if ifs[GUEST_IFS];
	struct guest_req req;
	struct guest_res res;
};

#define GUEST_BLOCK_SIZE 0x8000u
_Static_assert(sizeof(struct guest_block) <= GUEST_BLOCK_SIZE, "the guest block fits its place");
_Static_assert(sizeof(struct guest_if) == 72, "guest_if layout");
_Static_assert(sizeof(struct guest_req) == 72, "guest_req layout");

/**
 * guest_req_check() - refuse a request that no guest could serve
 * Context: any; pure. Both sides use it: the VMM before sending, the guest before acting.
 * Return: 0; -EINVAL kind, slot, frame size or burst out of range.
 * Source: this header.
 */
int guest_req_check(const struct guest_req *req);

/**
 * guest_res_check() - check a result the guest wrote (a private copy of it)
 * Return: 0; -EBADMSG when histogram and counts contradict each other or the error is no errno.
 * Context: any; pure. Source: this header.
 */
int guest_res_check(const struct guest_req *req, const struct guest_res *res);
