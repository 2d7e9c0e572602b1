#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Frames from one data thread to another: a ring of bytes for each pair, one writer, one reader. A
 * frame is copied in once, whatever number of the other's queues it goes to. A worker sends only
 * while every ring takes a whole batch, so a frame is never lost between workers: its sender waits.
 */
#include "dp_rx.h"

/**
 * dp_peers_new() - rings for @n workers, in place of those that were there
 *
 * Context: control thread, while no data thread runs. Return: 0; -ENOMEM, nothing changed.
 * Source: -.
 */
int dp_peers_new(struct dp *dp, unsigned int n) _must_check_;

/** dp_peers_free() - and none. Context: control thread, while no data thread runs. Source: -. */
void dp_peers_free(struct dp *dp);

/**
 * dp_peers_ready() - is there room for a batch of the longest frames towards everybody?
 *
 * Context: data thread. Return: true or false. Source: -.
 */
bool dp_peers_ready(const struct dp_worker *me);

/**
 * dp_peers_put() - hand a frame to the workers of @pools, to the first one as well for the wire
 * @pools: none of our own; room was there before the batch
 *
 * Context: data thread. Source: -.
 */
void dp_peers_put(struct dp_worker *me, const struct dp_pkt *p, uint8_t pools, bool wire,
		  bool multi);

/**
 * dp_peers_flush() - what was put becomes visible; sleepers are woken
 *
 * Context: data thread. Source: -.
 */
void dp_peers_flush(struct dp_worker *me);

/**
 * dp_peers_poll() - deliver what others handed over
 *
 * Context: data thread; never blocks. Return: frames taken. Source: -.
 */
unsigned int dp_peers_poll(struct dp_worker *me);

/**
 * dp_peers_pending() - is anything there to be taken?
 *
 * Context: data thread. Return: true or false. Source: -.
 */
bool dp_peers_pending(const struct dp_worker *me);
