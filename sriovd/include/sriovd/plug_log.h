#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What became of the last attaches and detaches of a VM, for GET /v1/vms/VM: oldest first. One that
 * is under way is pending; the next of the same net ends it, and then the ledger has it as well.
 */
#include <jansson.h>
#include <sriovd/ledger.h>
#include <sriovd/valid.h>

#define PLUG_NOTES LEDGER_PLUGS

struct sriovd;
struct vm;

enum plug_asked {
	PLUG_ATTACH,
	PLUG_DETACH,
	PLUG_NONE, /* nobody asked: the guest, the host or a NIC did it */
};

struct plug_note {
	unsigned int n;	  /* of all there ever were */
	uint64_t time_us; /* of the wall clock */
	enum plug_asked asked;
	char net[NAME_SIZE];
	char result[16];
	char text[LEDGER_REASON];
};

struct plug_log {
	struct plug_note note[PLUG_NOTES];
	unsigned int n; /* ever */
};

/**
 * plug_log_begin() - @net is being attached or detached
 *
 * Context: baton kept. Source: docs/api.md.
 */
void plug_log_begin(struct plug_log *log, const char *net, enum plug_asked asked);

/**
 * plug_log_add() - something happened to @net that nobody asked for; nothing, if it is part of what
 * is pending
 *
 * Context: baton kept. Return: the note; NULL there is none. Source: docs/api.md.
 */
const struct plug_note *plug_log_add(struct plug_log *log, const char *net, const char *result,
				     const char *text);

/**
 * plug_log_end() - what came of the pending one of @net
 * @result: a word of docs/api.md
 * @text:   the reason, or ""
 *
 * Context: baton kept. Return: the note; NULL there is none. Source: docs/api.md.
 */
const struct plug_note *plug_log_end(struct plug_log *log, const char *net, const char *result,
				     const char *text);

/**
 * plug_log_load() - a row of the ledger; those of a VM come in their order
 *
 * Context: start-up. Return: 0; -EUCLEAN no sriovd wrote it. Source: -.
 */
int plug_log_load(struct plug_log *log, const struct row_plug *row) _must_check_;

/**
 * vm_plug_end(), vm_plug_add() - as plug_log_end(), plug_log_add(), also into the ledger
 *
 * Context: baton kept. Source: docs/api.md.
 */
void vm_plug_end(struct sriovd *d, struct vm *vm, const char *net, const char *result,
		 const char *text);
void vm_plug_add(struct sriovd *d, struct vm *vm, const char *net, const char *result,
		 const char *text);

/**
 * plug_log_json() - all notes, oldest first
 *
 * Context: baton kept. Return: a new array; NULL out of memory. Source: docs/api.md.
 */
json_t *plug_log_json(const struct plug_log *log);

/**
 * wall_text() - a time of the wall clock, in microseconds, as the API shows it
 *
 * Context: any. Return: a new string; NULL out of memory. Source: docs/api.md.
 */
json_t *wall_text(uint64_t time_us);
