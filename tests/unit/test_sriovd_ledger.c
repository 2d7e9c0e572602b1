/* SPDX-License-Identifier: BSD-3-Clause */
#include <linux/if_ether.h>
#include <signal.h>
#include <sqlite3.h>
#include <sriovd/ledger.h>
#include <stdio.h>
#include <string.h>
#include <support/test.h>
#include <sys/wait.h>

struct fixture {
	char dir[32];
	char path[64];
	struct ledger *l;
};

static const struct row_net blue = {.name = "blue",
				    .mac = {{2, 0, 0, 0, 0, 1}},
				    .vlan = 10,
				    .vlan_qos = 3,
				    .spoofchk = true,
				    .pf = "p0"};
static const struct row_attachment blue_in_vm1 = {
	.net = "blue",
	.vm = "vm1",
	.path = "vf",
	.pf = "p0",
	.vf = 2,
	.generation = 7,
	.phase = PHASE_ATTACHING,
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/ledgerXXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	snprintf(f->path, sizeof(f->path), "%s/state.db", f->dir);
	*state = f;
	return ledger_open(f->path, &f->l);
}

static int teardown(void **state)
{
	static const char *const files[] = {"state.db", "state.db-wal", "state.db-shm"};
	struct fixture *f = *state;
	char path[96];

	ledger_close(f->l);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		snprintf(path, sizeof(path), "%s/%s", f->dir, files[i]);
		unlink(path);
	}
	rmdir(f->dir);
	free(f);
	return 0;
}

static void reopen(struct fixture *f)
{
	ledger_close(f->l);
	f->l = NULL;
	assert_int_equal(ledger_open(f->path, &f->l), 0);
}

static int take_net(const struct row_net *row, void *userdata)
{
	*(struct row_net *)userdata = *row;
	return 1;
}

static int take_attachment(const struct row_attachment *row, void *userdata)
{
	*(struct row_attachment *)userdata = *row;
	return 0;
}

static int take_quarantine(const struct row_quarantine *row, void *userdata)
{
	*(struct row_quarantine *)userdata = *row;
	return 0;
}

static int take_child(const struct row_child *row, void *userdata)
{
	*(struct row_child *)userdata = *row;
	return 0;
}

static int take_pf(const struct row_pf *row, void *userdata)
{
	*(struct row_pf *)userdata = *row;
	return 0;
}

static int take_vm(const struct row_vm *row, void *userdata)
{
	*(struct row_vm *)userdata = *row;
	return 0;
}

static int count_attachment(const struct row_attachment *row, void *userdata)
{
	(*(int *)userdata)++;
	return 0;
}

static int count_net(const struct row_net *row, void *userdata)
{
	(*(int *)userdata)++;
	return 0;
}

static int n_attachments(struct ledger *l)
{
	int n = 0;

	assert_int_equal(ledger_each_attachment(l, count_attachment, &n), 0);
	return n;
}

static void rows_come_back_as_they_were_written(void **state)
{
	struct fixture *f = *state;
	struct row_child child = {.kind = "sriov-vmm",
				  .name = "vm1",
				  .pid = 4711,
				  .start_time = UINT64_C(1) << 40,
				  .ctl_path = "/r/ctl.sock"};
	struct row_pf pf = {.name = "p0", .num_vfs = 2, .wanted = 4}, pf_back = {};
	struct row_attachment attachment = {};
	struct row_child child_back = {};
	struct row_net net = {};

	assert_int_equal(ledger_put_pf(f->l, &pf), 0);
	assert_int_equal(ledger_put_net(f->l, &blue), 0);
	assert_int_equal(ledger_put_attachment(f->l, &blue_in_vm1), 0);
	assert_int_equal(ledger_put_child(f->l, &child), 0);
	reopen(f);
	assert_int_equal(ledger_each_pf(f->l, take_pf, &pf_back), 0);
	assert_memory_equal(&pf_back, &pf, sizeof(pf));
	assert_int_equal(ledger_each_net(f->l, take_net, &net), 0);
	assert_string_equal(net.name, blue.name);
	assert_true(mac_equal(&net.mac, &blue.mac));
	assert_int_equal(net.vlan, blue.vlan);
	assert_int_equal(net.vlan_qos, blue.vlan_qos);
	assert_int_equal(net.spoofchk, blue.spoofchk);
	assert_string_equal(net.pf, blue.pf);
	assert_int_equal(ledger_each_attachment(f->l, take_attachment, &attachment), 0);
	assert_string_equal(attachment.vm, "vm1");
	assert_string_equal(attachment.path, "vf");
	assert_int_equal(attachment.vf, 2);
	assert_int_equal(attachment.generation, 7);
	assert_int_equal(attachment.phase, PHASE_ATTACHING);
	assert_int_equal(ledger_each_child(f->l, take_child, &child_back), 0);
	assert_string_equal(child_back.kind, child.kind);
	assert_string_equal(child_back.ctl_path, child.ctl_path);
	assert_int_equal(child_back.pid, child.pid);
	assert_int_equal(child_back.start_time, child.start_time);
}

/*
 * A process writes an intent, begins its commit and is killed: the next one finds the intent alone.
 */
static void intent_survives_a_kill_between_it_and_the_commit(void **state)
{
	struct fixture *f = *state;
	struct row_attachment back = {};
	int status;
	pid_t pid;

	ledger_close(f->l);
	f->l = NULL;
	pid = fork();
	if (pid == 0) {
		struct ledger *l;

		if (ledger_open(f->path, &l) < 0 || ledger_put_net(l, &blue) < 0 ||
		    ledger_put_attachment(l, &blue_in_vm1) < 0 || ledger_begin(l) < 0 ||
		    ledger_set_phase(l, "blue", PHASE_ATTACHED) < 0)
			_exit(1);
		raise(SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);

	assert_int_equal(ledger_open(f->path, &f->l), 0);
	assert_int_equal(ledger_each_attachment(f->l, take_attachment, &back), 0);
	assert_int_equal(back.phase, PHASE_ATTACHING);
	assert_int_equal(back.vf, 2);
	assert_int_equal(ledger_set_phase(f->l, "blue", PHASE_ATTACHED), 0);
	reopen(f);
	assert_int_equal(ledger_each_attachment(f->l, take_attachment, &back), 0);
	assert_int_equal(back.phase, PHASE_ATTACHED);
}

static void one_vf_cannot_be_promised_twice(void **state)
{
	struct row_attachment other = blue_in_vm1;
	struct row_net red = blue;
	struct fixture *f = *state;
	int n = 0;

	strcpy(red.name, "red");
	assert_int_equal(ledger_put_net(f->l, &blue), 0);
	assert_int_equal(ledger_put_net(f->l, &red), -EEXIST); /* the same MAC */
	red.mac.b[5] = 9;
	assert_int_equal(ledger_put_net(f->l, &red), 0);
	assert_int_equal(ledger_put_attachment(f->l, &blue_in_vm1), 0);

	/* REPLACE on (pf, vf) would throw blue out silently */
	strcpy(other.net, "red");
	assert_int_equal(ledger_put_attachment(f->l, &other), -EEXIST);
	assert_int_equal(n_attachments(f->l), 1);
	assert_int_equal(ledger_del_net(f->l, "blue"), -EEXIST); /* attached */
	assert_int_equal(ledger_each_net(f->l, count_net, &n), 0);
	assert_int_equal(n, 2);
}

static void bridge_ports_do_not_compete_for_a_vf(void **state)
{
	struct row_attachment a = blue_in_vm1, b = blue_in_vm1, back = {};
	struct row_net red = blue;
	struct fixture *f = *state;

	strcpy(red.name, "red");
	red.mac.b[5] = 9;
	assert_int_equal(ledger_put_net(f->l, &blue), 0);
	assert_int_equal(ledger_put_net(f->l, &red), 0);
	strcpy(b.net, "red");
	a.vf = b.vf = -1;
	assert_int_equal(ledger_put_attachment(f->l, &a), 0);
	assert_int_equal(ledger_put_attachment(f->l, &b), 0);
	assert_int_equal(n_attachments(f->l), 2);
	assert_int_equal(ledger_each_attachment(f->l, take_attachment, &back), 0);
	assert_int_equal(back.vf, -1);
}

static void quarantine_moves_a_vf_in_one_step(void **state)
{
	static const struct row_quarantine row = {.pf = "p0", .vf = 2, .reason = "no answer"};
	struct row_quarantine back = {};
	struct fixture *f = *state;

	assert_int_equal(ledger_put_net(f->l, &blue), 0);
	assert_int_equal(ledger_put_attachment(f->l, &blue_in_vm1), 0);
	assert_int_equal(ledger_quarantine(f->l, "blue", &row), 0);
	reopen(f);
	assert_int_equal(n_attachments(f->l), 0);
	assert_int_equal(ledger_each_quarantine(f->l, take_quarantine, &back), 0);
	assert_string_equal(back.pf, row.pf);
	assert_int_equal(back.vf, row.vf);
	assert_string_equal(back.reason, row.reason);
	assert_int_equal(ledger_del_quarantine(f->l, "p0", 2), 0);
}

static void generations_are_never_used_twice(void **state)
{
	struct fixture *f = *state;
	uint64_t a = 0, b = 0;

	assert_int_equal(ledger_generation(f->l, &a), 0);
	reopen(f);
	assert_int_equal(ledger_generation(f->l, &b), 0);
	assert_true(a > 0 && b > a);
}

static void spoil(const char *path, const char *sql)
{
	sqlite3 *db = NULL;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void rows_no_sriovd_wrote_are_refused(void **state)
{
	struct fixture *f = *state;
	struct row_net net;

	assert_int_equal(ledger_put_net(f->l, &blue), 0);
	spoil(f->path, "UPDATE nets SET vlan=5000");
	assert_int_equal(ledger_each_net(f->l, take_net, &net), -EUCLEAN);
	spoil(f->path, "UPDATE nets SET vlan=1, name='../../etc'");
	assert_int_equal(ledger_each_net(f->l, take_net, &net), -EUCLEAN);
}

static int take_host_pf(const struct row_host_pf *row, void *userdata)
{
	*(struct row_host_pf *)userdata = *row;
	return 0;
}

static int take_baseline(const struct row_baseline *row, void *userdata)
{
	*(struct row_baseline *)userdata = *row;
	return 0;
}

static const struct row_host_pf igb = {.name = "p1",
				       .bdf = "0000:01:00.0",
				       .driver = "igb",
				       .before = {.driver = "igb"},
				       .autoprobe = true,
				       .token = "2ab74924-c335-45f4-9b16-8569e5b08258",
				       .caps = VF_ATTR_MAC | VF_ATTR_TRUST,
				       .switched = true};
static const struct row_baseline igb_vf = {
	.pf = "p1",
	.vf = 2,
	.has = VF_ATTR_MAC | VF_ATTR_SPOOFCHK,
	.attrs = {.vlan_proto = ETH_P_8021Q, .spoofchk = true, .max_tx_rate = UINT32_MAX}};

static void pf_of_the_host_comes_and_goes_with_all_its_rows(void **state)
{
	struct row_quarantine quarantine = {.pf = "p1", .vf = 1, .reason = "x"}, none = {};
	struct row_baseline baseline = {}, no_baseline = {};
	struct row_host_pf back = {}, nobody = {};
	struct fixture *f = *state;
	struct row_pf pf = {};

	assert_int_equal(ledger_add_host_pf(f->l, &igb), 0);
	assert_int_equal(ledger_put_baseline(f->l, &igb_vf), 0);
	assert_int_equal(ledger_put_quarantine(f->l, &quarantine), 0);
	reopen(f);
	assert_int_equal(ledger_each_host_pf(f->l, take_host_pf, &back), 0);
	assert_memory_equal(&back, &igb, sizeof(igb));
	assert_int_equal(ledger_each_pf(f->l, take_pf, &pf), 0);
	assert_string_equal(pf.name, "p1");
	assert_int_equal(ledger_each_baseline(f->l, take_baseline, &baseline), 0);
	assert_string_equal(baseline.pf, "p1");
	assert_int_equal(baseline.has, igb_vf.has);
	assert_true(baseline.attrs.spoofchk);
	assert_int_equal(baseline.attrs.max_tx_rate, UINT32_MAX);

	assert_int_equal(ledger_remove_host_pf(f->l, "p1"), 0);
	assert_int_equal(ledger_each_host_pf(f->l, take_host_pf, &nobody), 0);
	assert_int_equal(nobody.name[0], 0);
	assert_int_equal(ledger_each_baseline(f->l, take_baseline, &no_baseline), 0);
	assert_int_equal(no_baseline.pf[0], 0);
	assert_int_equal(ledger_each_quarantine(f->l, take_quarantine, &none), 0);
	assert_int_equal(none.pf[0], 0);
}

static void two_pfs_cannot_be_one_function(void **state)
{
	struct fixture *f = *state;
	struct row_host_pf other = igb;

	assert_int_equal(ledger_add_host_pf(f->l, &igb), 0);
	strcpy(other.name, "p2");
	other.bdf[0] = 'x'; /* what no sriovd writes is not read back */
	assert_int_equal(ledger_add_host_pf(f->l, &other), 0);
	assert_int_equal(ledger_each_host_pf(f->l, take_host_pf, &other), -EUCLEAN);
}

/* As version 1 wrote it. */
static void ledger_of_version_1_is_carried_over(void **state)
{
	static const char v1[] =
		"CREATE TABLE meta(key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
		"INSERT INTO meta VALUES('generation', 5);"
		"CREATE TABLE pfs(name TEXT PRIMARY KEY, num_vfs INTEGER NOT NULL, wanted INTEGER "
		"NOT NULL) STRICT;"
		"CREATE TABLE nets(name TEXT PRIMARY KEY, mac TEXT NOT NULL UNIQUE,"
		"  vlan INTEGER NOT NULL, vlan_qos INTEGER NOT NULL, spoofchk INTEGER NOT NULL,"
		"  pf TEXT NOT NULL) STRICT;"
		"INSERT INTO nets VALUES('blue','02:00:00:00:00:01',10,3,1,'p0');"
		"CREATE TABLE vms(name TEXT PRIMARY KEY, memory_mib INTEGER NOT NULL,"
		"  state TEXT NOT NULL, reason TEXT NOT NULL, boot_id TEXT NOT NULL) STRICT;"
		"CREATE TABLE attachments(net TEXT PRIMARY KEY REFERENCES nets(name),"
		"  vm TEXT NOT NULL, path TEXT NOT NULL, pf TEXT NOT NULL, vf INTEGER,"
		"  generation INTEGER NOT NULL, phase TEXT NOT NULL, UNIQUE(pf, vf)) STRICT;"
		"INSERT INTO attachments VALUES('blue','vm1','vf','p0',2,5,'attached');"
		"CREATE TABLE quarantine(pf TEXT NOT NULL, vf INTEGER NOT NULL,"
		"  reason TEXT NOT NULL, PRIMARY KEY(pf, vf)) STRICT;"
		"CREATE TABLE children(kind TEXT NOT NULL, name TEXT NOT NULL,"
		"  pid INTEGER NOT NULL, start_time INTEGER NOT NULL, ctl_path TEXT NOT NULL,"
		"  boot_id TEXT NOT NULL, PRIMARY KEY(kind, name)) STRICT;"
		"PRAGMA user_version=1";
	struct fixture *f = *state;
	struct row_net net = {};
	uint64_t generation;

	ledger_close(f->l);
	f->l = NULL;
	unlink(f->path);
	spoil(f->path, v1);
	assert_int_equal(ledger_open(f->path, &f->l), 0);
	assert_int_equal(ledger_each_net(f->l, take_net, &net), 0);
	assert_int_equal(net.vlan, 10);
	assert_int_equal(net.vlan_proto, ETH_P_8021Q);
	assert_false(net.trust);
	assert_int_equal(net.max_tx_rate, 0);
	assert_int_equal(net.link_state, VF_LINK_AUTO);
	assert_int_equal(n_attachments(f->l), 1);
	assert_int_equal(ledger_generation(f->l, &generation), 0);
	assert_int_equal(generation, 6);
	assert_int_equal(ledger_add_host_pf(f->l, &igb), 0);
	reopen(f); /* once is enough */
	net.trust = true;
	assert_int_equal(ledger_put_net(f->l, &net), 0);
}

#define WITHOUT_BACKENDS                               \
	"DROP TABLE plugs; DROP TABLE ops;"            \
	"ALTER TABLE attachments DROP COLUMN backend;" \
	"ALTER TABLE attachments DROP COLUMN link;"    \
	"ALTER TABLE attachments DROP COLUMN queues;"  \
	"ALTER TABLE attachments DROP COLUMN again;"   \
	"ALTER TABLE nets DROP COLUMN home_backend;"   \
	"ALTER TABLE nets DROP COLUMN home_link;"      \
	"ALTER TABLE nets DROP COLUMN home_queues;"

/* As version 2 wrote it: a VM that was only started, and a net that belongs nowhere. */
static void vms_of_version_2_are_not_defined(void **state)
{
	struct fixture *f = *state;
	struct row_net net = {};
	struct row_vm vm = {};

	assert_int_equal(ledger_put_net(f->l, &blue), 0);
	ledger_close(f->l);
	f->l = NULL;
	spoil(f->path, "ALTER TABLE vms DROP COLUMN kept; ALTER TABLE vms DROP COLUMN spec;"
		       "ALTER TABLE nets DROP COLUMN home; ALTER TABLE nets DROP COLUMN home_path;"
		       "ALTER TABLE host_pfs DROP COLUMN switched;" WITHOUT_BACKENDS
		       "INSERT INTO vms VALUES('vm1', 64, 'running', '', 'boot');"
		       "PRAGMA user_version=2");
	assert_int_equal(ledger_open(f->path, &f->l), 0);
	assert_int_equal(ledger_each_vm(f->l, take_vm, &vm), 0);
	assert_string_equal(vm.name, "vm1");
	assert_int_equal(vm.memory_mib, 64);
	assert_false(vm.kept);
	assert_string_equal(vm.spec, "");
	assert_int_equal(ledger_each_net(f->l, take_net, &net), 0);
	assert_string_equal(net.home, "");

	vm.kept = true;
	strcpy(vm.spec, "{}");
	strcpy(net.home, "vm1");
	strcpy(net.home_path, "vf");
	assert_int_equal(ledger_put_vm(f->l, &vm), 0);
	assert_int_equal(ledger_put_net(f->l, &net), 0);
	reopen(f);
	vm = (struct row_vm){};
	assert_int_equal(ledger_each_vm(f->l, take_vm, &vm), 0);
	assert_int_equal(ledger_each_net(f->l, take_net, &net), 0);
	assert_true(vm.kept);
	assert_string_equal(vm.spec, "{}");
	assert_string_equal(net.home, "vm1");
	assert_string_equal(net.home_path, "vf");
}

static void backends_of_version_4_follow_from_the_path(void **state)
{
	struct fixture *f = *state;
	struct row_attachment row = {};
	struct row_net net = {};

	assert_int_equal(ledger_put_net(f->l, &blue), 0);
	ledger_close(f->l);
	f->l = NULL;
	spoil(f->path, WITHOUT_BACKENDS
	      "INSERT INTO attachments VALUES('blue','vm1','virtio','br0',NULL,5,'attached');"
	      "PRAGMA user_version=4");
	assert_int_equal(ledger_open(f->path, &f->l), 0);
	assert_int_equal(ledger_each_attachment(f->l, take_attachment, &row), 0);
	assert_string_equal(row.backend, "bridge");
	assert_int_equal(row.vf, -1);

	strcpy(row.backend, "tap");
	strcpy(row.link, "br7");
	row.pf[0] = '\0'; /* neither PF nor bridge of ours */
	row.queues = 4;
	strcpy(row.again, "p0");
	assert_int_equal(ledger_put_attachment(f->l, &row), 0);
	assert_int_equal(ledger_each_net(f->l, take_net, &net), 0);
	strcpy(net.home_backend, "tap");
	strcpy(net.home_link, "br7");
	net.home_queues = 2;
	assert_int_equal(ledger_put_net(f->l, &net), 0);
	reopen(f);
	row = (struct row_attachment){};
	net = (struct row_net){};
	assert_int_equal(ledger_each_attachment(f->l, take_attachment, &row), 0);
	assert_int_equal(ledger_each_net(f->l, take_net, &net), 0);
	assert_string_equal(row.backend, "tap");
	assert_string_equal(row.link, "br7");
	assert_int_equal(row.queues, 4);
	assert_string_equal(row.again, "p0");
	assert_string_equal(net.home_backend, "tap");
	assert_string_equal(net.home_link, "br7");
	assert_int_equal(net.home_queues, 2);
}

struct plugs {
	unsigned int count;
	struct row_plug row[2 * LEDGER_PLUGS];
};

static int take_plug(const struct row_plug *row, void *userdata)
{
	struct plugs *p = userdata;

	assert_true(p->count < 2 * LEDGER_PLUGS);
	p->row[p->count++] = *row;
	return 0;
}

static void put_plugs(struct ledger *l, const char *vm, unsigned int n)
{
	struct row_plug row = {.asked = 1, .net = "blue", .result = "refused", .text = "busy"};

	strcpy(row.vm, vm);
	for (row.n = 0; row.n < n; row.n++) {
		row.time_us = 1000 + row.n;
		assert_int_equal(ledger_put_plug(l, &row), 0);
	}
}

static void the_last_eight_plugs_of_a_vm_are_kept_as_long_as_it_is(void **state)
{
	struct row_vm vm = {.name = "vm1", .memory_mib = 64, .state = "running"};
	struct fixture *f = *state;
	struct plugs p = {};

	assert_int_equal(ledger_put_vm(f->l, &vm), 0);
	put_plugs(f->l, "vm1", LEDGER_PLUGS + 3);
	put_plugs(f->l, "vm2", 1);
	strcpy(vm.state, "crashed"); /* its own row is written anew each time */
	assert_int_equal(ledger_put_vm(f->l, &vm), 0);
	reopen(f);
	assert_int_equal(ledger_each_plug(f->l, take_plug, &p), 0);
	assert_int_equal(p.count, LEDGER_PLUGS + 1);
	for (unsigned int i = 0; i < LEDGER_PLUGS; i++) {
		assert_string_equal(p.row[i].vm, "vm1");
		assert_int_equal(p.row[i].n, i + 3);
		assert_int_equal(p.row[i].time_us, 1000 + i + 3);
	}
	assert_string_equal(p.row[0].net, "blue");
	assert_int_equal(p.row[0].asked, 1);
	assert_string_equal(p.row[0].result, "refused");
	assert_string_equal(p.row[0].text, "busy");

	assert_int_equal(ledger_del_vm(f->l, "vm1"), 0);
	p.count = 0;
	assert_int_equal(ledger_each_plug(f->l, take_plug, &p), 0);
	assert_int_equal(p.count, 1);
	assert_string_equal(p.row[0].vm, "vm2");
	spoil(f->path, "UPDATE plugs SET n = 1");
	assert_int_equal(ledger_each_plug(f->l, take_plug, &p), -EUCLEAN);
}

static void ledger_of_version_5_gets_a_place_for_plugs(void **state)
{
	struct fixture *f = *state;
	struct plugs p = {};

	assert_int_equal(ledger_put_net(f->l, &blue), 0);
	ledger_close(f->l);
	f->l = NULL;
	spoil(f->path, "DROP TABLE plugs; DROP TABLE ops; PRAGMA user_version=5");
	assert_int_equal(ledger_open(f->path, &f->l), 0);
	assert_int_equal(ledger_each_plug(f->l, take_plug, &p), 0);
	assert_int_equal(p.count, 0);
	put_plugs(f->l, "vm1", 2);
	reopen(f);
	assert_int_equal(ledger_each_plug(f->l, take_plug, &p), 0);
	assert_int_equal(p.count, 2);
}

struct ops {
	unsigned int count;
	struct row_op row[2 * LEDGER_OPS];
};

static int take_op(const struct row_op *row, void *userdata)
{
	struct ops *o = userdata;

	assert_true(o->count < 2 * LEDGER_OPS);
	o->row[o->count++] = *row;
	return 0;
}

static void requests_with_an_id_are_kept_and_replaced(void **state)
{
	struct fixture *f = *state;
	struct row_op row = {.request = "POST /v1/nets/blue/detach {}"};
	struct ops o = {};

	ledger_close(f->l);
	f->l = NULL;
	spoil(f->path, "DROP TABLE ops; PRAGMA user_version=6");
	assert_int_equal(ledger_open(f->path, &f->l), 0);
	for (unsigned int i = 0; i < LEDGER_OPS + 3; i++) {
		row.n = i;
		row.status = i % 2 ? 504 : 200;
		row.error = i % 2 ? -ETIMEDOUT : 0;
		snprintf(row.id, sizeof(row.id), "op-%u", i);
		snprintf(row.answer, sizeof(row.answer), "{\"n\":%u}", i);
		assert_int_equal(ledger_put_op(f->l, &row), 0);
	}
	assert_int_equal(ledger_del_op(f->l, "op-7"), 0);
	reopen(f);
	assert_int_equal(ledger_each_op(f->l, take_op, &o), 0);
	assert_int_equal(o.count, LEDGER_OPS - 1);
	assert_string_equal(o.row[0].id, "op-3");
	assert_string_equal(o.row[0].answer, "{\"n\":3}");
	assert_string_equal(o.row[0].request, row.request);
	assert_int_equal(o.row[0].status, 504);
	assert_int_equal(o.row[0].error, -ETIMEDOUT);
	assert_int_equal(o.row[o.count - 1].n, LEDGER_OPS + 2);
	spoil(f->path, "UPDATE ops SET n = 1");
	assert_int_equal(ledger_each_op(f->l, take_op, &o), -EUCLEAN);
}

static void newer_ledger_is_refused(void **state)
{
	struct fixture *f = *state;

	ledger_close(f->l);
	f->l = NULL;
	spoil(f->path, "PRAGMA user_version=99");
	assert_int_equal(ledger_open(f->path, &f->l), -EPROTONOSUPPORT);
}

static void file_that_is_no_ledger_is_refused(void **state)
{
	struct fixture *f = *state;
	char path[96];
	FILE *file;

	snprintf(path, sizeof(path), "%s/other.db", f->dir);
	file = fopen(path, "w");
	assert_non_null(file);
	for (int i = 0; i < 500; i++)
		fputs("this is no database ", file);
	fclose(file);
	ledger_close(f->l);
	f->l = NULL;
	assert_int_equal(ledger_open(path, &f->l), -EUCLEAN);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(rows_come_back_as_they_were_written, setup,
						teardown),
		cmocka_unit_test_setup_teardown(intent_survives_a_kill_between_it_and_the_commit,
						setup, teardown),
		cmocka_unit_test_setup_teardown(one_vf_cannot_be_promised_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(bridge_ports_do_not_compete_for_a_vf, setup,
						teardown),
		cmocka_unit_test_setup_teardown(quarantine_moves_a_vf_in_one_step, setup, teardown),
		cmocka_unit_test_setup_teardown(generations_are_never_used_twice, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_no_sriovd_wrote_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(pf_of_the_host_comes_and_goes_with_all_its_rows,
						setup, teardown),
		cmocka_unit_test_setup_teardown(two_pfs_cannot_be_one_function, setup, teardown),
		cmocka_unit_test_setup_teardown(ledger_of_version_1_is_carried_over, setup,
						teardown),
		cmocka_unit_test_setup_teardown(vms_of_version_2_are_not_defined, setup, teardown),
		cmocka_unit_test_setup_teardown(backends_of_version_4_follow_from_the_path, setup,
						teardown),
		cmocka_unit_test_setup_teardown(
			the_last_eight_plugs_of_a_vm_are_kept_as_long_as_it_is, setup, teardown),
		cmocka_unit_test_setup_teardown(ledger_of_version_5_gets_a_place_for_plugs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(requests_with_an_id_are_kept_and_replaced, setup,
						teardown),
		cmocka_unit_test_setup_teardown(newer_ledger_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(file_that_is_no_ledger_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("ledger", tests, NULL, NULL);
}
