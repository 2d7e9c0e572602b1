/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The reading side of the ledger. A file is input like any other: a row that no sriovd would have
 * written is -EUCLEAN, never a truncated name.
 */
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include "ledger_internal.h"

/* Decoders note the first bad column here and go on; the caller looks once a row. */
struct columns {
	sqlite3_stmt *st;
	bool bad;
};

static void column_text(struct columns *c, int i, char *buf, size_t size)
{
	const char *s = (const char *)sqlite3_column_text(c->st, i);

	if (!s || strlen(s) >= size) {
		c->bad = true;
		s = "";
	}
	snprintf(buf, size, "%s", s);
}

static int64_t column_int(struct columns *c, int i, int64_t min, int64_t max)
{
	int64_t v = sqlite3_column_int64(c->st, i);

	if (v >= min && v <= max)
		return v;
	c->bad = true;
	return min;
}

static void column_name(struct columns *c, int i, char *buf)
{
	column_text(c, i, buf, NAME_SIZE);
	if (!name_valid(buf))
		c->bad = true;
}

static void column_name_or_none(struct columns *c, int i, char *buf)
{
	column_text(c, i, buf, NAME_SIZE);
	if (buf[0] && !name_valid(buf))
		c->bad = true;
}

static void column_ifname_or_none(struct columns *c, int i, char *buf)
{
	column_text(c, i, buf, IFNAMSIZ);
	if (buf[0] && !ifname_valid(buf))
		c->bad = true;
}

static uint16_t column_proto(struct columns *c, int i)
{
	int64_t v = column_int(c, i, 0, UINT16_MAX);

	if (v != ETH_P_8021Q && v != ETH_P_8021AD)
		c->bad = true;
	return (uint16_t)v;
}

static void decode_pf(struct columns *c, void *p)
{
	struct row_pf *row = p;

	column_name(c, 0, row->name);
	row->num_vfs = (unsigned int)column_int(c, 1, 0, UINT16_MAX);
	row->wanted = (unsigned int)column_int(c, 2, 0, UINT16_MAX);
}

static void decode_net(struct columns *c, void *p)
{
	struct row_net *row = p;
	char mac[MAC_TEXT];

	column_name(c, 0, row->name);
	column_text(c, 1, mac, sizeof(mac));
	if (mac_parse(mac, &row->mac) < 0 || !mac_assignable(&row->mac))
		c->bad = true;
	row->vlan = (unsigned int)column_int(c, 2, 0, VLAN_MAX);
	row->vlan_qos = (unsigned int)column_int(c, 3, 0, VLAN_QOS_MAX);
	row->spoofchk = column_int(c, 4, 0, 1) != 0;
	column_text(c, 5, row->pf, sizeof(row->pf));
	row->vlan_proto = column_proto(c, 6);
	row->trust = column_int(c, 7, 0, 1) != 0;
	row->min_tx_rate = (unsigned int)column_int(c, 8, 0, INT32_MAX);
	row->max_tx_rate = (unsigned int)column_int(c, 9, 0, INT32_MAX);
	row->link_state = (enum vf_link)column_int(c, 10, VF_LINK_AUTO, VF_LINK_DISABLE);
	column_name_or_none(c, 11, row->home);
	column_text(c, 12, row->home_path, sizeof(row->home_path));
	column_text(c, 13, row->home_backend, sizeof(row->home_backend));
	column_ifname_or_none(c, 14, row->home_link);
	row->home_queues = (unsigned int)column_int(c, 15, 0, TAP_QUEUES_MAX);
}

static void decode_host_pf(struct columns *c, void *p)
{
	struct row_host_pf *row = p;

	column_name(c, 0, row->name);
	column_text(c, 1, row->bdf, sizeof(row->bdf));
	if (!pcisys_bdf_ok(row->bdf))
		c->bad = true;
	column_text(c, 2, row->driver, sizeof(row->driver));
	column_text(c, 3, row->before.driver, sizeof(row->before.driver));
	column_text(c, 4, row->before.override, sizeof(row->before.override));
	row->autoprobe = column_int(c, 5, 0, 1) != 0;
	row->was_up = column_int(c, 6, 0, 1) != 0;
	column_text(c, 7, row->token, sizeof(row->token));
	row->caps = (unsigned int)column_int(c, 8, 0, UINT16_MAX);
	row->switched = column_int(c, 9, 0, 1) != 0;
}

static void decode_baseline(struct columns *c, void *p)
{
	struct row_baseline *row = p;
	char mac[MAC_TEXT];

	column_name(c, 0, row->pf);
	row->vf = (unsigned int)column_int(c, 1, 0, UINT16_MAX);
	row->has = (unsigned int)column_int(c, 2, 0, UINT16_MAX);
	column_text(c, 3, mac, sizeof(mac));
	if (mac_parse(mac, &row->attrs.mac) < 0)
		c->bad = true;
	row->attrs.vlan = (unsigned int)column_int(c, 4, 0, VLAN_MAX + 1);
	row->attrs.vlan_qos = (unsigned int)column_int(c, 5, 0, VLAN_QOS_MAX);
	row->attrs.vlan_proto = column_proto(c, 6);
	row->attrs.spoofchk = column_int(c, 7, 0, 1) != 0;
	row->attrs.trust = column_int(c, 8, 0, 1) != 0;
	row->attrs.min_tx_rate = (unsigned int)column_int(c, 9, 0, UINT32_MAX);
	row->attrs.max_tx_rate = (unsigned int)column_int(c, 10, 0, UINT32_MAX);
	row->attrs.link_state = (enum vf_link)column_int(c, 11, VF_LINK_AUTO, VF_LINK_DISABLE);
}

static void decode_vm(struct columns *c, void *p)
{
	struct row_vm *row = p;

	column_name(c, 0, row->name);
	row->memory_mib = (unsigned int)column_int(c, 1, 0, INT32_MAX);
	column_text(c, 2, row->state, sizeof(row->state));
	column_text(c, 3, row->reason, sizeof(row->reason));
	column_text(c, 4, row->boot_id, sizeof(row->boot_id));
	row->kept = column_int(c, 5, 0, 1) != 0;
	column_text(c, 6, row->spec, sizeof(row->spec));
}

static void decode_attachment(struct columns *c, void *p)
{
	struct row_attachment *row = p;
	char phase[16];
	int i;

	column_name(c, 0, row->net);
	column_name(c, 1, row->vm);
	column_text(c, 2, row->path, sizeof(row->path));
	column_name_or_none(c, 3, row->pf);
	row->vf = -1;
	if (sqlite3_column_type(c->st, 4) != SQLITE_NULL)
		row->vf = (int)column_int(c, 4, 0, UINT16_MAX);
	row->generation = (uint64_t)column_int(c, 5, 1, INT64_MAX);
	column_text(c, 6, phase, sizeof(phase));
	for (i = 0; i < PHASES && strcmp(phase, phase_name((enum phase)i)) != 0; i++)
		;
	if (i == PHASES)
		c->bad = true;
	else
		row->phase = (enum phase)i;
	column_text(c, 7, row->backend, sizeof(row->backend));
	column_ifname_or_none(c, 8, row->link);
	row->queues = (unsigned int)column_int(c, 9, 0, TAP_QUEUES_MAX);
	column_name_or_none(c, 10, row->again);
}

static void decode_plug(struct columns *c, void *p)
{
	struct row_plug *row = p;

	column_name(c, 0, row->vm);
	row->n = (unsigned int)column_int(c, 2, 0, UINT32_MAX - 1);
	if (column_int(c, 1, 0, LEDGER_PLUGS - 1) != row->n % LEDGER_PLUGS)
		c->bad = true;
	row->time_us = (uint64_t)column_int(c, 3, 0, INT64_MAX);
	row->asked = (unsigned int)column_int(c, 4, 0, UINT8_MAX);
	column_name(c, 5, row->net);
	column_text(c, 6, row->result, sizeof(row->result));
	column_text(c, 7, row->text, sizeof(row->text));
}

static void decode_op(struct columns *c, void *p)
{
	struct row_op *row = p;

	row->n = (uint64_t)column_int(c, 1, 0, INT64_MAX);
	if (column_int(c, 0, 0, LEDGER_OPS - 1) != (int64_t)(row->n % LEDGER_OPS))
		c->bad = true;
	column_text(c, 2, row->id, sizeof(row->id));
	column_text(c, 3, row->request, sizeof(row->request));
	row->status = (int)column_int(c, 4, 0, 599);
	row->error = (int)column_int(c, 5, INT16_MIN, 0);
	column_text(c, 6, row->answer, sizeof(row->answer));
}

static void decode_quarantine(struct columns *c, void *p)
{
	struct row_quarantine *row = p;

	column_name(c, 0, row->pf);
	row->vf = (unsigned int)column_int(c, 1, 0, UINT16_MAX);
	column_text(c, 2, row->reason, sizeof(row->reason));
}

static void decode_child(struct columns *c, void *p)
{
	struct row_child *row = p;

	column_text(c, 0, row->kind, sizeof(row->kind));
	column_name(c, 1, row->name);
	row->pid = (pid_t)column_int(c, 2, 0, INT32_MAX);
	row->start_time = (uint64_t)column_int(c, 3, 0, INT64_MAX);
	column_text(c, 4, row->ctl_path, sizeof(row->ctl_path));
	column_text(c, 5, row->boot_id, sizeof(row->boot_id));
}

union row {
	struct row_pf pf;
	struct row_host_pf host_pf;
	struct row_baseline baseline;
	struct row_net net;
	struct row_vm vm;
	struct row_attachment attachment;
	struct row_plug plug;
	struct row_op op;
	struct row_quarantine quarantine;
	struct row_child child;
};

typedef int (*row_fn)(const void *row, void *userdata);

static int each(struct ledger *l, enum ledger_statement id,
		void (*decode)(struct columns *, void *), row_fn fn, void *userdata)
{
	struct columns c = {};
	int code, r;

	r = ledger_statement(l, id, &c.st);
	if (r < 0)
		return r;
	while ((code = sqlite3_step(c.st)) == SQLITE_ROW) {
		union row row;

		/* all of it: an initialiser would only clear the first member */
		memset(&row, 0, sizeof(row));
		decode(&c, &row);
		r = c.bad ? -EUCLEAN : fn(&row, userdata);
		if (r < 0)
			break;
	}
	sqlite3_reset(c.st);
	return r < 0 ? r : ledger_errno(code);
}

/* The typed callback travels in a box, so that no function is called through a foreign type. */
#define LEDGER_EACH(type, statement)                                                           \
	struct box_##type {                                                                    \
		int (*fn)(const struct row_##type *, void *);                                  \
		void *userdata;                                                                \
	};                                                                                     \
	static int unbox_##type(const void *row, void *userdata)                               \
	{                                                                                      \
		const struct box_##type *box = userdata;                                       \
                                                                                               \
		return box->fn(row, box->userdata);                                            \
	}                                                                                      \
	int ledger_each_##type(struct ledger *l, int (*fn)(const struct row_##type *, void *), \
			       void *userdata)                                                 \
	{                                                                                      \
		struct box_##type box = {.fn = fn, .userdata = userdata};                      \
                                                                                               \
		return each(l, statement, decode_##type, unbox_##type, &box);                  \
	}

LEDGER_EACH(pf, ST_EACH_PF)
LEDGER_EACH(host_pf, ST_EACH_HOST_PF)
LEDGER_EACH(baseline, ST_EACH_BASELINE)
LEDGER_EACH(net, ST_EACH_NET)
LEDGER_EACH(vm, ST_EACH_VM)
LEDGER_EACH(attachment, ST_EACH_ATTACHMENT)
LEDGER_EACH(plug, ST_EACH_PLUG)
LEDGER_EACH(op, ST_EACH_OP)
LEDGER_EACH(quarantine, ST_EACH_QUARANTINE)
LEDGER_EACH(child, ST_EACH_CHILD)
