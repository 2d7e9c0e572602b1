#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both ends of the control channel share: JSON objects as messages, one non-blocking receive
 * with descriptors, and error numbers by name. Private to lib.
 */
#include <lib/ctl.h>
#include <lib/unix_sock.h>

#define CTL_DEPTH_MAX 32u

/**
 * ctl_wire_encode() - one-line JSON of @j into @buf; its length, or -EMSGSIZE, -EINVAL not
 * encodable.
 */
int ctl_wire_encode(const json_t *j, char buf[CTL_MSG_MAX]);

/** ctl_wire_decode() - the object in @len bytes; -EBADMSG no JSON object, or nested too deeply. */
int ctl_wire_decode(const char *buf, size_t len, json_t **ret_j);

/**
 * ctl_wire_recv() - one message, never blocks
 * @buf: CTL_MSG_MAX bytes
 * @fds: empty; at most CTL_FDS_MAX descriptors on success, none on failure
 * Context: any. Return: its length; -EAGAIN; -ECONNRESET hung up; -EMSGSIZE too long or too many
 *          descriptors. Source: unix(7).
 */
int ctl_wire_recv(int fd, char buf[CTL_MSG_MAX], struct usock_fds *fds);

/** ctl_wire_errno_name() - "EINVAL" for -EINVAL or EINVAL; "EIO" for what has no name. */
const char *ctl_wire_errno_name(int error);

/** ctl_wire_errno() - the negative errno of @name; -EIO if unknown. */
int ctl_wire_errno(const char *name);
