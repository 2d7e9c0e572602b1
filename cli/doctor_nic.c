/* SPDX-License-Identifier: BSD-3-Clause */
/* Each NIC with SR-IOV: driver, limits, BARs, isolation, owner. */
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "doctor_parse.h"

#define DEVICES	  "sys/bus/pci/devices"
#define HOPS_MAX  16u
#define NAMED_MAX 4u
#define LIST_MAX  256u
#define MEND_MAX  192u

/* One PF as it was read. */
struct facts {
	const char *bdf;
	char driver[PCISYS_DRIVER_MAX];
	char override[PCISYS_DRIVER_MAX];
	char netdev[64], link[160];
	char numa[16];
	unsigned int vendor;
	unsigned int num_vfs, total_vfs;
	int sriov_error; /* of decoding its capability; 0 */
	struct doc_sriov sriov;
	int bars; /* as doc_vf_bars() */
};

static int attr(const struct doctor *d, const char *bdf, const char *name, char *ret, size_t size)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", bdf, name);
	return doc_line(d, path, ret, size);
}

static int config(const struct doctor *d, const char *bdf, uint8_t cfg[DOC_CFG_BYTES])
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/config", bdf);
	return doc_bytes(d, path, cfg, DOC_CFG_BYTES);
}

static bool first_name(struct doctor *d, const char *name, void *arg)
{
	snprintf(arg, sizeof(((struct facts *)NULL)->netdev), "%s", name);
	return true;
}

static void read_link(struct doctor *d, struct facts *f)
{
	char path[128], state[32], speed[32];

	snprintf(path, sizeof(path), DEVICES "/%s/net", f->bdf);
	doc_each(d, path, first_name, f->netdev);
	if (!f->netdev[0])
		return;
	snprintf(path, sizeof(path), "net/%s/operstate", f->netdev);
	if (attr(d, f->bdf, path, state, sizeof(state)) < 0)
		strcpy(state, "unknown");
	snprintf(path, sizeof(path), "net/%s/speed", f->netdev);
	if (attr(d, f->bdf, path, speed, sizeof(speed)) < 0 || speed[0] == '-')
		speed[0] = '\0';
	snprintf(f->link, sizeof(f->link), ", %s, link %s%s%s%s", f->netdev, state,
		 speed[0] ? " at " : "", speed, speed[0] ? " Mbit/s" : "");
}

static void read_nic(struct doctor *d, const char *bdf, struct facts *ret)
{
	_cleanup_(freep) char *resource = NULL;
	uint8_t cfg[DOC_CFG_BYTES];
	char path[PATH_MAX];
	uint64_t v;
	int n;

	*ret = (struct facts){.bdf = bdf};
	if (pcisys_driver(d->sysfs, bdf, ret->driver) < 0)
		ret->driver[0] = '\0';
	if (attr(d, bdf, "driver_override", ret->override, sizeof(ret->override)) < 0 ||
	    !strcmp(ret->override, "(null)"))
		ret->override[0] = '\0';
	if (attr(d, bdf, "numa_node", ret->numa, sizeof(ret->numa)) < 0 || ret->numa[0] == '-')
		strcpy(ret->numa, "unknown");
	if (pcisys_number(d->sysfs, bdf, "vendor", &v) >= 0)
		ret->vendor = (unsigned int)v;
	if (pcisys_numvfs(d->sysfs, bdf, &ret->num_vfs) < 0)
		ret->num_vfs = 0;
	if (pcisys_totalvfs(d->sysfs, bdf, &ret->total_vfs) < 0)
		ret->total_vfs = 0;
	read_link(d, ret);
	n = config(d, bdf, cfg);
	ret->sriov_error = n < 0 ? n : doc_sriov(cfg, (size_t)n, &ret->sriov);
	snprintf(path, sizeof(path), DEVICES "/%s/resource", bdf);
	resource = doc_text(d, path);
	ret->bars = resource ? doc_vf_bars(resource) : -errno;
}

/* ---- driver and limits ---- */

static void judge_driver(struct doctor *d, const struct facts *f)
{
	char mend[MEND_MAX];

	if (!f->driver[0]) {
		snprintf(mend, sizeof(mend), "echo %s > /sys/bus/pci/drivers_probe", f->bdf);
		doc_bad(d, "driver", mend, "no driver is bound to it");
	} else if (strcmp(f->driver, PCISYS_VFIO_DRIVER)) {
		doc_good(d, "driver", "%s%s, NUMA node %s", f->driver,
			 f->link[0] ? f->link : ", no network device", f->numa);
	} else if (pcisys_flag(d->sysfs, "module/vfio_pci/parameters/enable_sriov")) {
		doc_good(d, "driver", "vfio-pci, for our own PF driver; NUMA node %s", f->numa);
	} else {
		doc_bad(d, "driver", "echo Y > /sys/module/vfio_pci/parameters/enable_sriov",
			"vfio-pci, whose parameter enable_sriov is off: its VFs cannot be enabled");
	}
}

static void judge_override(struct doctor *d, const char *name, const char *bdf,
			   const char *override)
{
	char mend[MEND_MAX];

	snprintf(mend, sizeof(mend), "echo > /sys/bus/pci/devices/%s/driver_override", bdf);
	doc_bad(d, name, mend, "%s: driver_override says %s, which is none of ours", bdf, override);
}

static void no_vfs_possible(struct doctor *d, const struct facts *f)
{
	char mend[MEND_MAX];

	if (f->vendor == 0x15b3)
		snprintf(mend, sizeof(mend), "mlxconfig -d %s set SRIOV_EN=1 NUM_OF_VFS=8", f->bdf);
	else
		snprintf(mend, sizeof(mend),
			 "switch SR-IOV on in the NIC's or the machine's firmware setup");
	if (f->sriov_error >= 0 && f->sriov.total_vfs)
		doc_bad(d, "vfs", mend,
			"the hardware has %u VFs, driver %s or the NIC's firmware allows none",
			f->sriov.total_vfs, f->driver[0] ? f->driver : "(none)");
	else
		doc_bad(d, "vfs", mend, "the NIC's firmware allows no VFs");
}

static void judge_limits(struct doctor *d, const struct facts *f)
{
	char more[128] = "";

	if (!f->total_vfs) {
		no_vfs_possible(d, f);
		return;
	}
	if (f->sriov_error == -ENODATA)
		snprintf(more, sizeof(more), " (the hardware's own limit: only root may read it)");
	else if (f->sriov_error < 0)
		snprintf(more, sizeof(more), " (the hardware's own limit cannot be read)");
	else if (f->sriov.total_vfs > f->total_vfs)
		snprintf(more, sizeof(more), " (the hardware has %u, driver %.32s allows %u)",
			 f->sriov.total_vfs, f->driver, f->total_vfs);
	doc_good(d, "vfs", "%u VFs possible%s, %u enabled", f->total_vfs, more, f->num_vfs);
}

static void judge_bars(struct doctor *d, const struct facts *f)
{
	if (f->bars > 0)
		doc_good(d, "vf-bars", "they have addresses");
	else if (f->bars == 0)
		doc_bad(d, "vf-bars",
			"put pci=realloc on the kernel's command line and reboot, or switch SR-IOV "
			"and "
			"64-bit BARs (above 4G decoding) on in the firmware's setup",
			"the firmware gave the VFs' BARs no addresses: VFs cannot be enabled");
	else
		doc_unknown(d, "vf-bars", "its file \"resource\" does not tell");
}

/* ---- isolation ---- */

/* Bridges between the root and @bdf, the nearest first. Their path is in the device's own. */
static int bridges_above(const struct doctor *d, const char *bdf, struct pcisys_bdf *ret)
{
	char path[64], target[PATH_MAX];
	struct pcisys_bdf chain[HOPS_MAX];
	unsigned int n = 0;
	char *save = NULL;
	ssize_t len;

	snprintf(path, sizeof(path), "bus/pci/devices/%s", bdf);
	len = readlinkat(d->sysfs, path, target, sizeof(target) - 1);
	if (len < 0)
		return -errno;
	target[len] = '\0';
	for (char *p = strtok_r(target, "/", &save); p; p = strtok_r(NULL, "/", &save)) {
		if (!pcisys_bdf_ok(p) || !strcmp(p, bdf))
			continue;
		if (n == HOPS_MAX)
			return -E2BIG;
		strcpy(chain[n++].text, p);
	}
	for (unsigned int i = 0; i < n; i++)
		ret[i] = chain[n - 1 - i];
	return (int)n;
}

/* Names in @ret the bridges that keep no peers apart; how many, or -errno: nobody may look. */
static int without_acs(const struct doctor *d, const char *bdf, char ret[LIST_MAX])
{
	struct pcisys_bdf bridge[HOPS_MAX];
	int n, bad = 0, cannot = 0;

	ret[0] = '\0';
	n = bridges_above(d, bdf, bridge);
	for (int i = 0; i < n; i++) {
		enum doc_port port = DOC_PORT_NONE;
		uint8_t cfg[DOC_CFG_BYTES];
		struct doc_acs acs;
		size_t have = strlen(ret);
		int len = config(d, bridge[i].text, cfg), r;

		r = len < 0 ? len : doc_port(cfg, (size_t)len, &port);
		if (r >= 0)
			r = doc_acs(cfg, (size_t)len, &acs);
		if (r < 0) {
			cannot = r;
			continue;
		}
		/* an upstream port forwards, it does not turn packets around */
		if (port == DOC_PORT_UP || (acs.there && acs.enabled))
			continue;
		snprintf(ret + have, LIST_MAX - have, "%sbridge %s %s", bad ? ", " : "",
			 bridge[i].text, acs.there ? "has ACS switched off" : "has no ACS");
		bad++;
	}
	return n < 0 ? n : bad ? bad : cannot;
}

/* Names in @ret who else is in the group of @bdf; how many. */
static int companions(const struct doctor *d, const char *bdf, unsigned int group,
		      char ret[LIST_MAX])
{
	struct pcisys_member member[PCISYS_MEMBERS_MAX];
	int n = pcisys_group_members(d->sysfs, group, member), others = 0;

	ret[0] = '\0';
	if (n == -E2BIG) {
		snprintf(ret, LIST_MAX, "more than %u functions", PCISYS_MEMBERS_MAX);
		return (int)PCISYS_MEMBERS_MAX;
	}
	for (int i = 0; i < n; i++) {
		size_t have = strlen(ret);

		if (!strcmp(member[i].bdf.text, bdf))
			continue;
		if ((unsigned int)others++ < NAMED_MAX)
			snprintf(ret + have, LIST_MAX - have, "%s%s (%.32s)", have ? ", " : "",
				 member[i].bdf.text,
				 member[i].driver[0] ? member[i].driver : "no driver");
	}
	if ((unsigned int)others > NAMED_MAX) {
		size_t have = strlen(ret);

		snprintf(ret + have, LIST_MAX - have, " and %u more",
			 (unsigned int)others - NAMED_MAX);
	}
	return n < 0 ? n : others;
}

static void shared(struct doctor *d, const struct facts *f, const char *who, const char *bdf,
		   unsigned int group, const char *others)
{
	static const char mend[] =
		"put the NIC into a slot whose port has ACS, or switch ACS on in the "
		"firmware's setup";
	char bridges[LIST_MAX];
	int r = without_acs(d, f->bdf, bridges);

	doc_bad(d, "isolation", mend, "%s%s shares IOMMU group %u with %s: %s%s", who, bdf, group,
		others,
		r > 0	? bridges
		: r < 0 ? "which bridge lacks ACS only root may read"
			: "the functions of the card are not kept apart",
		who[0] ? "" : "; its VFs will be in that group too");
}

/* VFs tell for themselves; without any, the PF's own group foretells theirs. */
static void judge_isolation(struct doctor *d, const struct facts *f)
{
	char others[LIST_MAX], bridges[LIST_MAX];
	unsigned int group, seen = 0;
	struct pcisys_bdf vf;
	int n;

	for (unsigned int i = 0; i < f->num_vfs; i++) {
		if (pcisys_virtfn(d->sysfs, f->bdf, i, &vf) < 0 ||
		    pcisys_group(d->sysfs, vf.text, &group) < 0)
			continue;
		seen++;
		if (companions(d, vf.text, group, others) > 0) {
			shared(d, f, "VF ", vf.text, group, others);
			return;
		}
	}
	if (seen) {
		doc_good(d, "isolation", "each of its %u VFs is alone in its IOMMU group", seen);
		return;
	}
	if (pcisys_group(d->sysfs, f->bdf, &group) < 0) {
		doc_unknown(d, "isolation", "it is in no IOMMU group");
		return;
	}
	if (companions(d, f->bdf, group, others) > 0) {
		shared(d, f, "", f->bdf, group, others);
		return;
	}
	n = without_acs(d, f->bdf, bridges);
	doc_good(d, "isolation", "alone in IOMMU group %u, so its VFs will be%s%s", group,
		 n > 0 ? "; of the way up, " : "", n > 0 ? bridges : "");
}

/* ---- whose VFs ---- */

/* What sriovd says of the PF; NULL: nothing. */
static const json_t *known(const struct doctor *d, const char *bdf)
{
	const json_t *pf;
	size_t i;

	json_array_foreach (json_object_get(d->pfs, "pfs"), i, pf) {
		const char *address = json_string_value(json_object_get(pf, "address"));

		if (address && !strcmp(address, bdf))
			return pf;
	}
	return NULL;
}

static void judge_owner(struct doctor *d, const struct facts *f)
{
	const json_t *pf = known(d, f->bdf);
	const char *state = json_string_value(json_object_get(pf, "state"));
	const char *name = json_string_value(json_object_get(pf, "name"));
	char mend[MEND_MAX];

	snprintf(mend, sizeof(mend), "echo 0 > /sys/bus/pci/devices/%s/sriov_numvfs", f->bdf);
	if (state && name && strcmp(state, "unmanaged"))
		doc_good(d, "owner", "it is sriovd's pf %s (%s)", name, state);
	else if (!f->num_vfs)
		doc_good(d, "owner", "nobody's: sriovctl pf add %s gives it to sriovd", f->bdf);
	else if (!d->pfs)
		doc_unknown(d, "owner", "it has %u VFs; whose, only sriovd could tell", f->num_vfs);
	else
		doc_bad(d, "owner", mend,
			"it has %u VFs that somebody else made: sriovd takes no such PF",
			f->num_vfs);
}

static void judge_overrides(struct doctor *d, const struct facts *f)
{
	char override[PCISYS_DRIVER_MAX];
	struct pcisys_bdf vf;

	if (f->override[0] && strcmp(f->override, PCISYS_VFIO_DRIVER) &&
	    strcmp(f->override, f->driver))
		judge_override(d, "override", f->bdf, f->override);
	for (unsigned int i = 0; i < f->num_vfs; i++) {
		if (pcisys_virtfn(d->sysfs, f->bdf, i, &vf) < 0 ||
		    attr(d, vf.text, "driver_override", override, sizeof(override)) < 0 ||
		    !override[0] || !strcmp(override, "(null)") ||
		    !strcmp(override, PCISYS_VFIO_DRIVER))
			continue;
		judge_override(d, "vf-override", vf.text, override);
		return;
	}
}

void doc_nics(struct doctor *d)
{
	struct facts f;
	char area[32];

	if (!d->n_nics) {
		d->area = "nics";
		doc_good(d, "sr-iov", "no SR-IOV NIC: software NICs only");
		return;
	}
	for (unsigned int i = 0; i < d->n_nics; i++) {
		read_nic(d, d->nic[i].text, &f);
		snprintf(area, sizeof(area), "nic %s", f.bdf);
		d->area = area;
		judge_driver(d, &f);
		judge_limits(d, &f);
		judge_bars(d, &f);
		judge_isolation(d, &f);
		judge_owner(d, &f);
		judge_overrides(d, &f);
	}
	d->area = NULL;
}
