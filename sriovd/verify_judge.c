/* SPDX-License-Identifier: BSD-3-Clause */
#include <inttypes.h>
#include <sriovd/attrs.h>
#include <sriovd/verify.h>
#include <string.h>

#define FEW_PACKETS 1000u /* fewer cannot show one trap in a thousand packets */
#define FEW_TRAPS   10u

enum verdict {
	GOOD,
	BAD,
	UNKNOWN,
};

/* What a VF is promised for: that it cannot be told is not good enough. */
static const char *const promises[] = {"binding", "isolation", "interrupt-remapping", "identity"};

struct judge {
	json_t *checks;
	bool vf;
	bool ok;
};

static bool promised(const struct judge *j, const char *name)
{
	for (size_t i = 0; j->vf && i < sizeof(promises) / sizeof(promises[0]); i++)
		if (strcmp(promises[i], name) == 0)
			return true;
	return false;
}

static void say(struct judge *j, const char *name, enum verdict v, const char *fmt, ...)
	_printf_(4, 5);

static void say(struct judge *j, const char *name, enum verdict v, const char *fmt, ...)
{
	static const char *const states[] = {"good", "bad", "unknown"};
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	/* json_pack() takes no text that is not UTF-8; a check must not vanish for that */
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			*p = '?';
	if (v == BAD || (v == UNKNOWN && promised(j, name)))
		j->ok = false;
	json_array_append_new(j->checks, json_pack("{s:s, s:s, s:s}", "name", name, "state",
						   states[v], "text", text));
}

/* ---- how the VF is handed over ---- */

static void judge_binding(struct judge *j, const struct verify_facts *f)
{
	if (f->how == VERIFY_SOFT)
		say(j, "binding", GOOD, "served by %s over vfio-user%s", f->back_end,
		    f->trapped ? ", every access through the VMM" : "");
	else if (!f->address[0])
		say(j, "binding", BAD, "its PCI function is not there");
	else if (strcmp(f->driver, PCISYS_VFIO_DRIVER) != 0)
		say(j, "binding", BAD, "%s is bound to %s, not to vfio-pci", f->address,
		    f->driver[0] ? f->driver : "no driver");
	else
		say(j, "binding", GOOD, "%s is bound to vfio-pci", f->address);
}

static void judge_isolation(struct judge *j, const struct verify_facts *f)
{
	if (f->how == VERIFY_SOFT)
		say(j, "isolation", GOOD,
		    "no IOMMU is concerned: %s reaches only memory which the VM shares with it",
		    f->back_end);
	else if (f->group < 0)
		say(j, "isolation", BAD, "it is in no IOMMU group");
	else if (f->others[0])
		say(j, "isolation", BAD, "IOMMU group %d is shared with %s", f->group, f->others);
	else
		say(j, "isolation", GOOD, "alone in IOMMU group %d", f->group);
}

static void judge_remapping(struct judge *j, const struct verify_facts *f)
{
	const char *name = "interrupt-remapping";

	if (f->how == VERIFY_SOFT)
		say(j, name, GOOD,
		    "not concerned: %s signals eventfds, no device writes interrupts", f->back_end);
	else if (f->unsafe)
		say(j, name, BAD, "allow_unsafe_interrupts is on: the guest can forge interrupts");
	else if (f->remapping > 0)
		say(j, name, GOOD, "on");
	else if (f->remapping == 0)
		say(j, name, BAD, "off: the guest can forge interrupts");
	else
		say(j, name, UNKNOWN, "/proc/interrupts does not tell");
}

static void judge_msix(struct judge *j, const struct verify_facts *f)
{
	if (!f->device_known)
		say(j, "msix", UNKNOWN, "the VMM does not say");
	else if (!f->msix_known || !f->vectors)
		say(j, "msix", UNKNOWN, "the device has no MSI-X that the VMM knows of");
	else if (!f->msix_enabled)
		say(j, "msix", UNKNOWN, "the guest's driver has not enabled it: it polls");
	else if (!f->unmasked)
		say(j, "msix", UNKNOWN, "enabled, and the guest has unmasked none of %u vectors",
		    f->vectors);
	else if (f->direct < f->unmasked)
		say(j, "msix", f->trapped || f->how == VERIFY_VIRTIO ? UNKNOWN : BAD,
		    "of %u vectors that the guest has unmasked (it has %u) only %u go from the "
		    "device into it",
		    f->unmasked, f->vectors, f->direct);
	else
		say(j, "msix", GOOD,
		    "all %u vectors that the guest has unmasked (it has %u) go from the device "
		    "into it: %u",
		    f->unmasked, f->vectors, f->direct);
}

/* ---- identity ---- */

/* Texts of one attribute's value, wanted or present. */
static void value_text(const struct vf_attrs *a, unsigned int bit, char ret[32])
{
	char mac[MAC_TEXT];

	switch (bit) {
	case VF_ATTR_MAC:
		text_set(ret, 32, "%s", mac_format(&a->mac, mac));
		break;
	case VF_ATTR_VLAN:
		text_set(ret, 32, "%u", a->vlan);
		break;
	case VF_ATTR_VLAN_QOS:
		text_set(ret, 32, "%u", a->vlan_qos);
		break;
	case VF_ATTR_VLAN_PROTO:
		text_set(ret, 32, "%s", attrs_proto_name(a->vlan_proto));
		break;
	case VF_ATTR_SPOOFCHK:
		text_set(ret, 32, "%s", a->spoofchk ? "on" : "off");
		break;
	case VF_ATTR_TRUST:
		text_set(ret, 32, "%s", a->trust ? "on" : "off");
		break;
	case VF_ATTR_MIN_TX_RATE:
		text_set(ret, 32, "%u", a->min_tx_rate);
		break;
	case VF_ATTR_MAX_TX_RATE:
		text_set(ret, 32, "%u", a->max_tx_rate);
		break;
	default:
		text_set(ret, 32, "%s", attrs_link_name(a->link_state));
		break;
	}
}

static void judge_identity(struct judge *j, const struct verify_facts *f)
{
	unsigned int known = f->has & ATTRS_SETTABLE;
	unsigned int wrong = attrs_differ(&f->want, &f->now, known);
	unsigned int untold = attrs_wanted(&f->want) & ~known;
	char differ[256] = "", same[160] = "", want[32], now[32], names[VF_ATTR_NAMES_SIZE];

	if (!known) {
		say(j, "identity", UNKNOWN, "the NIC does not say: %s", f->vf_reason);
		return;
	}
	for (unsigned int bit = 1; bit <= known; bit <<= 1) {
		size_t n = strlen(differ), m = strlen(same);

		if (wrong & bit) {
			value_text(&f->want, bit, want);
			value_text(&f->now, bit, now);
			text_set(differ + n, sizeof(differ) - n, "%s%s is %s, not %s",
				 n ? "; " : "", vf_attr_name(bit), now, want);
		} else if (known & bit) {
			text_set(same + m, sizeof(same) - m, "%s%s", m ? ", " : "",
				 vf_attr_name(bit));
		}
	}
	if (wrong)
		say(j, "identity", BAD, "on the NIC %s", differ);
	else if (untold)
		say(j, "identity", UNKNOWN, "the NIC does not say what %s is; as promised: %s",
		    vf_attr_names(untold, names), same);
	else
		say(j, "identity", GOOD, "the NIC has what the net was promised: %s", same);
}

static void judge_spoof(struct judge *j, const struct verify_facts *f)
{
	if (!(f->has & VF_ATTR_SPOOFCHK))
		say(j, "anti-spoof", UNKNOWN, "the NIC does not say");
	else if (f->now.spoofchk)
		say(j, "anti-spoof", GOOD, "on");
	else if (!f->want.spoofchk)
		say(j, "anti-spoof", GOOD, "off, as the net was created");
	else
		say(j, "anti-spoof", BAD, "off: the guest may send from any address");
}

/* ---- the port of a bridge ---- */

static void judge_port(struct judge *j, const struct verify_facts *f)
{
	char mac[MAC_TEXT];

	if (!f->port_known)
		say(j, "binding", UNKNOWN, "%s does not say", f->back_end);
	else if (!f->port_connected)
		say(j, "binding", BAD, "%s has no connection to the VMM", f->back_end);
	else
		say(j, "binding", GOOD, "a port of %s, over vhost-user", f->back_end);

	mac_format(&f->want.mac, mac);
	if (!f->port_known)
		say(j, "identity", UNKNOWN, "%s does not say", f->back_end);
	else if (!f->fdb_port[0])
		say(j, "identity", UNKNOWN, "%s has seen no frame from %s yet", f->back_end, mac);
	else if (strcmp(f->fdb_port, f->net) != 0)
		say(j, "identity", BAD, "%s saw %s last at port %s", f->back_end, mac, f->fdb_port);
	else
		say(j, "identity", GOOD, "%s sees %s at this port", f->back_end, mac);
}

static void judge_tap(struct judge *j, const struct verify_facts *f)
{
	if (f->port_connected)
		say(j, "binding", GOOD, "%s, in bridge %s of the host", f->back_end, f->fdb_port);
	else
		say(j, "binding", BAD, "%s is not in bridge %s of the host", f->back_end,
		    f->fdb_port);
	say(j, "identity", UNKNOWN, "a bridge of the host takes frames from any address");
}

/* ---- guest and traffic ---- */

static void judge_guest(struct judge *j, const struct verify_facts *f)
{
	char mac[MAC_TEXT];

	mac_format(&f->want.mac, mac);
	if (!f->guest_known)
		say(j, "guest", UNKNOWN, "the VMM does not say");
	else if (!f->guest_state[0])
		say(j, "guest", BAD, "the guest shows no such interface");
	else if (strcmp(f->guest_state, "up") != 0)
		say(j, "guest", BAD, "the guest's interface is %s", f->guest_state);
	else if (strcmp(f->guest_mac, mac) != 0)
		say(j, "guest", BAD, "the guest's interface has %s, not %s", f->guest_mac, mac);
	else
		say(j, "guest", GOOD, "its interface is up with %s", mac);
}

static void judge_traps(struct judge *j, const struct verify_facts *f)
{
	double per_packet;

	if (!f->traffic_known) {
		say(j, "traps", UNKNOWN, "the counters cannot be read");
		return;
	}
	if (!f->packets) {
		say(j, "traps", UNKNOWN,
		    "no packets moved in %.1f s (%" PRIu64 " traps); run traffic meanwhile",
		    (double)f->window_ms / 1000, f->traps);
		return;
	}
	per_packet = (double)f->traps / (double)f->packets;
	if (per_packet > 1e-3 && f->packets < FEW_PACKETS && f->traps < FEW_TRAPS)
		say(j, "traps", UNKNOWN,
		    "%" PRIu64 " traps, but only %" PRIu64 " packets in %.1f s", f->traps,
		    f->packets, (double)f->window_ms / 1000);
	else
		say(j, "traps", per_packet > 1e-3 ? BAD : GOOD,
		    "%.6f a packet: %" PRIu64 " in %" PRIu64 " packets%s, %.1f s%s", per_packet,
		    f->traps, f->packets, f->by_guest ? " as the guest counts them" : "",
		    (double)f->window_ms / 1000,
		    f->trapped ? "; path emulated traps by its nature" : "");
}

json_t *verify_judge(const struct verify_facts *f, bool *ret_ok)
{
	struct judge j = {.checks = json_array(),
			  .vf = f->how == VERIFY_SOFT || f->how == VERIFY_HOST,
			  .ok = true};

	if (f->how == VERIFY_VIRTIO) {
		judge_port(&j, f);
	} else if (f->how == VERIFY_TAP) {
		judge_tap(&j, f);
	} else {
		judge_binding(&j, f);
		judge_isolation(&j, f);
		judge_remapping(&j, f);
		judge_identity(&j, f);
		judge_spoof(&j, f);
	}
	judge_msix(&j, f);
	judge_guest(&j, f);
	judge_traps(&j, f);
	*ret_ok = j.ok;
	return j.checks;
}
