#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Everything sriovd knows while it runs, and the baton that protects it.
 *
 * An operation is straight-line code on the thread of the request (or of a job). It holds the baton
 * except inside child_call() and the other functions that say so. What it works on it marks with a
 * hold, so that nobody else changes it meanwhile; a second request is refused with what is going
 * on. Those who may wait for holds (jobs, deletion of a VM) take them in the order VM, net, PF;
 * requests only try. See docs/decisions/0001-operations-run-in-request-threads.md.
 */
#include <pthread.h>
#include <sriovd/child.h>
#include <sriovd/config.h>
#include <sriovd/host.h>
#include <sriovd/ledger.h>
#include <sriovd/once.h>
#include <sriovd/plug_log.h>
#include <sriovd/valid.h>
#include <sriovd/vm_spec.h>
#include <systemd/sd-event.h>

#define VFS_MAX	   256u
#define EVENTS_MAX 256u

struct hold {
	unsigned int users; /* shared holders */
	unsigned int waiters;
	bool exclusive;
	bool retired;  /* the object goes away: waiters get -ESTALE */
	char what[96]; /* of the last taker: "attach of blue" */
};

enum vf_state {
	VF_FREE,
	VF_PREPARING,
	VF_ATTACHED,
	VF_DETACHING,
	VF_SANITISING,
	VF_QUARANTINED,
	VF_STATES,
};

struct vf {
	enum vf_state state;
	char reason[LEDGER_REASON]; /* QUARANTINED */
	struct net *net;	    /* its tenant; not in FREE and QUARANTINED */
	uint64_t retry_us;	    /* QUARANTINED: not before */
	unsigned int tries;
};

/* How long to wait before a restart: at once, unless it died soon after the last one. */
struct backoff {
	uint64_t up_us;
	uint64_t delay_us;
};

struct pf_ops;

/*
 * A physical function. What is the same for all is here and in pf.c; what differs is behind the
 * ops: a software NIC, a PF of the host on its kernel driver, a PF of the host on ours.
 */
struct pf {
	struct pf *next;
	char name[NAME_SIZE];
	char object[NAME_SIZE + 4]; /* "pf p0", for messages */
	const struct pf_ops *ops;
	struct hold hold;
	unsigned int refs;   /* who works on it without a hold: it is not freed under them */
	unsigned int serial; /* counts changes made by us, which no event is about */
	bool removed;	     /* it goes away: jobs end */
	bool absent;	     /* not there, or another driver has it */
	bool probing;	     /* its driver is asked what it can, which is over soon */
	bool hurry;	     /* it is there again: no more waiting before the next recovery */
	bool remake;	     /* its VFs were lost: those that are found are somebody else's */
	struct vf vf[VFS_MAX];
	unsigned int num_vfs; /* as it was seen last */
	unsigned int wanted;  /* as the ledger has it */
	unsigned int total_vfs;
	unsigned int caps;  /* enum vf_attr: what VFs can be given */
	bool caps_sure;	    /* tried since it was brought up, with a link */
	uint64_t probed_us; /* when that was tried last; 0: never */
	unsigned int epoch; /* counts losses: no VF survives one */
	bool up;
	bool vfs_lost;	 /* nets on it have not been told yet */
	bool recovering; /* a job brings it up */
	bool link;
	struct backoff backoff;
	struct mac mac;
	char reason[LEDGER_REASON]; /* why it is not up */
	char loss[LEDGER_REASON];   /* why its VFs were lost the last time */

	struct child drv; /* sriov-pf, unless the kernel drives it */

	/* software */
	struct config_nic cfg;
	struct child snic;
	char dir[PATH_SIZE];

	/* of the host */
	struct row_host_pf host;
	struct host_pf now; /* as sysfs showed it last */
	uint64_t made;	    /* host_pf.made of the VFs that we know; 0: of none */
	bool unread;	    /* it could not be read, which has been said */
	struct row_baseline baseline[VFS_MAX];
	int device_fd, container_fd; /* copies, so that the PF outlives its sriov-pf */
	int request_fd;		     /* the kernel asks for the PF through it */
	bool requested;		     /* it did */
	bool may_bind;		     /* nobody took it from vfio-pci since we had it there */
	struct vf_list *seen;	     /* for whoever asks often */
	uint64_t seen_us;	     /* 0: stale */
};

struct bridge {
	struct config_bridge cfg;
	struct child child;
	unsigned int epoch; /* counts its ends: no connection survives one */
	bool up;
	bool recovering;     /* a job brings it up */
	bool relinking;	     /* a job connects its nets again */
	bool probing;	     /* a job asks whether it is well */
	unsigned int silent; /* answers that did not come, one after the other */
	uint64_t probed_us;
	struct backoff backoff;
	char reason[LEDGER_REASON];
	char dir[PATH_SIZE];
};

enum vm_state {
	VM_STARTING,
	VM_RUNNING,
	VM_STOPPING,
	VM_STOPPED,
	VM_CRASHED,
	VM_LOST, /* it vanished while no sriovd watched */
	VM_STATES,
};

struct vm {
	struct vm *next;
	char name[NAME_SIZE];
	struct vm_spec spec;
	enum vm_state state;
	char reason[LEDGER_REASON];
	struct child child;
	struct hold hold;
	bool ending;	/* a job cleans up after it */
	bool kept;	/* it is defined: it stays when it stops */
	bool fresh;	/* not seen by the user since host or sriovd were started anew */
	bool restoring; /* a job attaches its nets */
	bool returning; /* a job attaches those that it lost */
	struct plug_log plugs;
};

enum net_path {
	PATH_VF,
	PATH_VIRTIO,
	PATH_EMULATED,
	NET_PATHS,
};

enum net_state {
	NET_DETACHED,
	NET_ATTACHING,
	NET_ATTACHED,
	NET_DETACHING,
	NET_LOST,
	NET_STATES,
};

/* What is behind the device that the guest sees. */
enum net_backend {
	BACKEND_AUTO,	/* in a request: what the path has by itself */
	BACKEND_NIC,	/* a VF */
	BACKEND_BRIDGE, /* a port of our bridge */
	BACKEND_TAP,	/* a tap in a bridge of the host */
	NET_BACKENDS,
};

/* How a net reaches its VM. */
struct net_way {
	enum net_path path;
	enum net_backend backend;
	char link[IFNAMSIZ]; /* BACKEND_TAP: the bridge of the host */
	unsigned int queues; /* BACKEND_TAP: queue pairs; 0 stands for 1 */
};

/* An identity. It outlives VFs and VMs. */
struct net {
	struct net *next;
	struct row_net id;
	enum net_state state;
	struct hold hold;

	/* while not detached */
	struct vm *vm;
	struct net_way way;
	struct pf *pf; /* BACKEND_NIC, unless lost */
	unsigned int vf;
	struct bridge *bridge; /* BACKEND_BRIDGE, unless lost */
	uint64_t generation;
	bool down;		    /* attached, and nothing serves it for now */
	char reason[LEDGER_REASON]; /* NET_LOST, or why it is down */
	char again[NAME_SIZE];	    /* the PF through which it returns to its VM; "": it does not */
	unsigned int tries;	    /* to let it return, in vain */
	uint64_t again_us;	    /* not before */
};

/* What happened, for GET /v1/events. */
struct event {
	uint64_t time_us; /* of the wall clock */
	char object[NAME_SIZE + 8];
	char what[24];
	char text[LEDGER_REASON];
};

struct sriovd {
	struct config cfg;
	struct ledger *ledger;
	char boot_id[BOOT_ID_SIZE];
	uint64_t started_us;

	pthread_mutex_t baton;
	pthread_cond_t
		changed;   /* a hold was released, a job ended, work for the janitor, stopping */
	bool stopping;	   /* sriovd ends: waits end, no new operation starts */
	bool closing;	   /* a shutdown request takes everything down */
	bool janitor;	   /* its job runs */
	bool settled;	   /* what an earlier sriovd left is dealt with: jobs may work on nets */
	unsigned int jobs; /* threads of ours that run */
	char ledger_problem[LEDGER_REASON];

	sd_event *event;
	int watch_fd; /* epoll of pidfds and event connections; threads may add to it */
	int lock_fd;

	struct pf *pfs; /* of the configuration in its order, then those of the host */
	struct bridge bridges[CONFIG_BRIDGES_MAX];
	size_t n_bridges;
	struct vm *vms;
	struct net *nets;
	unsigned int vm_turn; /* counts VMs, for their CPUs */

	int sysfs;		/* of pcisys_open() */
	const char *sysfs_root; /* NULL: /sys */
	struct host_watch *watch;
	bool host_changed;		   /* PFs of the host are to be looked at */
	bool host_job;			   /* and somebody does */
	char watch_problem[LEDGER_REASON]; /* why changes of the host are not heard of */
	struct once once;		   /* requests with an id */
	struct event events[EVENTS_MAX];
	uint64_t n_events; /* ever */
};

/**
 * state_init() - make the objects of the configuration; nothing is started
 * @cfg: copied
 * Context: start-up. Return: 0; -ENAMETOOLONG the run directory's path is too long; -errno.
 * Source: -
 */
int state_init(struct sriovd *d, const struct config *cfg, struct op_error *e) _must_check_;

/**
 * state_done() - free all objects and close the ledger; children stay
 *
 * Context: main thread, the last. Source: -.
 */
void state_done(struct sriovd *d);

/**
 * baton_take(), baton_drop() - one thread at a time works on the state
 *
 * Context: any thread; taking blocks. Source: -.
 */
void baton_take(struct sriovd *d);
void baton_drop(struct sriovd *d);

/**
 * state_wait() - give the baton up until something changes or @deadline_us (clock_us()) is past
 *
 * Return: 0; -ETIMEDOUT; -ECANCELED sriovd is stopping. Context: drops the baton. Source: -.
 */
int state_wait(struct sriovd *d, uint64_t deadline_us) _must_check_;

/**
 * hold_take() - mark an object as being worked on, or say who does
 * @exclusive: nobody else may hold it meanwhile
 * @object:    for the message: "pf p0"
 * @fmt:       what the holder does: "attach of blue"
 * Context: baton. Return: 0; -EBUSY with @e set. Source: docs/api.md.
 */
int hold_take(struct hold *h, bool exclusive, const char *object, struct op_error *e,
	      const char *fmt, ...) _printf_(5, 6) _must_check_;

/**
 * hold_wait() - hold_take() that waits up to @deadline_us
 * Context: drops the baton. Return: 0; -ETIMEDOUT; -ECANCELED sriovd stops; -ESTALE the object is
 * gone and may not be touched any more. Source: -
 */
int hold_wait(struct sriovd *d, struct hold *h, bool exclusive, uint64_t deadline_us,
	      const char *fmt, ...) _printf_(5, 6) _must_check_;

/**
 * hold_release() - undo one hold_take() or hold_wait(), with the same @exclusive
 *
 * Context: baton kept. Source: -.
 */
void hold_release(struct sriovd *d, struct hold *h, bool exclusive);

/**
 * backoff_next() - the delay before the next try, after a failure or an early death
 *
 * Context: baton kept. Return: microseconds; 0 at once. Source: -.
 */
uint64_t backoff_next(struct backoff *b);

/**
 * state_sleep() - give the baton up for @us
 *
 * Context: drops the baton. Return: 0; -ECANCELED sriovd stops. Source: -.
 */
int state_sleep(struct sriovd *d, uint64_t us) _must_check_;

/**
 * state_pause() - state_sleep() for background jobs: ends as soon as a shutdown begins
 * Context: baton, given up meanwhile. Return: 0; -ECANCELED. Source: -
 */
int state_pause(struct sriovd *d, uint64_t us) _must_check_;

/**
 * job_start() - run @fn(d, arg) with the baton on a thread of its own, counted in d->jobs
 *
 * Context: baton kept; @arg is the job's. Return: 0; -ENOMEM; -errno of pthread_create(3). Source:
 * -.
 */
int job_start(struct sriovd *d, void (*fn)(struct sriovd *d, void *arg), void *arg) _must_check_;

/**
 * pf_find(), bridge_find(), vm_find(), net_find() - the object of this name
 *
 * Context: baton kept. Return: the object, owned by @d; NULL. Source: -.
 */
struct pf *pf_find(struct sriovd *d, const char *name);
struct bridge *bridge_find(struct sriovd *d, const char *name);
struct vm *vm_find(struct sriovd *d, const char *name);
struct net *net_find(struct sriovd *d, const char *name);

/**
 * pf_new() - add an empty PF at the end
 *
 * Context: start-up, or baton kept. Return: the object, owned by @d; NULL no memory. Source: -.
 */
struct pf *pf_new(struct sriovd *d, const char *name);

/**
 * pf_at() - the @n-th PF, for walks during which the list may change
 *
 * Context: baton kept. Return: the object; NULL after the last. Source: -.
 */
struct pf *pf_at(struct sriovd *d, size_t n);

/**
 * pf_ref(), pf_unref() - it is not freed in between, though it may be removed
 *
 * Context: baton kept. Return: @pf. Source: -.
 */
struct pf *pf_ref(struct pf *pf);
void pf_unref(struct sriovd *d, struct pf *pf);

/**
 * vm_new(), net_new() - add an empty object of this name; NULL: no memory
 *
 * Context: baton kept. Return: the object, owned by @d; NULL. Source: -.
 */
struct vm *vm_new(struct sriovd *d, const char *name);
struct net *net_new(struct sriovd *d, const char *name);

/**
 * pf_free(), vm_free(), net_free() - take it off its list, send waiters away, free it
 *
 * Context: held exclusively; drops the baton. Source: -.
 */
void pf_free(struct sriovd *d, struct pf *pf);
void vm_free(struct sriovd *d, struct vm *vm);
void net_free(struct sriovd *d, struct net *net);

/**
 * ledger_trouble() - remember and log a failed write that cannot be reported to a caller
 *
 * Context: baton kept. Return: @r. Source: -.
 */
int ledger_trouble(struct sriovd *d, int r, const char *what);

/**
 * vf_state_name(), vm_state_name(), net_state_name(), net_path_name(), net_backend_name() - the
 * value as the API shows it; BACKEND_AUTO is ""
 *
 * Context: any; pure. Return: constant text. Source: docs/api.md.
 */
const char *vf_state_name(enum vf_state s);
const char *vm_state_name(enum vm_state s);
const char *net_state_name(enum net_state s);
const char *net_path_name(enum net_path p);
const char *net_backend_name(enum net_backend b);

/**
 * vm_state_parse(), net_path_parse(), net_backend_parse() - by name
 *
 * Context: any; pure. Return: 0; -EINVAL. Source: docs/api.md.
 */
int vm_state_parse(const char *name, enum vm_state *ret_state) _must_check_;
int net_path_parse(const char *name, enum net_path *ret_path) _must_check_;
int net_backend_parse(const char *name, enum net_backend *ret_backend) _must_check_;

/**
 * event_add() - note what happened to @object ("pf p1") for GET /v1/events; @text may be empty
 *
 * Context: baton kept. Source: docs/api.md.
 */
void event_add(struct sriovd *d, const char *object, const char *what, const char *fmt, ...)
	_printf_(4, 5);

/** text_set() - printf into a fixed buffer, cut at its end. Context: any; pure. Source: -. */
void text_set(char *buf, size_t size, const char *fmt, ...) _printf_(3, 4);

/**
 * path_set() - printf a path, never a cut one
 *
 * Context: any; pure. Return: 0; -ENAMETOOLONG. Source: -.
 */
int path_set(char *buf, size_t size, const char *fmt, ...) _printf_(3, 4) _must_check_;
