#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ledger: what was promised to whom, in SQLite (WAL, synchronous=FULL), so that it survives
 * kill -9 and power loss. An intent is written before an action and a commit after it; whoever
 * opens the ledger finds every half-done operation by its phase. Rows are plain values; what they
 * mean is reconcile.c's business. Not thread-safe: the daemon's baton protects it.
 */
#include <lib/cleanup.h>
#include <lib/pci_sysfs.h>
#include <net/if.h>
#include <sriovd/valid.h>
#include <sriovd/vf_rtnl.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LEDGER_VERSION	7
#define LEDGER_REASON	192u
#define BOOT_ID_SIZE	37u
#define TOKEN_SIZE	37u
#define LEDGER_SPEC	16384u
#define LEDGER_PLUGS	8u /* a VM */
#define LEDGER_OPS	32u
#define OP_ID_SIZE	65u
#define OP_REQUEST_SIZE 512u
#define OP_ANSWER_SIZE	4096u

struct ledger;

enum phase {
	PHASE_ATTACHING = 0,
	PHASE_ATTACHED,
	PHASE_DETACHING,
	PHASE_SANITISING, /* out of the VM, VF not yet clean */
	PHASE_LOST,	  /* the VF or port vanished under a running VM */
	PHASES,
};

struct row_pf {
	char name[NAME_SIZE];
	unsigned int num_vfs; /* committed */
	unsigned int wanted;  /* differs from num_vfs while a change is under way */
};

struct row_net {
	char name[NAME_SIZE];
	struct mac mac;
	unsigned int vlan;
	unsigned int vlan_qos;
	bool spoofchk;
	char pf[NAME_SIZE];  /* "": any */
	uint16_t vlan_proto; /* 0 stands for 0x8100 */
	bool trust;
	unsigned int min_tx_rate, max_tx_rate; /* Mbps, 0: none */
	enum vf_link link_state;
	char home[NAME_SIZE]; /* the defined VM it belongs to: attached again when that starts; ""
			       */
	char home_path[16];
	char home_backend[16]; /* as it was asked for; "": what the path has by itself */
	char home_link[IFNAMSIZ];
	unsigned int home_queues;
};

/* A PF of the host, and how it was found. */
struct row_host_pf {
	char name[NAME_SIZE];
	char bdf[PCISYS_BDF_MAX + 1];
	char driver[PCISYS_DRIVER_MAX]; /* of the kernel; vfio-pci: our PF driver has it */
	struct pcisys_binding before;	/* what drove it */
	bool autoprobe;			/* was on */
	bool was_up;			/* its network device was */
	char token[TOKEN_SIZE];		/* of the VFs of a PF on vfio-pci; empty: none */
	unsigned int caps;		/* enum vf_attr; 0: not tried yet */
	bool switched; /* vfio-pci's enable_sriov was off before PFs like this one came */
};

/* What a VF had when it was made. */
struct row_baseline {
	char pf[NAME_SIZE];
	unsigned int vf;
	unsigned int has; /* enum vf_attr: which of them are known; 0: none recorded */
	struct vf_attrs attrs;
};

struct row_vm {
	char name[NAME_SIZE];
	unsigned int memory_mib;
	char state[16]; /* starting, running, stopping, stopped, crashed, lost */
	char reason[LEDGER_REASON];
	char boot_id[BOOT_ID_SIZE]; /* of the last change; "": sriovd was shut down since */
	bool kept;		    /* defined: it outlives its end */
	char spec[LEDGER_SPEC];	    /* JSON; "" of a version that had none */
};

struct row_attachment {
	char net[NAME_SIZE];
	char vm[NAME_SIZE];
	char path[16];	     /* vf, virtio, emulated */
	char pf[NAME_SIZE];  /* PF of the VF, or the bridge; "": neither */
	int vf;		     /* -1: none */
	uint64_t generation; /* of ownership: never used twice */
	enum phase phase;
	char backend[16];      /* nic, bridge, tap */
	char link[IFNAMSIZ];   /* the host's bridge that the tap is in */
	unsigned int queues;   /* of the tap */
	char again[NAME_SIZE]; /* lost or attaching: the PF through which it returns; "": not */
};

/* What became of an attach or detach. A VM's row n takes the place of its row n - LEDGER_PLUGS. */
struct row_plug {
	char vm[NAME_SIZE];
	unsigned int n;
	uint64_t time_us; /* of the wall clock */
	unsigned int asked;
	char net[NAME_SIZE];
	char result[16];
	char text[LEDGER_REASON];
};

/* A request with an id. Row n takes the place of row n - LEDGER_OPS. */
struct row_op {
	uint64_t n;
	char id[OP_ID_SIZE];
	char request[OP_REQUEST_SIZE];
	int status;		     /* of the answer; 0: under way */
	int error;		     /* 0 or negative errno */
	char answer[OP_ANSWER_SIZE]; /* JSON; the sentence of an error */
};

struct row_quarantine {
	char pf[NAME_SIZE];
	unsigned int vf;
	char reason[LEDGER_REASON];
};

struct row_child {
	char kind[16];
	char name[NAME_SIZE];
	pid_t pid; /* 0: about to be started */
	uint64_t start_time;
	char ctl_path[108];
	char boot_id[BOOT_ID_SIZE];
};

/**
 * ledger_open() - open or create the ledger
 * @path: file, or ":memory:" for tests and fuzzing
 *
 * Context: start-up; blocks on the disk.
 * Return: 0; -EPROTONOSUPPORT a newer sriovd wrote it; -EUCLEAN it is damaged; -EIO.
 * Source: SQLite manual, PRAGMA user_version.
 */
int ledger_open(const char *path, struct ledger **ret_ledger) _must_check_;

/**
 * ledger_close() - NULL is fine
 *
 * Context: the last to use it. Source: SQLite manual, sqlite3_close().
 */
void ledger_close(struct ledger *l);
DEFINE_CLEANUP(struct ledger *, ledger_close);

/**
 * ledger_begin(), ledger_commit(), ledger_rollback() - make several calls one step; no nesting
 *
 * Context: baton; blocks on the disk. Return: 0; -EIO; -ENOSPC; -ENOMEM. Source: SQLite manual,
 * BEGIN TRANSACTION.
 */
int ledger_begin(struct ledger *l) _must_check_;
int ledger_commit(struct ledger *l) _must_check_;
void ledger_rollback(struct ledger *l);

/**
 * ledger_put_pf(), ledger_put_*(), ledger_del_*(), ledger_set_phase() - insert or replace by key,
 * delete by key (a missing row is fine), change one member. Each is durable when it returns 0,
 * unless inside ledger_begin()
 *
 * Context: baton; blocks on the disk. Return: 0; -EIO; -ENOSPC; -ENOMEM; -EEXIST against a
 * constraint; -EUCLEAN the file is damaged. Source: SQLite manual, PRAGMA synchronous.
 */
int ledger_put_pf(struct ledger *l, const struct row_pf *row) _must_check_;
int ledger_put_host_pf(struct ledger *l, const struct row_host_pf *row) _must_check_;
int ledger_put_baseline(struct ledger *l, const struct row_baseline *row) _must_check_;
int ledger_del_baselines(struct ledger *l, const char *pf) _must_check_;
int ledger_put_net(struct ledger *l, const struct row_net *row) _must_check_;
int ledger_del_net(struct ledger *l, const char *name) _must_check_;
int ledger_put_vm(struct ledger *l, const struct row_vm *row) _must_check_;
int ledger_del_vm(struct ledger *l, const char *name) _must_check_;
int ledger_put_attachment(struct ledger *l, const struct row_attachment *row) _must_check_;
int ledger_set_phase(struct ledger *l, const char *net, enum phase phase) _must_check_;
int ledger_del_attachment(struct ledger *l, const char *net) _must_check_;
int ledger_put_quarantine(struct ledger *l, const struct row_quarantine *row) _must_check_;
int ledger_del_quarantine(struct ledger *l, const char *pf, unsigned int vf) _must_check_;
int ledger_del_quarantines(struct ledger *l, const char *pf) _must_check_;
int ledger_put_child(struct ledger *l, const struct row_child *row) _must_check_;
int ledger_del_child(struct ledger *l, const char *kind, const char *name) _must_check_;

/**
 * ledger_put_plug() - as ledger_put_pf(), but without waiting for the disk: a kill of sriovd leaves
 * it there, a loss of power may not. Not inside ledger_begin()
 *
 * Rows of a VM go with it.
 *
 * Context: baton. Return: as ledger_put_pf(). Source: SQLite manual, PRAGMA synchronous.
 */
int ledger_put_plug(struct ledger *l, const struct row_plug *row) _must_check_;

/**
 * ledger_put_op(), ledger_del_op() - as ledger_put_plug(); to delete waits for the disk
 *
 * Context: baton. Return: as ledger_put_pf(). Source: SQLite manual, PRAGMA synchronous.
 */
int ledger_put_op(struct ledger *l, const struct row_op *row) _must_check_;
int ledger_del_op(struct ledger *l, const char *id) _must_check_;

/**
 * ledger_quarantine() - one step: the attachment is gone, its VF is set aside with a reason
 *
 * Context: baton; blocks on the disk. Return: as ledger_put_pf(). Source: -.
 */
int ledger_quarantine(struct ledger *l, const char *net,
		      const struct row_quarantine *row) _must_check_;

/**
 * ledger_add_host_pf(), ledger_remove_host_pf() - one step: a PF of the host with all its rows
 *
 * Context: baton; blocks on the disk. Return: as ledger_put_pf(). Source: -.
 */
int ledger_add_host_pf(struct ledger *l, const struct row_host_pf *row) _must_check_;
int ledger_remove_host_pf(struct ledger *l, const char *name) _must_check_;

/**
 * ledger_generation() - a number never handed out before by this ledger
 *
 * Context: baton; blocks on the disk. Return: as ledger_put_pf(); -EUCLEAN also for a missing
 * counter. Source: -.
 */
int ledger_generation(struct ledger *l, uint64_t *ret_generation) _must_check_;

/**
 * ledger_each_pf(), ledger_each_*() - call @fn for every row, ordered by key; a negative return of
 * @fn ends the walk and is returned. @fn may not write to the ledger
 *
 * Context: baton; blocks on the disk. Return: 0; @fn's; -EIO; -ENOMEM; -EUCLEAN a row holds what
 * no sriovd wrote. Source: -.
 */
int ledger_each_pf(struct ledger *l, int (*fn)(const struct row_pf *, void *),
		   void *userdata) _must_check_;
int ledger_each_host_pf(struct ledger *l, int (*fn)(const struct row_host_pf *, void *),
			void *userdata) _must_check_;
int ledger_each_baseline(struct ledger *l, int (*fn)(const struct row_baseline *, void *),
			 void *userdata) _must_check_;
int ledger_each_net(struct ledger *l, int (*fn)(const struct row_net *, void *),
		    void *userdata) _must_check_;
int ledger_each_vm(struct ledger *l, int (*fn)(const struct row_vm *, void *),
		   void *userdata) _must_check_;
int ledger_each_attachment(struct ledger *l, int (*fn)(const struct row_attachment *, void *),
			   void *userdata) _must_check_;
int ledger_each_plug(struct ledger *l, int (*fn)(const struct row_plug *, void *),
		     void *userdata) _must_check_;
int ledger_each_op(struct ledger *l, int (*fn)(const struct row_op *, void *),
		   void *userdata) _must_check_;
int ledger_each_quarantine(struct ledger *l, int (*fn)(const struct row_quarantine *, void *),
			   void *userdata) _must_check_;
int ledger_each_child(struct ledger *l, int (*fn)(const struct row_child *, void *),
		      void *userdata) _must_check_;

/**
 * phase_name() - the phase as the ledger has it
 *
 * Context: any; pure. Return: constant text. Source: -.
 */
const char *phase_name(enum phase phase);
