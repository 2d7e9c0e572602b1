/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One table of statements, one binder and one stepper serve every row type; the put and del
 * functions only name their columns. The reading side is ledger_read.c.
 */
#include <linux/if_ether.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ledger_internal.h"

#define LEDGER_BUSY_MS 2000

/* Step i goes from version i to i + 1; a new file takes all of them. */
static const char *const schema[LEDGER_VERSION] = {
	("CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
	 "INSERT INTO meta VALUES('generation', 0);"
	 "CREATE TABLE pfs(name TEXT PRIMARY KEY, num_vfs INTEGER NOT NULL, wanted INTEGER NOT "
	 "NULL) STRICT;"
	 "CREATE TABLE nets(name TEXT PRIMARY KEY, mac TEXT NOT NULL UNIQUE, vlan INTEGER NOT NULL,"
	 "  vlan_qos INTEGER NOT NULL, spoofchk INTEGER NOT NULL, pf TEXT NOT NULL) STRICT;"
	 "CREATE TABLE vms(name TEXT PRIMARY KEY, memory_mib INTEGER NOT NULL, state TEXT NOT NULL,"
	 "  reason TEXT NOT NULL, boot_id TEXT NOT NULL) STRICT;"
	 "CREATE TABLE attachments(net TEXT PRIMARY KEY REFERENCES nets(name), vm TEXT NOT NULL,"
	 "  path TEXT NOT NULL, pf TEXT NOT NULL, vf INTEGER, generation INTEGER NOT NULL,"
	 "  phase TEXT NOT NULL, UNIQUE(pf, vf)) STRICT;"
	 "CREATE TABLE quarantine(pf TEXT NOT NULL, vf INTEGER NOT NULL, reason TEXT NOT NULL,"
	 "  PRIMARY KEY(pf, vf)) STRICT;"
	 "CREATE TABLE children(kind TEXT NOT NULL, name TEXT NOT NULL, pid INTEGER NOT NULL,"
	 "  start_time INTEGER NOT NULL, ctl_path TEXT NOT NULL, boot_id TEXT NOT NULL,"
	 "  PRIMARY KEY(kind, name)) STRICT;"),
	("ALTER TABLE nets ADD COLUMN vlan_proto INTEGER NOT NULL DEFAULT 33024;"
	 "ALTER TABLE nets ADD COLUMN trust INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE nets ADD COLUMN min_tx_rate INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE nets ADD COLUMN max_tx_rate INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE nets ADD COLUMN link_state INTEGER NOT NULL DEFAULT 0;"
	 "CREATE TABLE host_pfs(name TEXT PRIMARY KEY, bdf TEXT NOT NULL UNIQUE,"
	 "  driver TEXT NOT NULL, old_driver TEXT NOT NULL, old_override TEXT NOT NULL,"
	 "  autoprobe INTEGER NOT NULL, was_up INTEGER NOT NULL, token TEXT NOT NULL,"
	 "  caps INTEGER NOT NULL) STRICT;"
	 "CREATE TABLE baselines(pf TEXT NOT NULL, vf INTEGER NOT NULL, has INTEGER NOT NULL,"
	 "  mac TEXT NOT NULL, vlan INTEGER NOT NULL, vlan_qos INTEGER NOT NULL,"
	 "  vlan_proto INTEGER NOT NULL, spoofchk INTEGER NOT NULL, trust INTEGER NOT NULL,"
	 "  min_tx_rate INTEGER NOT NULL, max_tx_rate INTEGER NOT NULL,"
	 "  link_state INTEGER NOT NULL, PRIMARY KEY(pf, vf)) STRICT;"),
	("ALTER TABLE vms ADD COLUMN kept INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE vms ADD COLUMN spec TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE nets ADD COLUMN home TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE nets ADD COLUMN home_path TEXT NOT NULL DEFAULT '';"),
	"ALTER TABLE host_pfs ADD COLUMN switched INTEGER NOT NULL DEFAULT 0;",
	("ALTER TABLE attachments ADD COLUMN backend TEXT NOT NULL DEFAULT 'nic';"
	 "ALTER TABLE attachments ADD COLUMN link TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE attachments ADD COLUMN queues INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE attachments ADD COLUMN again TEXT NOT NULL DEFAULT '';"
	 "UPDATE attachments SET backend='bridge' WHERE path='virtio';"
	 "ALTER TABLE nets ADD COLUMN home_backend TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE nets ADD COLUMN home_link TEXT NOT NULL DEFAULT '';"
	 "ALTER TABLE nets ADD COLUMN home_queues INTEGER NOT NULL DEFAULT 0;"),
	("CREATE TABLE plugs(vm TEXT NOT NULL, slot INTEGER NOT NULL, n INTEGER NOT NULL,"
	 "  time_us INTEGER NOT NULL, asked INTEGER NOT NULL, net TEXT NOT NULL,"
	 "  result TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(vm, slot)) STRICT;"),
	("CREATE TABLE ops(slot INTEGER PRIMARY KEY, n INTEGER NOT NULL, id TEXT NOT NULL,"
	 "  request TEXT NOT NULL, status INTEGER NOT NULL, error INTEGER NOT NULL,"
	 "  answer TEXT NOT NULL) STRICT;"),
};

/* clang-format off */
static const char *const statements[LEDGER_STATEMENTS] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_PUT_PF] = "INSERT OR REPLACE INTO pfs VALUES(?,?,?)",
	[ST_DEL_PF] = "DELETE FROM pfs WHERE name=?",
	[ST_PUT_HOST_PF] = "INSERT OR REPLACE INTO host_pfs VALUES(?,?,?,?,?,?,?,?,?,?)",
	[ST_DEL_HOST_PF] = "DELETE FROM host_pfs WHERE name=?",
	[ST_PUT_BASELINE] =
		"INSERT OR REPLACE INTO baselines VALUES(?,?,?,?,?,?,?,?,?,?,?,?)",
	[ST_DEL_BASELINES] = "DELETE FROM baselines WHERE pf=?",
	[ST_PUT_NET] =
		("INSERT INTO nets VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"
		 " ON CONFLICT(name) DO UPDATE SET"
		 " mac=excluded.mac, vlan=excluded.vlan, vlan_qos=excluded.vlan_qos,"
		 " spoofchk=excluded.spoofchk, pf=excluded.pf, vlan_proto=excluded.vlan_proto,"
		 " trust=excluded.trust, min_tx_rate=excluded.min_tx_rate,"
		 " max_tx_rate=excluded.max_tx_rate, link_state=excluded.link_state,"
		 " home=excluded.home, home_path=excluded.home_path,"
		 " home_backend=excluded.home_backend, home_link=excluded.home_link,"
		 " home_queues=excluded.home_queues"),
	[ST_DEL_NET] = "DELETE FROM nets WHERE name=?",
	[ST_PUT_VM] = "INSERT OR REPLACE INTO vms VALUES(?,?,?,?,?,?,?)",
	[ST_DEL_VM] = "DELETE FROM vms WHERE name=?",
	/* not OR REPLACE: that would throw out another net's row for the same VF */
	[ST_PUT_ATTACHMENT] =
		("INSERT INTO attachments VALUES(?,?,?,?,?,?,?,?,?,?,?)"
		 " ON CONFLICT(net) DO UPDATE SET"
		 " vm=excluded.vm, path=excluded.path, pf=excluded.pf, vf=excluded.vf,"
		 " generation=excluded.generation, phase=excluded.phase,"
		 " backend=excluded.backend, link=excluded.link, queues=excluded.queues,"
		 " again=excluded.again"),
	[ST_SET_PHASE] = "UPDATE attachments SET phase=? WHERE net=?",
	[ST_DEL_ATTACHMENT] = "DELETE FROM attachments WHERE net=?",
	[ST_PUT_PLUG] = "INSERT OR REPLACE INTO plugs VALUES(?,?,?,?,?,?,?,?)",
	[ST_DEL_PLUGS] = "DELETE FROM plugs WHERE vm=?",
	[ST_PUT_OP] = "INSERT OR REPLACE INTO ops VALUES(?,?,?,?,?,?,?)",
	[ST_DEL_OP] = "DELETE FROM ops WHERE id=?",
	[ST_PUT_QUARANTINE] = "INSERT OR REPLACE INTO quarantine VALUES(?,?,?)",
	[ST_DEL_QUARANTINE] = "DELETE FROM quarantine WHERE pf=? AND vf=?",
	[ST_DEL_QUARANTINES] = "DELETE FROM quarantine WHERE pf=?",
	[ST_PUT_CHILD] = "INSERT OR REPLACE INTO children VALUES(?,?,?,?,?,?)",
	[ST_DEL_CHILD] = "DELETE FROM children WHERE kind=? AND name=?",
	[ST_NEXT_GENERATION] =
		"UPDATE meta SET value=value+1 WHERE key='generation' RETURNING value",
	[ST_EACH_PF] = "SELECT name, num_vfs, wanted FROM pfs ORDER BY name",
	[ST_EACH_HOST_PF] =
		("SELECT name, bdf, driver, old_driver, old_override, autoprobe, was_up, token,"
		 " caps, switched FROM host_pfs ORDER BY name"),
	[ST_EACH_BASELINE] =
		("SELECT pf, vf, has, mac, vlan, vlan_qos, vlan_proto, spoofchk, trust,"
		 " min_tx_rate, max_tx_rate, link_state FROM baselines ORDER BY pf, vf"),
	[ST_EACH_NET] =
		("SELECT name, mac, vlan, vlan_qos, spoofchk, pf, vlan_proto, trust, min_tx_rate,"
		 " max_tx_rate, link_state, home, home_path, home_backend, home_link, home_queues"
		 " FROM nets ORDER BY name"),
	[ST_EACH_VM] =
		("SELECT name, memory_mib, state, reason, boot_id, kept, spec FROM vms"
		 " ORDER BY name"),
	[ST_EACH_ATTACHMENT] =
		("SELECT net, vm, path, pf, vf, generation, phase, backend, link, queues,"
		 " again FROM attachments ORDER BY net"),
	[ST_EACH_PLUG] =
		"SELECT vm, slot, n, time_us, asked, net, result, text FROM plugs ORDER BY vm, n",
	[ST_EACH_OP] = "SELECT slot, n, id, request, status, error, answer FROM ops ORDER BY n",
	[ST_EACH_QUARANTINE] = "SELECT pf, vf, reason FROM quarantine ORDER BY pf, vf",
	[ST_EACH_CHILD] =
		("SELECT kind, name, pid, start_time, ctl_path, boot_id FROM children"
		 " ORDER BY kind, name"),
};
/* clang-format on */

static const char *const phase_names[PHASES] = {
	[PHASE_ATTACHING] = "attaching", [PHASE_ATTACHED] = "attached",
	[PHASE_DETACHING] = "detaching", [PHASE_SANITISING] = "sanitising",
	[PHASE_LOST] = "lost",
};

const char *phase_name(enum phase phase)
{
	return phase_names[phase];
}

int ledger_errno(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_OK:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_CONSTRAINT:
		return -EEXIST;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	default:
		return -EIO;
	}
}

/* The statement, reset and with its bindings dropped; prepared at its first use. */
int ledger_statement(struct ledger *l, enum ledger_statement id, sqlite3_stmt **ret_st)
{
	int code;

	if (!l->st[id]) {
		code = sqlite3_prepare_v3(l->db, statements[id], -1, SQLITE_PREPARE_PERSISTENT,
					  &l->st[id], NULL);
		if (code != SQLITE_OK)
			return ledger_errno(code);
	}
	sqlite3_reset(l->st[id]);
	sqlite3_clear_bindings(l->st[id]);
	*ret_st = l->st[id];
	return 0;
}

/* Bind by @types: s text (const char *), i int64_t, n NULL (eats an int64_t); step to the end. */
static int run(struct ledger *l, enum ledger_statement id, const char *types, ...)
{
	sqlite3_stmt *st = NULL;
	va_list ap;
	int64_t value;
	int code = SQLITE_OK;
	int r;

	r = ledger_statement(l, id, &st);
	if (r < 0)
		return r;
	va_start(ap, types);
	for (int i = 0; types[i] && code == SQLITE_OK; i++) {
		if (types[i] == 's') {
			code = sqlite3_bind_text(st, i + 1, va_arg(ap, const char *), -1,
						 SQLITE_TRANSIENT);
			continue;
		}
		value = va_arg(ap, int64_t);
		if (types[i] == 'i')
			code = sqlite3_bind_int64(st, i + 1, value);
	}
	va_end(ap);
	while (code == SQLITE_OK || code == SQLITE_ROW)
		code = sqlite3_step(st);
	sqlite3_reset(st);
	return ledger_errno(code);
}

static int ledger_script(struct ledger *l, const char *sql)
{
	return ledger_errno(sqlite3_exec(l->db, sql, NULL, NULL, NULL));
}

static int user_version(struct ledger *l, int *ret_version)
{
	sqlite3_stmt *st = NULL;
	int code;

	code = sqlite3_prepare_v2(l->db, "PRAGMA user_version", -1, &st, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_step(st);
	if (code == SQLITE_ROW)
		*ret_version = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return code == SQLITE_ROW ? 0 : ledger_errno(code);
}

static int schema_prepare(struct ledger *l)
{
	char sql[64];
	int version = 0;
	int r;

	r = user_version(l, &version);
	if (r < 0)
		return r;
	if (version == LEDGER_VERSION)
		return 0;
	if (version < 0 || version > LEDGER_VERSION)
		return -EPROTONOSUPPORT;

	r = ledger_begin(l);
	if (r < 0)
		return r;
	snprintf(sql, sizeof(sql), "PRAGMA user_version=%d", LEDGER_VERSION);
	for (; r >= 0 && version < LEDGER_VERSION; version++)
		r = ledger_script(l, schema[version]);
	if (r >= 0)
		r = ledger_script(l, sql);
	if (r >= 0)
		return ledger_commit(l);
	ledger_rollback(l);
	return r;
}

int ledger_open(const char *path, struct ledger **ret_ledger)
{
	_cleanup_(ledger_closep) struct ledger *l = NULL;
	int code, r;

	l = calloc(1, sizeof(*l));
	if (!l)
		return -ENOMEM;
	code = sqlite3_open_v2(path, &l->db,
			       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
			       NULL);
	if (code != SQLITE_OK)
		return ledger_errno(code);
	sqlite3_busy_timeout(l->db, LEDGER_BUSY_MS);
	r = ledger_script(l, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			     "PRAGMA foreign_keys=ON; PRAGMA secure_delete=OFF;");
	if (r < 0)
		return r;
	r = schema_prepare(l);
	if (r < 0)
		return r;
	*ret_ledger = TAKE_PTR(l);
	return 0;
}

void ledger_close(struct ledger *l)
{
	if (!l)
		return;
	for (size_t i = 0; i < LEDGER_STATEMENTS; i++)
		sqlite3_finalize(l->st[i]);
	sqlite3_close(l->db);
	free(l);
}

int ledger_begin(struct ledger *l)
{
	return run(l, ST_BEGIN, "");
}

int ledger_commit(struct ledger *l)
{
	int r = run(l, ST_COMMIT, "");

	if (r < 0)
		ledger_rollback(l);
	return r;
}

void ledger_rollback(struct ledger *l)
{
	/* it fails only when SQLite has rolled back already */
	(void)!run(l, ST_ROLLBACK, "");
}

int ledger_put_pf(struct ledger *l, const struct row_pf *row)
{
	return run(l, ST_PUT_PF, "sii", row->name, (int64_t)row->num_vfs, (int64_t)row->wanted);
}

int ledger_put_net(struct ledger *l, const struct row_net *row)
{
	char mac[MAC_TEXT];

	return run(l, ST_PUT_NET, "ssiiisiiiiissssi", row->name, mac_format(&row->mac, mac),
		   (int64_t)row->vlan, (int64_t)row->vlan_qos, (int64_t)row->spoofchk, row->pf,
		   (int64_t)(row->vlan_proto ?: ETH_P_8021Q), (int64_t)row->trust,
		   (int64_t)row->min_tx_rate, (int64_t)row->max_tx_rate, (int64_t)row->link_state,
		   row->home, row->home_path, row->home_backend, row->home_link,
		   (int64_t)row->home_queues);
}

int ledger_put_host_pf(struct ledger *l, const struct row_host_pf *row)
{
	return run(l, ST_PUT_HOST_PF, "sssssiisii", row->name, row->bdf, row->driver,
		   row->before.driver, row->before.override, (int64_t)row->autoprobe,
		   (int64_t)row->was_up, row->token, (int64_t)row->caps, (int64_t)row->switched);
}

int ledger_add_host_pf(struct ledger *l, const struct row_host_pf *row)
{
	struct row_pf pf = {};
	int r;

	memcpy(pf.name, row->name, sizeof(pf.name));
	r = ledger_begin(l);
	if (r < 0)
		return r;
	r = ledger_put_pf(l, &pf);
	if (r >= 0)
		r = ledger_put_host_pf(l, row);
	if (r >= 0)
		return ledger_commit(l);
	ledger_rollback(l);
	return r;
}

int ledger_remove_host_pf(struct ledger *l, const char *name)
{
	static const enum ledger_statement rows[] = {ST_DEL_HOST_PF, ST_DEL_PF, ST_DEL_BASELINES,
						     ST_DEL_QUARANTINES};
	int r;

	r = ledger_begin(l);
	if (r < 0)
		return r;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && r >= 0; i++)
		r = run(l, rows[i], "s", name);
	if (r >= 0)
		return ledger_commit(l);
	ledger_rollback(l);
	return r;
}

int ledger_put_baseline(struct ledger *l, const struct row_baseline *row)
{
	const struct vf_attrs *a = &row->attrs;
	char mac[MAC_TEXT];

	return run(l, ST_PUT_BASELINE, "siisiiiiiiii", row->pf, (int64_t)row->vf, (int64_t)row->has,
		   mac_format(&a->mac, mac), (int64_t)a->vlan, (int64_t)a->vlan_qos,
		   (int64_t)(a->vlan_proto ?: ETH_P_8021Q), (int64_t)a->spoofchk, (int64_t)a->trust,
		   (int64_t)a->min_tx_rate, (int64_t)a->max_tx_rate, (int64_t)a->link_state);
}

int ledger_del_baselines(struct ledger *l, const char *pf)
{
	return run(l, ST_DEL_BASELINES, "s", pf);
}

int ledger_del_net(struct ledger *l, const char *name)
{
	return run(l, ST_DEL_NET, "s", name);
}

int ledger_put_vm(struct ledger *l, const struct row_vm *row)
{
	return run(l, ST_PUT_VM, "sisssis", row->name, (int64_t)row->memory_mib, row->state,
		   row->reason, row->boot_id, (int64_t)row->kept, row->spec);
}

int ledger_del_vm(struct ledger *l, const char *name)
{
	/* a VM without its history may be left, no history without its VM */
	int r = run(l, ST_DEL_PLUGS, "s", name);

	return r < 0 ? r : run(l, ST_DEL_VM, "s", name);
}

/* For what a kill of sriovd must leave there, and a loss of power need not. */
static int hasty(struct ledger *l, bool on)
{
	/* no statements of the table: these take effect when they are compiled */
	return ledger_script(l, on ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
}

int ledger_put_plug(struct ledger *l, const struct row_plug *row)
{
	int r, durable;

	r = hasty(l, true);
	if (r < 0)
		return r;
	r = run(l, ST_PUT_PLUG, "siiiisss", row->vm, (int64_t)(row->n % LEDGER_PLUGS),
		(int64_t)row->n, (int64_t)row->time_us, (int64_t)row->asked, row->net, row->result,
		row->text);
	durable = hasty(l, false);
	return r < 0 ? r : durable;
}

int ledger_put_op(struct ledger *l, const struct row_op *row)
{
	int r, durable;

	r = hasty(l, true);
	if (r < 0)
		return r;
	r = run(l, ST_PUT_OP, "iissiis", (int64_t)(row->n % LEDGER_OPS), (int64_t)row->n, row->id,
		row->request, (int64_t)row->status, (int64_t)row->error, row->answer);
	durable = hasty(l, false);
	return r < 0 ? r : durable;
}

int ledger_del_op(struct ledger *l, const char *id)
{
	return run(l, ST_DEL_OP, "s", id);
}

int ledger_put_attachment(struct ledger *l, const struct row_attachment *row)
{
	/* NULL, not -1, without a VF: NULLs do not meet in the UNIQUE of (pf, vf) */
	return run(l, ST_PUT_ATTACHMENT, row->vf < 0 ? "ssssnisssis" : "ssssiisssis", row->net,
		   row->vm, row->path, row->pf, (int64_t)row->vf, (int64_t)row->generation,
		   phase_name(row->phase), row->backend, row->link, (int64_t)row->queues,
		   row->again);
}

int ledger_set_phase(struct ledger *l, const char *net, enum phase phase)
{
	return run(l, ST_SET_PHASE, "ss", phase_name(phase), net);
}

int ledger_del_attachment(struct ledger *l, const char *net)
{
	return run(l, ST_DEL_ATTACHMENT, "s", net);
}

int ledger_put_quarantine(struct ledger *l, const struct row_quarantine *row)
{
	return run(l, ST_PUT_QUARANTINE, "sis", row->pf, (int64_t)row->vf, row->reason);
}

int ledger_del_quarantine(struct ledger *l, const char *pf, unsigned int vf)
{
	return run(l, ST_DEL_QUARANTINE, "si", pf, (int64_t)vf);
}

int ledger_del_quarantines(struct ledger *l, const char *pf)
{
	return run(l, ST_DEL_QUARANTINES, "s", pf);
}

int ledger_put_child(struct ledger *l, const struct row_child *row)
{
	return run(l, ST_PUT_CHILD, "ssiiss", row->kind, row->name, (int64_t)row->pid,
		   (int64_t)row->start_time, row->ctl_path, row->boot_id);
}

int ledger_del_child(struct ledger *l, const char *kind, const char *name)
{
	return run(l, ST_DEL_CHILD, "ss", kind, name);
}

int ledger_quarantine(struct ledger *l, const char *net, const struct row_quarantine *row)
{
	int r;

	r = ledger_begin(l);
	if (r < 0)
		return r;
	r = ledger_del_attachment(l, net);
	if (r >= 0)
		r = ledger_put_quarantine(l, row);
	if (r >= 0)
		return ledger_commit(l);
	ledger_rollback(l);
	return r;
}

int ledger_generation(struct ledger *l, uint64_t *ret_generation)
{
	sqlite3_stmt *st = NULL;
	uint64_t generation = 0;
	int code, r;

	r = ledger_statement(l, ST_NEXT_GENERATION, &st);
	if (r < 0)
		return r;
	code = sqlite3_step(st);
	if (code == SQLITE_ROW) {
		generation = (uint64_t)sqlite3_column_int64(st, 0);
		code = sqlite3_step(st);
	}
	sqlite3_reset(st);
	if (code != SQLITE_DONE || generation == 0)
		return code == SQLITE_DONE ? -EUCLEAN : ledger_errno(code);
	*ret_generation = generation;
	return 0;
}
