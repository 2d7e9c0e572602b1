#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `sriovctl doctor`: is this host fit to give VFs to virtual machines? It looks for itself, below a
 * root directory, so that it works where sriovd does not run, and in tests. Readers fill structs of
 * facts, judges turn those into checks; only readers touch the host. See docs/decisions/0003.
 */
#include <cli/cli.h>
#include <lib/pci_sysfs.h>

#define DOC_NICS_MAX 64u

enum doc_state {
	DOC_GOOD,
	DOC_BAD,
	DOC_UNKNOWN,
	DOC_STATES,
};

struct doctor {
	int root;	  /* directory descriptor of "/" */
	int sysfs;	  /* of its "sys" */
	const char *area; /* of the checks that come */
	json_t *checks;	  /* [{"area","name","state","text","mend"}] */
	json_t *status;	  /* what sriovd says of itself; NULL: it does not */
	json_t *pfs;	  /* what it says of the PFs; may be NULL */
	int daemon_error; /* why not; 0: it answered */
	unsigned int n[DOC_STATES];
	struct pcisys_bdf nic[DOC_NICS_MAX]; /* network functions with SR-IOV, by address */
	unsigned int n_nics;
};

/* ---- notes ---- */

/**
 * doc_good(), doc_bad(), doc_unknown() - one check of the present area
 * @mend: the command (or what to do) that mends it; copied
 *
 * Bytes that are no printable ASCII become '?': they come from files. Context: main thread.
 * Return: -. Source: docs/man/sriovctl.1.
 */
void doc_good(struct doctor *d, const char *name, const char *fmt, ...) _printf_(3, 4);
void doc_bad(struct doctor *d, const char *name, const char *mend, const char *fmt, ...)
	_printf_(4, 5);
void doc_unknown(struct doctor *d, const char *name, const char *fmt, ...) _printf_(3, 4);

/* ---- files below the root; paths are relative ---- */

#define DOC_TEXT_MAX (8u << 20)

/**
 * doc_text() - a whole file, cut at DOC_TEXT_MAX; freed by the caller
 *
 * Context: main thread. Return: text, NUL-terminated; NULL with errno. Source: open(2).
 */
char *doc_text(const struct doctor *d, const char *path) _must_check_;

/**
 * doc_line() - first line of a small file
 *
 * Context: main thread. Return: 0; -ENOBUFS longer than @size; -errno. Source: open(2).
 */
int doc_line(const struct doctor *d, const char *path, char *ret_line, size_t size) _must_check_;

/**
 * doc_bytes() - the first @size bytes of a file; returns how many, or -errno
 *
 * Context: main thread. Return: as said. Source: open(2).
 */
int doc_bytes(const struct doctor *d, const char *path, uint8_t *ret_bytes,
	      size_t size) _must_check_;

/**
 * doc_exists() - is there something at @path?
 *
 * Context: main thread. Return: true or false. Source: faccessat(2).
 */
bool doc_exists(const struct doctor *d, const char *path);

/**
 * doc_each() - call @each for every entry of a directory, sorted by name, until it returns true
 *
 * Context: main thread. Return: how many entries were seen; -errno of opening it.
 * Source: scandir(3).
 */
int doc_each(struct doctor *d, const char *dir,
	     bool (*each)(struct doctor *d, const char *name, void *arg), void *arg);

/**
 * doc_running() - does a process of this name run? As /proc/PID/comm has it: 15 bytes at most.
 *
 * Context: main thread. Return: true or false. Source: proc_pid_comm(5).
 */
bool doc_running(struct doctor *d, const char *comm);

/* ---- areas ---- */

struct doc_kvm {
	int error;	     /* of opening /dev/kvm; 0 */
	int version;	     /* KVM_GET_API_VERSION; negative: -errno */
	const char *missing; /* an extension we cannot do without; NULL */
	bool vmx, svm;	     /* flags of the CPU */
	bool inside;	     /* the CPU says that a hypervisor is below */
	int nested;	     /* 1, 0; -1: no such parameter */
};

/**
 * doc_judge_kvm() - @kvm as checks
 *
 * Context: pure but for the notes. Return: -. Source: linux/kvm.h, docs/man/sriovctl.1.
 */
void doc_judge_kvm(struct doctor *d, const struct doc_kvm *kvm);

enum doc_iommu_kind {
	DOC_IOMMU_OTHER,
	DOC_IOMMU_INTEL,
	DOC_IOMMU_AMD,
};

struct doc_iommu {
	unsigned int groups;
	unsigned int units;	  /* entries of /sys/class/iommu */
	enum doc_iommu_kind kind; /* of the units, or of the CPU where there are none */
	int table;		  /* firmware has DMAR or IVRS: 1, 0; -1: cannot be told */
	bool cmdline_on, cmdline_off, cmdline_remap_off;
	int remapping; /* interrupts pass through it: 1, 0; -1: cannot be told */
	int can_remap; /* the hardware could: 1, 0; -1: cannot be told */
	bool unsafe;   /* allow_unsafe_interrupts */
	bool no_iommu; /* enable_unsafe_noiommu_mode */
};

/**
 * doc_judge_iommu() - @iommu as checks; what is missing is bad only where a NIC needs it
 *
 * Context: pure but for the notes. Return: -. Source: docs/sources.md [SYS].
 */
void doc_judge_iommu(struct doctor *d, const struct doc_iommu *iommu);

/** The areas: read and judge. Context: main thread. */
void doc_kvm(struct doctor *d);
void doc_iommu(struct doctor *d);
void doc_modules(struct doctor *d);
void doc_memory(struct doctor *d);
void doc_nics(struct doctor *d);
void doc_rivals(struct doctor *d);
void doc_daemon(struct doctor *d);

/** doc_ask_daemon() - fill status and pfs. Context: main thread; up to 10 s. */
void doc_ask_daemon(struct doctor *d, const struct cli *cli);

/**
 * doc_run() - all areas of the host below @root
 * @ret: {"checks":[...],"good","bad","unknown"}, a new reference
 *
 * Context: main thread; up to 10 s. Return: 0; -ENOMEM; -errno of opening @root.
 * Source: docs/man/sriovctl.1.
 */
int doc_run(const struct cli *cli, const char *root, json_t **ret) _must_check_;
