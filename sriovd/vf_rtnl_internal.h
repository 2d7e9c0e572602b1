#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages about VFs: building them, and reading what the kernel answers, both pure; and the one
 * exchange that everything here is made of.
 */
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <sriovd/vf_rtnl.h>
#include <stddef.h>

#define VF_WORDS_MAX 160u /* of the kernel's own sentence about a refusal */

/* What the kernel said of an interface and one of its VFs. */
struct vf_answer {
	struct vf_attrs attrs;
	unsigned int has;
	struct vf_stats stats;
	bool link;	     /* the PF has one */
	unsigned int n_vfs;  /* that there are */
	unsigned int n_told; /* that it told of */
};

/**
 * vf_codec_get() - ask for interface @ifindex with its VFs; their counters only if @stats
 *
 * Returns 0; -ENOMEM.
 */
int vf_codec_get(struct nl_msg *msg, int ifindex, bool stats) _must_check_;

/**
 * vf_codec_set() - set the attributes of @which on one VF
 *
 * VLAN, QoS and protocol are one attribute of the kernel's, so are the rates: a bit of each sends
 * all of them. Returns 0; -ENOMEM.
 */
int vf_codec_set(struct nl_msg *msg, int ifindex, unsigned int vf, const struct vf_attrs *want,
		 unsigned int which) _must_check_;

/**
 * vf_codec_answer() - read one message that answers vf_codec_get()
 *
 * @ret->n_vfs and n_told are written with -ENOENT and -EMSGSIZE also. Returns 0; -ENOENT there is
 * no VF of that number; -EMSGSIZE there is, but the answer does not have it; -EBADMSG.
 */
int vf_codec_answer(const void *msg, size_t len, int ifindex, unsigned int vf,
		    struct vf_answer *ret) _must_check_;

/**
 * vf_codec_answer_all() - read what one such message says of VFs 0 to @n - 1 into @ret
 *
 * A VF that cannot be read, or is not in it, is not told. Returns 0; -EBADMSG.
 */
int vf_codec_answer_all(const void *msg, size_t len, int ifindex, unsigned int n,
			struct vf_told *ret) _must_check_;

/**
 * vf_codec_error() - read an acknowledgement: 0 or the errno, and the kernel's words
 * @ret_words: VF_WORDS_MAX bytes, empty if there are none; printable
 *
 * Returns 0 with @ret_error; -EBADMSG it is none.
 */
int vf_codec_error(const void *msg, size_t len, int *ret_error, char *ret_words) _must_check_;

/** vf_attrs_differ() - bits of @which in which the two differ. */
unsigned int vf_attrs_differ(const struct vf_attrs *a, const struct vf_attrs *b,
			     unsigned int which);

/* A socket for some exchanges. */
struct vf_rtnl {
	struct nl_sock *sk;
	int ifindex;
	unsigned int vf;
	char words[VF_WORDS_MAX]; /* of the last refusal */
};

/** vf_rtnl_open() - 0; -ENOMEM; -errno. To be closed also after it failed. */
int vf_rtnl_open(struct vf_rtnl *rt, int ifindex, unsigned int vf) _must_check_;
void vf_rtnl_close(struct vf_rtnl *rt);

/** vf_rtnl_get_all() - vf_rtnl_get() of the first @n VFs */
int vf_rtnl_get_all(struct vf_rtnl *rt, bool stats, unsigned int n,
		    struct vf_told *ret) _must_check_;

/** vf_rtnl_get(), vf_rtnl_set() - one exchange, 2 s at most; as vf_rtnl_read(). */
int vf_rtnl_get(struct vf_rtnl *rt, bool stats, struct vf_answer *ret) _must_check_;
int vf_rtnl_set(struct vf_rtnl *rt, const struct vf_attrs *want, unsigned int which) _must_check_;

/** vf_rtnl_get_fail() - why vf_rtnl_get() gave @r, for @e; returns @r. */
int vf_rtnl_get_fail(const struct vf_rtnl *rt, const struct vf_answer *a, int r,
		     struct op_error *e);
