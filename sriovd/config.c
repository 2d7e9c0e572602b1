/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <inttypes.h>
#include <sriovd/config.h>
#include <sriovd/fields.h>
#include <lib/ctl.h>
#include <stdio.h>
#include <string.h>

#define CPU_MAX	    1023
#define THREADS_MAX 4 /* as many as soft-nic takes */

struct device {
	const char *name, *tap, *mac;
	int64_t cpu, threads;
};

static const struct field nic_fields[] = {
	{.key = "name", .required = true, .offset = offsetof(struct device, name)},
	{.key = "tap", .offset = offsetof(struct device, tap)},
	{.key = "mac", .offset = offsetof(struct device, mac)},
	{.key = "cpu", FIELD_INT, .offset = offsetof(struct device, cpu), .max = CPU_MAX},
	{.key = "threads",
	 FIELD_INT,
	 .offset = offsetof(struct device, threads),
	 .min = 1,
	 .max = THREADS_MAX},
	{},
};

static const struct field bridge_fields[] = {
	{.key = "name", .required = true, .offset = offsetof(struct device, name)},
	{.key = "tap", .offset = offsetof(struct device, tap)},
	{.key = "cpu", FIELD_INT, .offset = offsetof(struct device, cpu), .max = CPU_MAX},
	{},
};

static bool tap_taken(const struct config *c, const char *tap)
{
	for (size_t i = 0; i < c->n_nics; i++)
		if (strcmp(c->nics[i].tap, tap) == 0)
			return true;
	for (size_t i = 0; i < c->n_bridges; i++)
		if (strcmp(c->bridges[i].tap, tap) == 0)
			return true;
	return false;
}

static int device_decode(json_t *item, const char *what, const struct field *table,
			 const struct config *c, struct device *ret_dev, struct op_error *e)
{
	struct device dev = {.tap = "", .mac = "", .cpu = -1, .threads = 1};
	struct mac mac;
	int r;

	r = fields_decode(item, what, table, &dev, e);
	if (r < 0)
		return r;
	if (!name_valid(dev.name))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "%s: \"name\" must be 1 to 32 of a-z, 0-9 and -", what);
	if (dev.tap[0] && !ifname_valid(dev.tap))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "%s: \"tap\" is no name for an interface", what);
	if (dev.tap[0] && tap_taken(c, dev.tap))
		return op_fail(e, HTTP_BAD_INPUT, -EEXIST, "%s: tap %s is given twice", what,
			       dev.tap);
	if (dev.mac[0] && (mac_parse(dev.mac, &mac) < 0 || !mac_assignable(&mac)))
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL,
			       "%s: \"mac\" must be a unicast address like 02:00:00:00:00:01",
			       what);
	*ret_dev = dev;
	return 0;
}

static int nics_decode(json_t *list, struct config *c, struct op_error *e)
{
	size_t n = json_array_size(list);

	if (n > CONFIG_NICS_MAX)
		return op_fail(e, HTTP_BAD_INPUT, -ERANGE, "soft_nics: at most %u",
			       CONFIG_NICS_MAX);
	for (size_t i = 0; i < n; i++) {
		struct config_nic *nic = &c->nics[i];
		struct device dev;
		char what[32];
		int r;

		snprintf(what, sizeof(what), "soft_nics[%zu]", i);
		r = device_decode(json_array_get(list, i), what, nic_fields, c, &dev, e);
		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			if (strcmp(c->nics[k].name, dev.name) == 0)
				return op_fail(e, HTTP_BAD_INPUT, -EEXIST,
					       "%s: name %s is given twice", what, dev.name);
		snprintf(nic->name, sizeof(nic->name), "%s", dev.name);
		snprintf(nic->tap, sizeof(nic->tap), "%s", dev.tap);
		snprintf(nic->mac, sizeof(nic->mac), "%s", dev.mac);
		nic->cpu = (int)dev.cpu;
		nic->threads = (int)dev.threads;
		c->n_nics = i + 1;
	}
	return 0;
}

static int bridges_decode(json_t *list, struct config *c, struct op_error *e)
{
	size_t n = json_array_size(list);

	if (n > CONFIG_BRIDGES_MAX)
		return op_fail(e, HTTP_BAD_INPUT, -ERANGE, "bridges: at most %u",
			       CONFIG_BRIDGES_MAX);
	for (size_t i = 0; i < n; i++) {
		struct config_bridge *br = &c->bridges[i];
		struct device dev;
		char what[32];
		int r;

		snprintf(what, sizeof(what), "bridges[%zu]", i);
		r = device_decode(json_array_get(list, i), what, bridge_fields, c, &dev, e);
		if (r < 0)
			return r;
		for (size_t k = 0; k < i; k++)
			if (strcmp(c->bridges[k].name, dev.name) == 0)
				return op_fail(e, HTTP_BAD_INPUT, -EEXIST,
					       "%s: name %s is given twice", what, dev.name);
		snprintf(br->name, sizeof(br->name), "%s", dev.name);
		snprintf(br->tap, sizeof(br->tap), "%s", dev.tap);
		br->cpu = (int)dev.cpu;
		c->n_bridges = i + 1;
	}
	return 0;
}

int config_parse(const char *text, size_t len, struct config *c, struct op_error *e)
{
	struct {
		json_t *nics, *bridges;
		int64_t vm_cpu, vm_uids;
		bool hugepages;
	} top = {.vm_cpu = -1, .vm_uids = VM_UIDS_DEFAULT};
	const struct field table[] = {
		{.key = "soft_nics", FIELD_ARRAY, .offset = offsetof(__typeof__(top), nics)},
		{.key = "bridges", FIELD_ARRAY, .offset = offsetof(__typeof__(top), bridges)},
		{.key = "vm_cpu",
		 FIELD_INT,
		 .offset = offsetof(__typeof__(top), vm_cpu),
		 .max = CPU_MAX},
		{.key = "vm_uids",
		 FIELD_INT,
		 .offset = offsetof(__typeof__(top), vm_uids),
		 .max = VM_UIDS_MAX},
		{.key = "hugepages", FIELD_BOOL, .offset = offsetof(__typeof__(top), hugepages)},
		{},
	};
	_cleanup_(json_decrefp) json_t *root = NULL;
	json_error_t je;
	int r;

	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &je);
	if (!root)
		return op_fail(e, HTTP_BAD_INPUT, -EINVAL, "line %d: %s", je.line, je.text);
	r = fields_decode(root, "configuration", table, &top, e);
	if (r < 0)
		return r;

	c->n_nics = 0;
	c->n_bridges = 0;
	c->vm_cpu = (int)top.vm_cpu;
	c->vm_uids = (int)top.vm_uids;
	c->hugepages = top.hugepages;
	r = nics_decode(top.nics, c, e);
	if (r < 0)
		return r;
	return bridges_decode(top.bridges, c, e);
}

int config_load(const char *path, struct config *c, struct op_error *e)
{
	_cleanup_(fd_closep) int fd = -1;
	_cleanup_(freep) char *text = NULL;
	size_t len = 0;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return op_fail(e, HTTP_BAD_INPUT, -errno, "%s: %s", path, strerror(errno));
	text = malloc(CONFIG_FILE_MAX);
	if (!text)
		return op_fail(e, HTTP_INTERNAL, -ENOMEM, "%s: out of memory", path);
	while (len < CONFIG_FILE_MAX) {
		ssize_t n = read(fd, text + len, CONFIG_FILE_MAX - len);

		if (n < 0)
			return op_fail(e, HTTP_BAD_INPUT, -errno, "%s: %s", path, strerror(errno));
		if (n == 0)
			return config_parse(text, len, c, e);
		len += (size_t)n;
	}
	return op_fail(e, HTTP_BAD_INPUT, -E2BIG, "%s: longer than %u bytes", path,
		       CONFIG_FILE_MAX);
}
