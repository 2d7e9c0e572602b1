#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* Commands that start something: a signal makes them tidy up rather than end at once. */
#include <signal.h>

/*
 * interrupt_catch() - SIGINT, SIGTERM and SIGHUP no longer end the process, and waiting calls
 * return; what it returns holds the last one, 0: none
 */
volatile sig_atomic_t *interrupt_catch(void);
