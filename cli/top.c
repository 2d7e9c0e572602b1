/* SPDX-License-Identifier: BSD-3-Clause */
#include "top.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "table.h"

#define LAST_VECTOR (EXITS_VECTORS - 1)

/* ---- one moment ---- */

static const json_t *named(const json_t *list, const char *key, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach (list, i, one) {
		const char *has = json_string_value(json_object_get(one, key));

		if (name && has && !strcmp(has, name))
			return one;
	}
	return NULL;
}

static void copy(json_t *to, const char *key, const json_t *from, const char *from_key)
{
	json_t *value = json_object_get(from, from_key);

	if (json_is_integer(value))
		json_object_set(to, key, value);
}

static void set(json_t *to, const char *key, uint64_t value)
{
	json_object_set_new(to, key, json_integer((json_int_t)(value & INT64_MAX)));
}

static const char *path_of(const json_t *device)
{
	const char *kind = json_string_value(json_object_get(device, "kind"));

	if (json_is_true(json_object_get(device, "trapped")) || (kind && !strcmp(kind, "emulated")))
		return "emulated";
	return kind && (!strcmp(kind, "vhost-user") || !strncmp(kind, "virtio", 6)) ? "virtio"
										    : "vf";
}

/* Several messages may share a vector. */
uint64_t top_interrupts(const json_t *device, const struct exits_counts *traced)
{
	const json_t *list = json_object_get(json_object_get(device, "msix"), "guest_vectors");
	bool seen[EXITS_VECTORS] = {};
	const json_t *value;
	uint64_t n = 0;
	size_t i;

	json_array_foreach (list, i, value) {
		json_int_t v = json_integer_value(value);

		if (v < 0 || v > (json_int_t)LAST_VECTOR || seen[v])
			continue;
		seen[v] = true;
		n += traced->interrupts[v];
	}
	return n;
}

static json_t *interface_of(const json_t *vm, const json_t *vfs, const json_t *device,
			    const struct exits_counts *traced)
{
	static const char *const keys[] = {"rx_packets", "tx_packets", "rx_bytes", "tx_bytes"};
	const char *name = json_string_value(json_object_get(device, "id"));
	const json_t *guest = named(json_object_get(vm, "interfaces"), "id", name);
	const json_t *vf = named(vfs, "net", name), *from = guest;
	json_t *counters = json_object();

	/* a guest that is not ours keeps its counters to itself: the VF's own may be there */
	if (vf && !json_integer_value(json_object_get(guest, "rx_packets")) &&
	    !json_integer_value(json_object_get(guest, "tx_packets")))
		from = vf;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		copy(counters, keys[i], from, keys[i]);
	copy(counters, "bar_exits", device, "bar_exits");
	copy(counters, "messages", device, "messages");
	copy(counters, "host_interrupts", vf, "host_interrupts");
	if (traced)
		set(counters, "interrupts", top_interrupts(device, traced));
	return json_pack("{s:s, s:s, s:s*, s:o}", "name", name ? name : "?", "path",
			 path_of(device), "state",
			 json_string_value(json_object_get(device, "state")), "counters", counters);
}

static void add_traced(json_t *counters, json_t *sources, const struct exits_counts *traced)
{
	uint64_t interrupts = 0;

	for (size_t i = 0; i < EXITS_VECTORS; i++)
		interrupts += traced->interrupts[i];
	set(counters, "exits_traced", traced->kvm);
	set(counters, "user_exits", traced->user);
	set(counters, "mmio_exits", traced->mmio);
	set(counters, "wakeups", traced->wakeups);
	set(counters, "interrupts", interrupts);
	json_object_set_new(sources, "user_exits", json_string("kvm_userspace_exit"));
	json_object_set_new(sources, "mmio_exits", json_string("kvm_mmio"));
	json_object_set_new(sources, "wakeups", json_string("kvm_vcpu_wakeup"));
	json_object_set_new(sources, "interrupts", json_string(traced->interrupt_source));
}

json_t *top_vm(const json_t *vm, const json_t *vfs, const struct exits_counts *traced)
{
	const char *name = json_string_value(json_object_get(vm, "name"));
	const char *source = json_string_value(json_object_get(vm, "exit_source"));
	bool kvm = source && !strcmp(source, "kvm_stats");
	json_t *counters = json_object(), *sources = json_object(), *list = json_array();
	const json_t *device;
	size_t i;

	copy(counters, "exits", vm, kvm ? "kvm_exits" : "exits");
	if (source)
		json_object_set_new(sources, "exits", json_string(source));
	if (traced) {
		add_traced(counters, sources, traced);
	} else {
		copy(counters, "user_exits", vm, "exits");
		copy(counters, "mmio_exits", json_object_get(vm, "exits_by"), "mmio");
		json_object_set_new(sources, "user_exits", json_string("vmm"));
		json_object_set_new(sources, "mmio_exits", json_string("vmm"));
	}
	json_array_foreach (json_object_get(vm, "devices"), i, device)
		json_array_append_new(list, interface_of(vm, vfs, device, traced));
	return json_pack("{s:s, s:I, s:o, s:o, s:o}", "name", name ? name : "?", "pid",
			 json_integer_value(json_object_get(vm, "pid")), "counters", counters,
			 "sources", sources, "interfaces", list);
}

/* ---- two moments ---- */

/* What @key moved by; negative: not known. */
static double moved(const json_t *before, const json_t *after, const char *key)
{
	const json_t *a = json_object_get(json_object_get(before, "counters"), key);
	const json_t *b = json_object_get(json_object_get(after, "counters"), key);

	if (!json_is_integer(a) || !json_is_integer(b))
		return -1;
	return (double)json_integer_value(b) - (double)json_integer_value(a);
}

static void set_rate(json_t *to, const char *key, double n, double seconds)
{
	json_object_set_new(to, key, n < 0 ? json_null() : json_real(n / seconds));
}

static void set_mbps(json_t *to, const char *key, double bytes, double seconds)
{
	set_rate(to, key, bytes < 0 ? -1 : bytes * 8e-6, seconds);
}

static json_t *interface_rates(const json_t *before, const json_t *after, double seconds)
{
	const double rx = moved(before, after, "rx_packets"),
		     tx = moved(before, after, "tx_packets");
	const double exits = moved(before, after, "bar_exits"),
		     messages = moved(before, after, "messages");
	const double traps = exits > messages ? exits : messages;
	json_t *to = json_object();

	json_object_set(to, "name", json_object_get(after, "name"));
	json_object_set(to, "path", json_object_get(after, "path"));
	if (json_object_get(after, "state"))
		json_object_set(to, "state", json_object_get(after, "state"));
	set_rate(to, "rx_packets_per_s", rx, seconds);
	set_rate(to, "tx_packets_per_s", tx, seconds);
	set_mbps(to, "rx_mbps", moved(before, after, "rx_bytes"), seconds);
	set_mbps(to, "tx_mbps", moved(before, after, "tx_bytes"), seconds);
	set_rate(to, "bar_exits_per_s", exits, seconds);
	set_rate(to, "messages_per_s", messages, seconds);
	set_rate(to, "interrupts_per_s", moved(before, after, "interrupts"), seconds);
	set_rate(to, "host_interrupts_per_s", moved(before, after, "host_interrupts"), seconds);
	json_object_set_new(to, "traps_per_packet",
			    rx < 0 || tx < 0 || rx + tx <= 0 || traps < 0
				    ? json_null()
				    : json_real(traps / (rx + tx)));
	return to;
}

static void set_figure(json_t *to, const char *name, double n, double seconds, const char *source)
{
	char key[32];

	snprintf(key, sizeof(key), "%s_per_s", name);
	set_rate(to, key, source ? n : -1, seconds);
	snprintf(key, sizeof(key), "%s_source", name);
	json_object_set_new(to, key, source && n >= 0 ? json_string(source) : json_null());
}

static json_t *vm_rates(const json_t *before, const json_t *after, double seconds)
{
	static const char *const keys[] = {"user_exits", "mmio_exits", "wakeups", "interrupts"};
	const json_t *sources = json_object_get(after, "sources"), *one;
	const double traced = moved(before, after, "exits_traced");
	json_t *to = json_object(), *list = json_array();
	size_t i;

	json_object_set(to, "name", json_object_get(after, "name"));
	json_object_set(to, "pid", json_object_get(after, "pid"));
	/* the tracepoint is there on every processor and silent on some */
	if (traced > 0)
		set_figure(to, "exits", traced, seconds, "kvm_exit");
	else
		set_figure(to, "exits", moved(before, after, "exits"), seconds,
			   json_string_value(json_object_get(sources, "exits")));
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		set_figure(to, keys[i], moved(before, after, keys[i]), seconds,
			   json_string_value(json_object_get(sources, keys[i])));
	json_array_foreach (json_object_get(after, "interfaces"), i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));

		json_array_append_new(
			list,
			interface_rates(named(json_object_get(before, "interfaces"), "name", name),
					one, seconds));
	}
	json_object_set_new(to, "interfaces", list);
	return to;
}

json_t *top_rates(const json_t *before, const json_t *after, double seconds)
{
	json_t *list = json_array();
	const json_t *one;
	size_t i;

	if (!list || seconds <= 0)
		return list;
	json_array_foreach (after, i, one) {
		const char *name = json_string_value(json_object_get(one, "name"));
		const json_t *was = named(before, "name", name);

		/* another process: another VM of that name */
		if (!json_equal(json_object_get(was, "pid"), json_object_get(one, "pid")))
			was = NULL;
		json_array_append_new(list, vm_rates(was, one, seconds));
	}
	return list;
}

/* ---- rows ---- */

void top_number(const json_t *value, char ret_text[TOP_NUMBER_MAX])
{
	double v = json_number_value(value);
	const char *unit = "";

	if (!json_is_number(value) || !isfinite(v) || fabs(v) >= 1e15) {
		strcpy(ret_text, "-");
		return;
	}
	for (const char *u = "kMGT"; fabs(v) >= 999.5 && *u; u++) {
		static const char *const units[] = {"k", "M", "G", "T"};

		v /= 1000;
		unit = units[strchr("kMGT", *u) - "kMGT"];
	}
	if (v == 0)
		strcpy(ret_text, "0");
	else if (!*unit && fabs(v) < 0.01)
		snprintf(ret_text, TOP_NUMBER_MAX, "%.0e", v);
	else
		snprintf(ret_text, TOP_NUMBER_MAX, "%.*f%s",
			 fabs(v) >= 99.95   ? 0
			 : fabs(v) >= 9.995 ? 1
					    : 2,
			 v, unit);
}

struct cell {
	const char *row, *of_vm, *of_interface; /* NULL: no such figure */
};

static const struct cell cells[] = {
	{"exits", "exits_per_s", NULL},
	{"user", "user_exits_per_s", NULL},
	{"mmio", "mmio_exits_per_s", "bar_exits_per_s"},
	{"wakeups", "wakeups_per_s", NULL},
	{"irqs", "interrupts_per_s", "interrupts_per_s"},
	{"rx", NULL, "rx_packets_per_s"},
	{"tx", NULL, "tx_packets_per_s"},
	{"rx_mbps", NULL, "rx_mbps"},
	{"tx_mbps", NULL, "tx_mbps"},
	{"traps", NULL, "traps_per_packet"},
	{"host", NULL, "host_interrupts_per_s"},
};

static json_t *row_of(const json_t *of, bool interface)
{
	json_t *row = json_object();
	char text[TOP_NUMBER_MAX];

	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		const char *key = interface ? cells[i].of_interface : cells[i].of_vm;

		/* a blank, as nothing at all would be shown as a dash */
		strcpy(text, " ");
		if (key)
			top_number(json_object_get(of, key), text);
		json_object_set_new(row, cells[i].row, json_string(text));
	}
	return row;
}

json_t *top_rows(const json_t *rates)
{
	json_t *rows = json_array();
	const json_t *vm, *one;
	size_t i, k;

	json_array_foreach (rates, i, vm) {
		json_t *row = row_of(vm, false);

		json_object_set(row, "name", json_object_get(vm, "name"));
		json_object_set_new(row, "path", json_string(" "));
		json_array_append_new(rows, row);
		json_array_foreach (json_object_get(vm, "interfaces"), k, one) {
			row = row_of(one, true);
			json_object_set_new(row, "name",
					    json_sprintf("  %s", json_string_value(json_object_get(
									 one, "name"))));
			json_object_set(row, "path", json_object_get(one, "path"));
			json_array_append_new(rows, row);
		}
	}
	return rows;
}

/* Interrupts of the host are those of VFs of real cards. */
static bool has_host_interrupts(const json_t *rates)
{
	const json_t *vm, *one;
	size_t i, k;

	json_array_foreach (rates, i, vm)
		json_array_foreach (json_object_get(vm, "interfaces"), k, one)
			if (json_is_number(json_object_get(one, "host_interrupts_per_s")))
				return true;
	return false;
}

int top_print(const json_t *rates)
{
	struct table_col cols[] = {
		{"VM", "name", false},	      {"PATH", "path", false},
		{"EXITS/S", "exits", true},   {"VMM/S", "user", true},
		{"MMIO/S", "mmio", true},     {"WAKE/S", "wakeups", true},
		{"IRQ/S", "irqs", true},      {"TRAPS/PKT", "traps", true},
		{"RX-PPS", "rx", true},	      {"TX-PPS", "tx", true},
		{"RX-MBIT", "rx_mbps", true}, {"TX-MBIT", "tx_mbps", true},
		{"HOST-IRQ/S", "host", true}, {},
	};
	json_auto_t *rows = top_rows(rates);

	if (!rows)
		return -ENOMEM;
	if (!has_host_interrupts(rates))
		cols[sizeof(cols) / sizeof(cols[0]) - 2] = (struct table_col){};
	return table_print(rows, cols);
}
