#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Logging to stderr, one line a message, with syslog priority prefixes when stderr is the journal.
 * Folders below sriovd, cli and fastpath log at debug only: the top of a process logs an error
 * once. Every message carries its object: LOG_OBJECT("vm vm1") text. Data-plane loops never log.
 */
#include <lib/cleanup.h>

enum log_level {
	LOG_LEVEL_ERROR = 3,
	LOG_LEVEL_WARNING = 4,
	LOG_LEVEL_NOTICE = 5,
	LOG_LEVEL_INFO = 6,
	LOG_LEVEL_DEBUG = 7,
};

/**
 * log_init() - set the process's name and read SRIOVD_LOG_LEVEL (error..debug; default info)
 *
 * Context: start-up, before other threads; @ident is copied. Source: sd-daemon(3).
 */
void log_init(const char *ident);

/**
 * log_set_level() - write messages of this level and the graver ones from now on
 *
 * Context: any thread. Source: -.
 */
void log_set_level(enum log_level level);

/**
 * log_full() - write one line
 * @level:  severity
 * @error:  negative errno appended as ": text", or 0
 * @object: what it is about ("vm vm1"), or NULL
 * @fmt:    text, no newline
 *
 * Context: any thread; not for data-plane loops.
 * Return: @error, so that "return log_error(r, ...)" works.
 * Source: -
 */
int log_full(enum log_level level, int error, const char *object, const char *fmt, ...)
	_printf_(4, 5);

#define log_error(r, ...)   log_full(LOG_LEVEL_ERROR, (r), NULL, __VA_ARGS__)
#define log_warning(r, ...) log_full(LOG_LEVEL_WARNING, (r), NULL, __VA_ARGS__)
#define log_notice(...)	    log_full(LOG_LEVEL_NOTICE, 0, NULL, __VA_ARGS__)
#define log_info(...)	    log_full(LOG_LEVEL_INFO, 0, NULL, __VA_ARGS__)
#define log_debug(...)	    log_full(LOG_LEVEL_DEBUG, 0, NULL, __VA_ARGS__)

#define log_object_error(obj, r, ...)	log_full(LOG_LEVEL_ERROR, (r), (obj), __VA_ARGS__)
#define log_object_warning(obj, r, ...) log_full(LOG_LEVEL_WARNING, (r), (obj), __VA_ARGS__)
#define log_object_info(obj, ...)	log_full(LOG_LEVEL_INFO, 0, (obj), __VA_ARGS__)
#define log_object_debug(obj, ...)	log_full(LOG_LEVEL_DEBUG, 0, (obj), __VA_ARGS__)
