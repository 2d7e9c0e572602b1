#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The hostile guest. It is asked for one case at a time by the request that a bench guest would
 * take for a ping (abi/guest_block.h); these fields mean something else here:
 *
 *   slot_a       what is attacked        count        number of the case, from 0, and 1
 *   slot_b       a function that has to  warmup       seed
 *                go on working           dst_ipv4     enum hostile_kind of slot_a
 *   frame_bytes  MiB of guest RAM
 *
 * An error in the answer says that the VMM did wrong; the console says what. The table of cases is
 * printed at the start, so that it is written down in one place only.
 */
#include <abi/errno.h>
#include <console.h>
#include <guest/kern.h>

enum hostile_kind {
	KIND_VF,
	KIND_VHOST,
	KIND_TAP,
	KIND_BLK,
	KIND_RNG,
	KIND_EMULATED,
};

#define ON(kind)  BIT32(KIND_##kind)
#define ON_SERVED (ON(TAP) | ON(BLK) | ON(RNG)) /* rings that the VMM walks itself */
#define ON_NET	  (ON(TAP) | ON(VHOST))
#define ON_VIRTIO (ON_SERVED | ON(VHOST))
#define ON_NIC	  (ON(VF) | ON(EMULATED))
#define ON_ALL	  (ON_VIRTIO | ON_NIC)

/* What a case may cost. */
enum hostile_loss {
	LOSS_NONE,
	LOSS_DEVICE,  /* slot_a ejected */
	LOSS_DEVICES, /* all of them */
	LOSS_VM,      /* this guest, which asked for it */
};

struct hostile {
	uint32_t kind;
	uint32_t slot;
	uint32_t witness; /* 0: none */
	uint64_t ram;	  /* bytes */
	uint64_t random;
	uint64_t accesses;
	const struct hostile_case *c;
	const struct pciscan_slot *pci;
	unsigned int variant; /* of a case that has several */
};

struct ring;

struct hostile_case {
	const char *name;
	uint32_t kinds; /* ON() */
	enum hostile_loss loss;
	int (*run)(struct hostile *h);
	/* of cases about one bad chain */
	void (*build)(struct hostile *h, struct ring *r);
	unsigned int variants;
	bool breaks; /* the device has to ask for a reset */
	uint64_t features;
};

#define CASE(title, on, may, fn)                                           \
	{                                                                  \
		.name = (title), .kinds = (on), .loss = (may), .run = (fn) \
	}

struct hostile_set {
	const struct hostile_case *cases;
	unsigned int n;
};

extern const struct hostile_set config_set, bar_set, msix_set, chain_set, ring_set, platform_set,
	nic_set, nic_ring_set;

#define HOSTILE_PATTERN 0x5a17e57a5a17e57aull
#define HOSTILE_RAM	0x2000000u /* nobody else's: 1 MiB of it is written and looked at */
#define HOSTILE_RAM_LEN 0x100000u

/* access.c: every width, any offset; what is there is for the other side to say */
uint64_t hostile_random(struct hostile *h);
uint32_t hostile_below(struct hostile *h, uint32_t n);
uint32_t hostile_width(struct hostile *h);
uint64_t hostile_read(struct hostile *h, uint64_t gpa, uint32_t width);
void hostile_write(struct hostile *h, uint64_t gpa, uint32_t width, uint64_t val);
uint64_t hostile_cfg(uint32_t slot, uint32_t off);
uint32_t cfg_read(struct hostile *h, uint32_t off);
void cfg_write(struct hostile *h, uint32_t off, uint32_t val);
void hostile_command(struct hostile *h, uint32_t bits);
void hostile_wait(uint32_t us);
bool hostile_late(uint64_t since, uint32_t us);
int hostile_wrong(struct hostile *h, const char *what);
int hostile_scan(struct hostile *h);
int hostile_same(struct hostile *h);
int hostile_platform_ok(struct hostile *h);
void hostile_pattern(void);
int hostile_pattern_ok(struct hostile *h);
