#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The body of struct vm, for the core's own modules. Who may touch what:
 *
 *   main thread    everything below, save the vCPUs' own fields
 *   vCPU threads   slot[].dev, their in_use, hpc (atomics); serial, irq and mem under their own
 *                  locks; posted
 *
 * Lock order: pci_dev.access > pci_dev.lock > irq.lock, pci_dev.lock > mem_lock. Only who holds
 * access, which is taken by vCPUs alone, may wait for a peer. A vCPU tells the main thread things
 * by vm_post() and goes on.
 */
#include <linux/kvm.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <abi/guest_block.h>
#include <abi/hpc.h>
#include "boot.h"
#include "irq.h"
#include "serial.h"
#include "vm.h"
#include "vmm_pci.h"

#define VM_CPUS_MAX	    16u
#define VM_MEMSLOT_RAM	    0u
#define VM_MEMSLOT_RAM_HIGH 1u
#define VM_MEMSLOT_DEVICES  2u
#define VM_MEMSLOTS	    (VM_MEMSLOT_DEVICES + VMM_SLOTS * PCI_DEV_BARS)
#define VM_RAM_LOW_MAX	    ((uint64_t)VMM_MMIO32_BASE) /* where the BARs begin */
#define VM_RAM_HIGH	    (UINT64_C(1) << 32)		/* where RAM goes on */
#define VM_MEMORY_MAX	    (UINT64_C(128) << 30)
#define VM_REASON_MAX	    192u
#define VM_CONSOLE_KEEP	    32768u
#define VM_CONSOLE_LOG	    (UINT64_C(64) << 20) /* what a guest may write to the console file */

/* What the core asks of the hypervisor: KVM (kvm.c), or memory in tests that have none. */
struct vm_plat_ops {
	/* size 0: remove */
	int (*memslot)(struct vm *vm, unsigned int slot, uint64_t gpa, uint64_t size, void *va);
	/* the whole table of MSI routes; fixed pins are the platform's to add */
	int (*routes)(struct vm *vm, const struct irq_route *route, unsigned int n);
	int (*irqfd)(struct vm *vm, int fd, unsigned int gsi, bool assign);
	int (*ioeventfd)(struct vm *vm, uint64_t gpa, uint32_t len, int fd, bool assign);
};

enum vm_state {
	VM_NEW,
	VM_RUNNING,
	VM_STOPPED, /* the guest switched itself off, or was stopped */
	VM_CRASHED,
};

/* Which guest: decides how it starts, where its console is, and whether it has a guest block. */
enum vm_kind {
	VM_BENCH,
	VM_LINUX,
};

enum vm_ended {
	VM_ENDED_NOT,
	VM_ENDED_OFF,
	VM_ENDED_RESET,
	VM_ENDED_CRASH,
};

enum vm_panic {
	VM_PANIC_NONE,
	VM_PANIC_PORT,	  /* the guest wrote the panic port */
	VM_PANIC_CONSOLE, /* its kernel said so on the console */
};

/* vm_post() bits: what the main thread should look at */
enum vm_post {
	VM_POST_CONSOLE = 1 << 0,
	VM_POST_IFS = 1 << 1,
	VM_POST_DONE = 1 << 2,
	VM_POST_EJECT = 1 << 3,
	VM_POST_DEVICE = 1 << 4, /* bound, lost or wanted */
	VM_POST_STATE = 1 << 5,
};

enum slot_state {
	SLOT_EMPTY,
	SLOT_VISIBLE,
	SLOT_EJECTING,
	SLOT_DRAINING, /* out of the bus, waiting for the vCPU to let go */
};

enum removed_how {
	REMOVED_EJECTED,
	REMOVED_FORCED,
	REMOVED_CANCELLED,
	REMOVED_HOST, /* the host took it, whether the guest agreed or not */
};

struct vm_slot {
	_Atomic(struct pci_dev *)
		dev; /* what the guest sees; published last, swapped out by one exchange */
	_Atomic(struct pci_dev *) ejected; /* the guest let go of it; main takes it from here */
	_Atomic bool owes_eject;  /* yanked: the guest's late PCEJ must not hit a successor */
	_Atomic uint32_t refusal; /* status of _OST that refused the removal; 0: none told */
	/* main thread only */
	struct pci_dev *own;
	enum slot_state state;
	enum removed_how how;
	bool trapped;
	bool renotified;
	bool wanted; /* by the host: removal has begun */
	uint64_t visible_us;
	uint64_t renotify_us;
	uint64_t deadline_us;
	const char *told; /* state last sent as an event */
	struct guest_if gif;
};

struct hpc {
	_Atomic uint32_t evts;
	_Atomic uint32_t pcup;
	_Atomic uint32_t pcdn;
	_Atomic uint32_t oste;
	_Atomic uint64_t odd_accesses;
	int gsi_fd;	   /* irqfd of HPC_GSI */
	uint64_t nudge_us; /* main thread: when to pulse again if nobody looked; 0: nothing waits */
	uint64_t nudge_gap_us;
};

struct vcpu {
	struct vm *vm;
	unsigned int index;		  /* APIC id */
	_Atomic(struct pci_dev *) in_use; /* the function that it works on right now */
	int fd;
	int stats_fd;
	off_t stats_off; /* of the counter "exits"; 0: the kernel has none */
	struct kvm_run *run;
	size_t run_size;
	pthread_t thread;
	bool started;
	_Atomic bool stop;
	_Atomic uint64_t exits; /* KVM_RUN returns to user space */
	_Atomic uint64_t exits_mmio;
	_Atomic uint64_t exits_io;
	_Atomic uint64_t exits_intr;
	_Atomic uint64_t stray; /* accesses to addresses where nothing is */
};

struct vm_console {
	int fd;
	uint32_t tail; /* ring position read up to */
	uint64_t total;
	uint64_t lost;		   /* bytes overwritten before we looked */
	_Atomic uint64_t first_us; /* when the first line was complete; 0: not yet */
	uint64_t due_us;	   /* when to look at the serial port; 0: nothing came */
	unsigned int line_len;
	char line[VM_REASON_MAX];
	char keep[VM_CONSOLE_KEEP];
};

struct vm {
	char name[64];
	sd_event *event;
	const struct vm_plat_ops *plat;
	int kvm_fd;
	int vm_fd;
	int post_fd;
	_Atomic uint32_t posted;
	uint64_t start_us; /* of the process */
	uint64_t boot_us;
	uint32_t tsc_khz;
	enum vm_kind kind;
	struct dma_mem *ram;
	struct dma_mem *ram_high; /* at VM_RAM_HIGH; NULL: all fits below the BARs */
	struct boot_start start;
	struct irq_table irq;
	pthread_mutex_t mem_lock;
	bool memslot_used[VM_MEMSLOTS];
	struct hpc hpc;
	struct vm_slot slot[VMM_SLOTS];
	unsigned int next_slot; /* round robin, so that a slot rests before it is used again */
	struct vcpu vcpu[VM_CPUS_MAX];
	unsigned int n_vcpus;
	int cpu;	     /* where vCPU 0 is pinned; -1: nowhere */
	_Atomic bool ending; /* somebody writes ended and reason */
	_Atomic int state;   /* enum vm_state; ended and reason are written before it */
	enum vm_ended ended;
	char reason[VM_REASON_MAX];
	_Atomic int panic; /* enum vm_panic */
	char panic_text[VM_REASON_MAX];
	struct serial serial;
	struct vm_console console;
	struct guest_req req; /* outstanding when req_busy */
	bool req_busy;
	uint32_t req_seq;
};

/**
 * vm_init() - empty machine: no RAM, no vCPU; pairs with vm_done()
 *
 * Context: main thread. Return: 0; -errno of eventfd(2). Source: -.
 */
int vm_init(struct vm *vm, const char *name, sd_event *event,
	    const struct vm_plat_ops *plat) _must_check_;

/**
 * vm_done() - undo vm_init() and vm_mem_new(); functions and vCPU are gone already
 *
 * Context: main thread. Source: -.
 */
void vm_done(struct vm *vm);

/**
 * vm_mem_new() - guest RAM of @size bytes and its memslot
 *
 * Context: main thread, once. Return: 0; -EINVAL size; -ENOMEM also when huge pages are short;
 * -errno of memfd_create(2), mmap(2), KVM_SET_USER_MEMORY_REGION. Source: Linux
 * Documentation/virt/kvm/api.rst.
 */
int vm_mem_new(struct vm *vm, uint64_t size, bool hugetlb) _must_check_;

/**
 * vm_memslot_map() - map @va at @gpa
 *
 * Context: any thread; takes mem_lock. Return: the memslot's number; -EINVAL; -ENOSPC; -errno of
 * KVM_SET_USER_MEMORY_REGION. Source: Linux Documentation/virt/kvm/api.rst.
 */
int vm_memslot_map(struct vm *vm, uint64_t gpa, uint64_t size, void *va);

/** vm_memslot_unmap() - give memslot @slot back. Context: any thread; takes mem_lock. Source: -. */
void vm_memslot_unmap(struct vm *vm, unsigned int slot, uint64_t gpa);

/**
 * vm_post() - ask the main thread to look at @what
 *
 * Context: any thread; never blocks. Source: -.
 */
void vm_post(struct vm *vm, enum vm_post what);

/**
 * vm_end() - the guest runs no more; first call wins
 *
 * Context: any thread; never blocks. Source: -.
 */
void vm_end(struct vm *vm, enum vm_ended how, const char *fmt, ...) _printf_(3, 4);

/**
 * vcpu_self() - index of the vCPU whose thread this is; 0 on others
 *
 * Context: any thread. Return: the index. Source: -.
 */
unsigned int vcpu_self(void);
