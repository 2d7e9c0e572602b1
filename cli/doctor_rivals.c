/* SPDX-License-Identifier: BSD-3-Clause */
/* Others who may set VF counts, bind drivers or configure network devices that appear. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "doctor.h"
#include "doctor_parse.h"

#define PIECE 200 /* of a file's name in a sentence */

/* A search through the files of some directories. */
struct search {
	const char *dir;
	const char *suffix;
	bool (*hit)(const char *text);
	char found[PATH_MAX + 1]; /* the first that hits */
};

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), m = strlen(end);

	return n >= m && !strcmp(text + n - m, end);
}

static bool one_file(struct doctor *d, const char *name, void *arg)
{
	_cleanup_(freep) char *text = NULL;
	struct search *s = arg;
	char path[PATH_MAX];

	if (!ends_with(name, s->suffix))
		return false;
	snprintf(path, sizeof(path), "%s/%s", s->dir, name);
	text = doc_text(d, path);
	if (!text || !s->hit(text))
		return false;
	snprintf(s->found, sizeof(s->found), "/%s", path);
	return true;
}

/* Path of the first file in @dirs (NULL ends them) with this suffix that @hit takes; "" none. */
static const char *find(struct doctor *d, struct search *s, const char *const *dirs,
			const char *suffix, bool (*hit)(const char *text))
{
	*s = (struct search){.suffix = suffix, .hit = hit};
	for (; *dirs && !s->found[0]; dirs++) {
		s->dir = *dirs;
		doc_each(d, *dirs, one_file, s);
	}
	return s->found;
}

/* ---- NetworkManager ---- */

static const char *const nm_profiles[] = {"etc/NetworkManager/system-connections",
					  "run/NetworkManager/system-connections",
					  "usr/lib/NetworkManager/system-connections", NULL};
static const char *const nm_config[] = {"etc/NetworkManager", "etc/NetworkManager/conf.d",
					"run/NetworkManager/conf.d",
					"usr/lib/NetworkManager/conf.d", NULL};

static bool nm_makes_vfs(const char *text)
{
	return doc_section(text, "sriov");
}

static bool nm_leaves_alone(const char *text)
{
	char value[16];

	return doc_setting(text, "unmanaged-devices", value, sizeof(value)) ||
	       (strstr(text, "[device") && doc_setting(text, "managed", value, sizeof(value)) &&
		(value[0] == '0' || value[0] == 'f'));
}

static void network_manager(struct doctor *d)
{
	static const char mend[] =
		"printf '[keyfile]\\nunmanaged-devices=driver:igbvf;driver:ixgbevf;driver:iavf\\n' "
		"> "
		"/etc/NetworkManager/conf.d/90-vfs.conf && systemctl reload NetworkManager";
	const char *name = "NetworkManager";
	struct search s;

	if (!doc_running(d, "NetworkManager"))
		doc_good(d, name, "does not run");
	else if (find(d, &s, nm_profiles, "", nm_makes_vfs)[0])
		doc_bad(d, name, "take the section [sriov] out of that profile",
			"%.*s sets VFs: it and sriovd would undo each other's work", PIECE,
			s.found);
	else if (!d->n_nics)
		doc_good(d, name, "runs; there is no SR-IOV NIC to share");
	else if (find(d, &s, nm_config, ".conf", nm_leaves_alone)[0])
		doc_good(d, name, "runs, and is told of devices to leave alone (%.*s)", PIECE,
			 s.found);
	else
		doc_bad(d, name, mend, "runs and takes every network device that appears, VFs too");
}

/* ---- systemd-networkd ---- */

static const char *const networkd[] = {"etc/systemd/network", "run/systemd/network",
				       "usr/lib/systemd/network", "lib/systemd/network", NULL};

static bool networkd_makes_vfs(const char *text)
{
	char value[16];

	return doc_section(text, "SR-IOV") ||
	       doc_setting(text, "SR-IOVVirtualFunctions", value, sizeof(value));
}

/* Matches more than what it names: VFs of drivers that it does not know about. */
static bool networkd_takes_all(const char *text)
{
	static const char *const narrow[] = {"Driver", "MACAddress", "Path", "Kind",
					     "PermanentMACAddress"};
	char value[256];

	if (doc_setting(text, "Unmanaged", value, sizeof(value)) && value[0] == 'y')
		return false;
	for (size_t i = 0; i < sizeof(narrow) / sizeof(narrow[0]); i++)
		if (doc_setting(text, narrow[i], value, sizeof(value)))
			return false;
	if (doc_setting(text, "Name", value, sizeof(value)))
		return value[0] == '*' || strstr(value, "en*") || strstr(value, "eth*") ||
		       strstr(value, "e*");
	return doc_setting(text, "Type", value, sizeof(value)) && strstr(value, "ether");
}

static bool networkd_spares_vfs(const char *text)
{
	char value[256];

	return doc_setting(text, "Unmanaged", value, sizeof(value)) &&
	       (value[0] == 'y' || value[0] == 't' || value[0] == '1') &&
	       doc_setting(text, "Driver", value, sizeof(value)) && strstr(value, "vf");
}

static void networkd_check(struct doctor *d)
{
	static const char mend[] =
		"printf '[Match]\\nDriver=igbvf ixgbevf iavf\\n[Link]\\nUnmanaged=yes\\n' > "
		"/etc/systemd/network/00-vfs.network && networkctl reload";
	const char *name = "systemd-networkd";
	struct search s;

	if (!doc_running(d, "systemd-network"))
		doc_good(d, name, "does not run");
	else if (find(d, &s, networkd, "", networkd_makes_vfs)[0])
		doc_bad(d, name, "take SR-IOV settings out of that file",
			"%.*s sets VFs: it and sriovd would undo each other's work", PIECE,
			s.found);
	else if (!d->n_nics)
		doc_good(d, name, "runs; there is no SR-IOV NIC to share");
	else if (find(d, &s, networkd, ".network", networkd_spares_vfs)[0])
		doc_good(d, name, "runs, and leaves VFs alone (%.*s)", PIECE, s.found);
	else if (find(d, &s, networkd, ".network", networkd_takes_all)[0])
		doc_bad(d, name, mend, "runs, and %.*s takes network devices of VFs that appear",
			PIECE, s.found);
	else
		doc_good(d, name, "runs, and configures only devices that it names");
}

/* ---- the others ---- */

static bool owns_vfs(const char *text)
{
	return strstr(text, "mode='hostdev'") && strstr(text, "<pf dev=");
}

static void libvirt(struct doctor *d)
{
	static const char *const dirs[] = {"etc/libvirt/qemu/networks", NULL};
	struct search s;

	if (find(d, &s, dirs, ".xml", owns_vfs)[0])
		doc_bad(d, "libvirt", "virsh net-destroy NET; virsh net-undefine NET",
			"%.*s is a pool of VFs: libvirt would hand out those of sriovd", PIECE,
			s.found);
	else if (doc_running(d, "libvirtd") || doc_running(d, "virtqemud"))
		doc_good(d, "libvirt", "runs, without a network that owns VFs");
	else
		doc_good(d, "libvirt", "does not run");
}

static void operator_check(struct doctor *d)
{
	const char *name = "sriov-operator";

	if (doc_running(d, "sriov-network-config-daemon"))
		doc_bad(d, name,
			"take this node out of the operator's selector (SriovOperatorConfig)",
			"the SR-IOV network operator's daemon runs here and sets VFs by its own "
			"policies");
	else if (doc_exists(d, "etc/sriov-operator") || doc_exists(d, "var/lib/sriov"))
		doc_bad(d, name,
			"rm -r /etc/sriov-operator /var/lib/sriov, when the operator has "
			"left for good",
			"an SR-IOV network operator left its files: its unit may set VFs at boot");
	else
		doc_good(d, name, "not here");
}

static bool one_override(struct doctor *d, const char *bdf, void *arg)
{
	struct pcisys_bdf pf = {}, *found = arg;

	if (!pcisys_bdf_ok(bdf))
		return false;
	if (pcisys_physfn(d->sysfs, bdf, &pf) < 0)
		strcpy(pf.text, bdf);
	for (unsigned int i = 0; i < d->n_nics; i++)
		if (!strcmp(d->nic[i].text, pf.text)) {
			strcpy(found->text, bdf);
			return true;
		}
	return false;
}

static void driverctl(struct doctor *d)
{
	struct pcisys_bdf found = {};
	char mend[64];
	int n = doc_each(d, "etc/driverctl.d", one_override, &found);

	if (!found.text[0]) {
		doc_good(d, "driverctl", n > 0 ? "overrides nothing of our NICs" : "no overrides");
		return;
	}
	snprintf(mend, sizeof(mend), "driverctl unset-override %s", found.text);
	doc_bad(d, "driverctl", mend, "binds %s to a driver at boot, behind sriovd's back",
		found.text);
}

void doc_rivals(struct doctor *d)
{
	d->area = "managers";
	network_manager(d);
	networkd_check(d);
	operator_check(d);
	libvirt(d);
	driverctl(d);
}
