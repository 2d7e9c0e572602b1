#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* What doctor reads, decoded: configuration space and the kernel's text files. Pure and bounded. */
#include <lib/cleanup.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOC_CFG_BYTES 4096u

enum doc_port {
	DOC_PORT_NONE, /* no PCI Express port: conventional, or an endpoint */
	DOC_PORT_ROOT,
	DOC_PORT_UP,
	DOC_PORT_DOWN,
	DOC_PORT_BRIDGE, /* to conventional PCI or from it */
};

struct doc_acs {
	bool there;   /* the capability is */
	bool enabled; /* source validation, both redirects, upstream forwarding */
	uint16_t cap, ctrl;
};

struct doc_sriov {
	uint16_t initial_vfs, total_vfs, num_vfs;
	uint16_t offset, stride, device;
	bool enabled;
};

/**
 * doc_ext_cap() - offset of extended capability @id
 *
 * Context: pure. Return: 0; -ENODATA @cfg ends before 0x104 (only root may read more); -ENOENT;
 * -EBADMSG the list runs in circles or out of @cfg. Source: docs/sources.md [SYS],
 * linux/pci_regs.h.
 */
int doc_ext_cap(const uint8_t *cfg, size_t len, uint16_t id, size_t *ret_at) _must_check_;

/** doc_acs(), doc_sriov() - that capability. Context, Return, Source: as doc_ext_cap(). */
int doc_acs(const uint8_t *cfg, size_t len, struct doc_acs *ret) _must_check_;
int doc_sriov(const uint8_t *cfg, size_t len, struct doc_sriov *ret) _must_check_;

/**
 * doc_port() - what kind of port a bridge is
 *
 * Context: pure. Return: 0; -ENODATA too short; -EBADMSG. Source: linux/pci_regs.h.
 */
int doc_port(const uint8_t *cfg, size_t len, enum doc_port *ret) _must_check_;

/**
 * doc_word() - is @word one of the blank-separated words of @text?
 *
 * Context: pure. Return: true or false. Source: -.
 */
bool doc_word(const char *text, const char *word);

/**
 * doc_cpu() - is @flag among the flags of the first processor in /proc/cpuinfo?
 *
 * Context: pure. Return: true or false. Source: proc_cpuinfo(5).
 */
bool doc_cpu(const char *cpuinfo, const char *flag);

/**
 * doc_memlock() - soft limit of locked memory in /proc/PID/limits; UINT64_MAX: none
 *
 * Context: pure. Return: 0; -EBADMSG. Source: proc_pid_limits(5).
 */
int doc_memlock(const char *limits, uint64_t *ret_bytes) _must_check_;

/**
 * doc_caps() - effective capabilities in /proc/PID/status
 *
 * Context: pure. Return: 0; -EBADMSG. Source: proc_pid_status(5).
 */
int doc_caps(const char *status, uint64_t *ret_caps) _must_check_;

/**
 * doc_module_listed() - is a module in modules.dep or modules.builtin? '-' and '_' are alike.
 *
 * Context: pure. Return: true or false. Source: modules.dep(5).
 */
bool doc_module_listed(const char *list, const char *name);

/**
 * doc_vf_bars() - were VF BARs given addresses, by a PF's "resource" file?
 *
 * Context: pure. Return: 1; 0; -ENODATA the file has no lines for them; -EBADMSG.
 * Source: docs/sources.md [SYS].
 */
int doc_vf_bars(const char *resource);

/**
 * doc_setting() - value of the first line "@key=VALUE" of an ini file; blanks around are allowed
 * @ret_value: cut at @size
 *
 * Context: pure. Return: true with @ret_value; false. Source: systemd.syntax(7).
 */
bool doc_setting(const char *text, const char *key, char *ret_value, size_t size);

/**
 * doc_section() - has an ini file a line "[@name]"?
 *
 * Context: pure. Return: true or false. Source: systemd.syntax(7).
 */
bool doc_section(const char *text, const char *name);
