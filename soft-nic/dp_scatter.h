#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames longer than one receive buffer: they go into as many as it takes, one descriptor each, of
 * which the last has EOP and what there is to say of the frame. Apart from dp_rx.c, since it is
 * rare: a driver asks for it by a frame limit above its buffers' size.
 */
#include "dp_rx.h"

struct dp_scatter {
	bool strip; /* the tag goes into the descriptor */
	bool multi;
	uint64_t lo; /* lower half of the last descriptor */
};

/**
 * dp_scatter_room() - are there buffers for a frame of @len bytes?
 *
 * Context: data thread. Return: true; also for one that never fits: it is not waited for.
 * Source: -.
 */
bool dp_scatter_room(const struct dp_rxq *rx, uint32_t len);

/**
 * dp_scatter() - deliver a frame to queue @q, or drop and count it
 *
 * Its descriptors are written back at once. If a buffer is not the guest's to receive into, the
 * last descriptor that was used says so by RXE.
 *
 * Context: data thread. Source: docs/sources.md [Q] [L]: receive descriptors, EOP.
 */
void dp_scatter(struct dp_worker *me, unsigned int q, const struct dp_pkt *p,
		const struct dp_scatter *s);
