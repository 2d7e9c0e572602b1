/* SPDX-License-Identifier: BSD-3-Clause */
#include "interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t caught;

static void on_signal(int sig)
{
	caught = sig;
}

volatile sig_atomic_t *interrupt_catch(void)
{
	struct sigaction sa = {.sa_handler = on_signal};

	/* no SA_RESTART: waiting calls return and see the flag */
	sigemptyset(&sa.sa_mask);
	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	return &caught;
}
