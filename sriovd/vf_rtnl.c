/* SPDX-License-Identifier: BSD-3-Clause */
/* What is asked for, in the order that drivers need, and whether it is there afterwards. */
#include <lib/clock.h>
#include <lib/log.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>
#include "vf_rtnl_internal.h"

#define LATE_US	  (2 * USEC_PER_SEC) /* for drivers that set a MAC after they said so */
#define LATE_STEP (50 * USEC_PER_MSEC)
#define STEPS_MAX 6u

static const struct {
	enum vf_attr bit;
	const char *name;
} names[] = {
	{VF_ATTR_MAC, "mac"},
	{VF_ATTR_VLAN, "vlan"},
	{VF_ATTR_VLAN_QOS, "vlan_qos"},
	{VF_ATTR_VLAN_PROTO, "vlan_proto"},
	{VF_ATTR_SPOOFCHK, "spoofchk"},
	{VF_ATTR_TRUST, "trust"},
	{VF_ATTR_MIN_TX_RATE, "min_tx_rate"},
	{VF_ATTR_MAX_TX_RATE, "max_tx_rate"},
	{VF_ATTR_LINK_STATE, "link_state"},
	{VF_ATTR_STATS, "stats"},
};

#define N_NAMES (sizeof(names) / sizeof(names[0]))

const char *vf_attr_name(enum vf_attr bit)
{
	for (size_t i = 0; i < N_NAMES; i++)
		if (names[i].bit == bit)
			return names[i].name;
	return "unknown";
}

const char *vf_attr_names(unsigned int which, char buf[static VF_ATTR_NAMES_SIZE])
{
	size_t used = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < N_NAMES && used < VF_ATTR_NAMES_SIZE; i++)
		if (which & names[i].bit)
			used += (size_t)snprintf(buf + used, VF_ATTR_NAMES_SIZE - used, "%s%s",
						 used ? ", " : "", names[i].name);
	return buf;
}

static int http_of(int error)
{
	switch (error) {
	case -ENODEV:
	case -ENOENT:
		return HTTP_MISSING;
	case -EPERM:
	case -EACCES:
		return HTTP_DENIED;
	case -EINVAL:
	case -ERANGE:
		return HTTP_BAD_INPUT;
	case -EOPNOTSUPP:
	case -EPROTONOSUPPORT:
	case -EBUSY:
	case -EAGAIN:
		return HTTP_CONFLICT;
	case -ETIMEDOUT:
		return HTTP_DEADLINE;
	default:
		return HTTP_INTERNAL;
	}
}

static const char *reason(int error)
{
	const char *text = strerrordesc_np(-error);

	return text ? text : "unknown error";
}

int vf_rtnl_get_fail(const struct vf_rtnl *rt, const struct vf_answer *a, int r, struct op_error *e)
{
	switch (r) {
	case -ENODEV:
		return op_fail(e, HTTP_MISSING, r, "the PF's network device %d is gone",
			       rt->ifindex);
	case -ENOENT:
		return op_fail(e, HTTP_MISSING, r, "vf %u: the PF has %u VFs", rt->vf, a->n_vfs);
	case -EMSGSIZE:
		return op_fail(e, HTTP_INTERNAL, r,
			       "vf %u: the kernel told of %u of %u VFs, not of this one", rt->vf,
			       a->n_told, a->n_vfs);
	default:
		return op_fail(e, http_of(r), r, "vf %u: reading its attributes: %s%s%s", rt->vf,
			       reason(r), rt->words[0] ? ": " : "", rt->words);
	}
}

int vf_rtnl_read(int ifindex, unsigned int vf, struct vf_attrs *ret, unsigned int *ret_has,
		 struct vf_stats *ret_stats, struct op_error *e)
{
	_cleanup_(vf_rtnl_close) struct vf_rtnl rt = {.sk = NULL};
	struct vf_answer a = {.n_vfs = 0};
	int r;

	r = vf_rtnl_open(&rt, ifindex, vf);
	if (r >= 0)
		r = vf_rtnl_get(&rt, ret_stats, &a);
	if (r < 0)
		return vf_rtnl_get_fail(&rt, &a, r, e);
	*ret = a.attrs;
	if (ret_has)
		*ret_has = a.has;
	if (ret_stats)
		*ret_stats = a.stats;
	return 0;
}

int vf_rtnl_read_all(int ifindex, bool stats, unsigned int n, struct vf_told *ret,
		     struct op_error *e)
{
	_cleanup_(vf_rtnl_close) struct vf_rtnl rt = {.sk = NULL};
	int r;

	r = vf_rtnl_open(&rt, ifindex, 0);
	if (r >= 0)
		r = vf_rtnl_get_all(&rt, stats, n, ret);
	if (r == -ENODEV)
		return op_fail(e, HTTP_MISSING, r, "the PF's network device %d is gone", ifindex);
	if (r < 0)
		return op_fail(e, http_of(r), r, "reading the attributes of VFs: %s%s%s", reason(r),
			       rt.words[0] ? ": " : "", rt.words);
	return 0;
}

/* One vf_rtnl_write(). */
struct write {
	struct vf_rtnl rt;
	const char *name;
	struct vf_attrs want;
	unsigned int which;
	struct vf_answer before;
	bool known; /* before is filled */
	struct op_error *e;
};

static void write_done(struct write *w)
{
	vf_rtnl_close(&w->rt);
}

/* Attributes of @which whose value is the one that stands for "none". */
static unsigned int are_none(const struct vf_attrs *want, unsigned int which)
{
	static const struct vf_attrs none = {.vlan_proto = ETH_P_8021Q, .link_state = VF_LINK_AUTO};

	return which & ~vf_attrs_differ(want, &none, which);
}

static int check_range(const struct write *w)
{
	const struct vf_attrs *a = &w->want;

	if (w->which & VF_ATTR_VLAN && a->vlan > VLAN_MAX)
		return op_fail(w->e, HTTP_BAD_INPUT, -EINVAL, "vf %s: vlan %u is not in 0..%d",
			       w->name, a->vlan, VLAN_MAX);
	if (w->which & VF_ATTR_VLAN_QOS && a->vlan_qos > VLAN_QOS_MAX)
		return op_fail(w->e, HTTP_BAD_INPUT, -EINVAL, "vf %s: vlan_qos %u is not in 0..%d",
			       w->name, a->vlan_qos, VLAN_QOS_MAX);
	if (w->which & VF_ATTR_VLAN_PROTO && a->vlan_proto != ETH_P_8021Q &&
	    a->vlan_proto != ETH_P_8021AD)
		return op_fail(w->e, HTTP_BAD_INPUT, -EINVAL,
			       "vf %s: vlan_proto 0x%04x is neither 802.1q nor 802.1ad", w->name,
			       a->vlan_proto);
	if (w->which & VF_ATTR_MAC && a->mac.b[0] & 1)
		return op_fail(w->e, HTTP_BAD_INPUT, -EINVAL, "vf %s: mac is a multicast address",
			       w->name);
	if ((w->which & VF_ATTR_RATES) == VF_ATTR_RATES && a->max_tx_rate &&
	    a->min_tx_rate > a->max_tx_rate)
		return op_fail(w->e, HTTP_BAD_INPUT, -EINVAL,
			       "vf %s: min_tx_rate %u is more than max_tx_rate %u", w->name,
			       a->min_tx_rate, a->max_tx_rate);
	return 0;
}

static int look_before(struct write *w)
{
	int r;

	if (w->known)
		return 0;
	r = vf_rtnl_get(&w->rt, false, &w->before);
	if (r < 0)
		return vf_rtnl_get_fail(&w->rt, &w->before, r, w->e);
	w->known = true;
	return 0;
}

/* What goes together in one attribute of the kernel's keeps the values that nobody asked to change.
 */
static int complete(struct write *w)
{
	unsigned int vlans = w->which & VF_ATTR_VLANS, rates = w->which & VF_ATTR_RATES;
	const struct vf_attrs *b = &w->before.attrs;
	int r;

	if ((vlans == 0 || vlans == VF_ATTR_VLANS) && (rates == 0 || rates == VF_ATTR_RATES))
		return 0;
	r = look_before(w);
	if (r < 0)
		return r;
	if (vlans && !(vlans & VF_ATTR_VLAN))
		w->want.vlan = b->vlan;
	if (vlans && !(vlans & VF_ATTR_VLAN_QOS))
		w->want.vlan_qos = b->vlan_qos;
	if (vlans && !(vlans & VF_ATTR_VLAN_PROTO))
		w->want.vlan_proto = b->vlan_proto;
	if (rates && !(rates & VF_ATTR_MIN_TX_RATE))
		w->want.min_tx_rate = b->min_tx_rate;
	if (rates && !(rates & VF_ATTR_MAX_TX_RATE))
		w->want.max_tx_rate = b->max_tx_rate;
	return 0;
}

/* Which of the attributes that travel together a refusal is about. */
static const char *blame(const struct write *w, unsigned int step, int error)
{
	if (step & VF_ATTR_VLANS && error == -EPROTONOSUPPORT)
		return vf_attr_name(VF_ATTR_VLAN_PROTO);
	if (step & VF_ATTR_VLANS)
		return vf_attr_name(VF_ATTR_VLAN);
	if (step & VF_ATTR_RATES)
		return vf_attr_name(w->want.min_tx_rate ? VF_ATTR_MIN_TX_RATE
							: VF_ATTR_MAX_TX_RATE);
	return vf_attr_name((enum vf_attr)step);
}

/* Would it be of use to look which attribute it was? Not when the VF, or the answer, is not there.
 */
static bool is_refusal(int error)
{
	return error != -ENODEV && error != -ETIMEDOUT && error != -ENOMEM && error != -EBADMSG &&
	       error != -EMSGSIZE;
}

/* In the order that drivers need. Returns how many. */
static unsigned int make_steps(const struct write *w, unsigned int steps[static STEPS_MAX])
{
	bool spoofchk_last = w->want.spoofchk;
	const unsigned int order[STEPS_MAX] = {
		spoofchk_last ? 0 : VF_ATTR_SPOOFCHK,
		VF_ATTR_MAC,
		VF_ATTR_VLANS,
		VF_ATTR_RATES,
		VF_ATTR_LINK_STATE | VF_ATTR_TRUST,
		spoofchk_last ? VF_ATTR_SPOOFCHK : 0,
	};
	unsigned int n = 0;

	for (unsigned int i = 0; i < STEPS_MAX; i++)
		if (w->which & order[i])
			steps[n++] = w->which & order[i];
	return n;
}

static int refused(struct write *w, unsigned int step, int error)
{
	bool rate = step & VF_ATTR_RATES && error == -EINVAL && !w->before.link;

	return op_fail(w->e, http_of(error), error, "vf %s: %s: %s%s%s%s", w->name,
		       blame(w, step, error), reason(error), w->rt.words[0] ? ": " : "",
		       w->rt.words, rate ? " (the PF has no link)" : "");
}

static int send_step(struct write *w, unsigned int step)
{
	int r = vf_rtnl_set(&w->rt, &w->want, step);

	if (r >= 0)
		return 0;
	/* the kernel stops at the first that it refuses */
	if (step == (VF_ATTR_LINK_STATE | VF_ATTR_TRUST) && is_refusal(r)) {
		r = send_step(w, VF_ATTR_LINK_STATE);
		return r < 0 ? r : send_step(w, VF_ATTR_TRUST);
	}
	if (is_refusal(r) && !vf_attrs_differ(&w->want, &w->before.attrs, step))
		return 0;
	return refused(w, step, r);
}

static int send_one_by_one(struct write *w)
{
	unsigned int steps[STEPS_MAX], n;
	int r;

	r = look_before(w);
	if (r < 0)
		return r;
	n = make_steps(w, steps);
	for (unsigned int i = 0; r >= 0 && i < n; i++)
		r = send_step(w, steps[i]);
	return r;
}

/*
 * One message, in which the kernel goes from MAC to spoof checking; taking away a MAC wants it the
 * other way round.
 */
static int send_all(struct write *w)
{
	unsigned int which = w->which;
	int r = 0;

	if (which & VF_ATTR_SPOOFCHK && !w->want.spoofchk && which & VF_ATTR_MAC &&
	    !mac_assignable(&w->want.mac)) {
		r = vf_rtnl_set(&w->rt, &w->want, VF_ATTR_SPOOFCHK);
		which &= ~(unsigned int)VF_ATTR_SPOOFCHK;
	}
	if (r >= 0 && which)
		r = vf_rtnl_set(&w->rt, &w->want, which);
	if (r >= 0)
		return 0;
	if (is_refusal(r))
		return send_one_by_one(w);
	if (r == -ENODEV)
		return op_fail(w->e, HTTP_MISSING, r, "vf %s: the PF's network device %d is gone",
			       w->name, w->rt.ifindex);
	return op_fail(w->e, http_of(r), r, "vf %s: setting its attributes: %s", w->name,
		       reason(r));
}

static const char *value_text(const struct vf_attrs *a, enum vf_attr bit, char buf[static MAC_TEXT])
{
	static const char *const links[] = {"auto", "enable", "disable"};

	switch (bit) {
	case VF_ATTR_MAC:
		return mac_format(&a->mac, buf);
	case VF_ATTR_VLAN_PROTO:
		return a->vlan_proto == ETH_P_8021AD ? "802.1ad" : "802.1q";
	case VF_ATTR_SPOOFCHK:
		return a->spoofchk ? "on" : "off";
	case VF_ATTR_TRUST:
		return a->trust ? "on" : "off";
	case VF_ATTR_LINK_STATE:
		return links[a->link_state];
	default:
		snprintf(buf, MAC_TEXT, "%u",
			 bit == VF_ATTR_VLAN	      ? a->vlan
			 : bit == VF_ATTR_VLAN_QOS    ? a->vlan_qos
			 : bit == VF_ATTR_MIN_TX_RATE ? a->min_tx_rate
						      : a->max_tx_rate);
		return buf;
	}
}

static int compare(struct write *w)
{
	uint64_t deadline = clock_us() + clock_patient_us(LATE_US);
	char want[MAC_TEXT], now[MAC_TEXT];
	struct vf_answer a = {.n_vfs = 0};
	char list[VF_ATTR_NAMES_SIZE];
	unsigned int differ;
	enum vf_attr bit;
	int r;

	for (;;) {
		r = vf_rtnl_get(&w->rt, false, &a);
		if (r < 0)
			return vf_rtnl_get_fail(&w->rt, &a, r, w->e);
		differ = vf_attrs_differ(&w->want, &a.attrs, w->which & a.has);
		if (differ != VF_ATTR_MAC || clock_us() >= deadline)
			break;
		clock_sleep_us(LATE_STEP);
	}
	if (w->which & ~a.has)
		log_debug("vf %s: set, but the driver does not tell of it: %s", w->name,
			  vf_attr_names(w->which & ~a.has, list));
	if (!differ)
		return 0;
	bit = (enum vf_attr)(differ & -differ);
	return op_fail(w->e, HTTP_INTERNAL, -EIO, "vf %s: %s reads back as %s, not as %s", w->name,
		       vf_attr_name(bit), value_text(&a.attrs, bit, now),
		       value_text(&w->want, bit, want));
}

int vf_rtnl_write(int ifindex, unsigned int vf, const char *name, const struct vf_attrs *want,
		  unsigned int which, unsigned int caps, struct op_error *e)
{
	_cleanup_(write_done) struct write w = {
		.name = name, .want = *want, .which = which & VF_ATTR_SETTABLE, .e = e};
	unsigned int lacking = w.which & ~caps;
	char list[VF_ATTR_NAMES_SIZE];
	int r;

	r = check_range(&w);
	if (r < 0)
		return r;
	w.which &= ~(lacking & are_none(want, lacking));
	lacking &= w.which;
	if (lacking)
		return op_fail(e, HTTP_CONFLICT, -EOPNOTSUPP,
			       "vf %s: the PF's driver cannot set %s", name,
			       vf_attr_names(lacking, list));
	if (!w.which)
		return 0;
	r = vf_rtnl_open(&w.rt, ifindex, vf);
	if (r < 0)
		return op_fail(e, HTTP_INTERNAL, r, "rtnetlink: %s", reason(r));
	r = complete(&w);
	if (r >= 0)
		r = send_all(&w);
	return r < 0 ? r : compare(&w);
}
