#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * PCI functions of a guest: bus 0, one function a slot, ECAM only. A function is configuration
 * space with a write mask, BARs, and an ops table; MSI-X (table, PBA, masking, irqfd) is done here
 * once for every kind of function. Kinds: a VF over VFIO or
 * vfio-user (dev_vf.c), virtio-net (dev_virtio_net.c).
 *
 * Threads: vCPU threads call the ops of reading and writing, one thread at a time for one function;
 * the main thread builds, publishes and destroys. A slot is published by one store-release of its
 * pointer, last.
 */
#include <abi/hpc.h>
#include <abi/nic_pci.h>
#include <lib/cleanup.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct vm;
struct pci_dev;

#define PCI_DEV_BARS	 6u
#define PCI_DEV_MSIX_MAX 32u
#define PCI_DEV_MEMSLOTS 4u

struct pci_dev_ops {
	const char *kind; /* as device.add names it */
	/* accesses the core does not answer itself; 1, 2, 4 or 8 bytes; bounds already checked */
	void (*bar_read)(struct pci_dev *d, unsigned int bar, uint64_t off, void *buf,
			 uint32_t len);
	void (*bar_write)(struct pci_dev *d, unsigned int bar, uint64_t off, const void *buf,
			  uint32_t len);
	/* after the core updated cfg[] and, from it, the BARs; called without the lock */
	void (*cfg_written)(struct pci_dev *d, uint32_t off, uint32_t len);
	/* bind the device's side of all n_msix vectors, or unbind them (NULL): at MSI-X enable and
	 * disable. Those with -1 are for irq_add() */
	int (*irq_bind)(struct pci_dev *d, const int *fds);
	/* bind one more, when it is unmasked for the first time: with irq_grows */
	int (*irq_add)(struct pci_dev *d, unsigned int vector, int fd);
	/* COMMAND.BME changed */
	void (*bus_master)(struct pci_dev *d, bool on);
	/* messages to the process behind the function so far; NULL: none are sent */
	uint64_t (*messages)(struct pci_dev *d);
	/* another connected socket for what is behind the function, in place of one that is gone;
	 * taken over. NULL: there is nothing to connect to. Main thread */
	int (*reconnect)(struct pci_dev *d, int fd);
	/* main thread; the slot is already empty: stop DMA and interrupts, pci_dev_done(), free all
	 */
	void (*destroy)(struct pci_dev *d);
};

struct pci_bar {
	uint64_t size; /* power of two; 0: none */
	bool is_64;
	bool prefetchable;
	uint64_t gpa; /* where the guest put it */
	bool mapped;  /* decoded now (COMMAND.MSE) */
	/* parts backed by memory, mapped into the guest without exits */
	unsigned int n_mem;
	struct {
		uint64_t offset;
		uint64_t size;
		void *va;
		int slot; /* KVM memslot number, -1 when not mapped */
	} mem[PCI_DEV_MEMSLOTS];
};

struct pci_msix_vector {
	uint32_t addr_lo, addr_hi, data, ctrl; /* as the guest wrote the table */
	int eventfd; /* the device signals it; the KVM irqfd hangs on it while ARMED */
	int gsi;     /* -1 until first unmasked */
	bool armed;  /* irqfd attached */
	bool bound;  /* the device has the eventfd */
};

struct pci_dev {
	const struct pci_dev_ops *ops;
	struct vm *vm;
	unsigned int slot;
	char id[64]; /* the caller's name for it */
	uint8_t cfg[NIC_CFG_SIZE];
	uint8_t wmask[NIC_CFG_SIZE]; /* bits the guest may change; BARs, COMMAND and MSI-X by the
					core */
	struct pci_bar bar[PCI_DEV_BARS];
	unsigned int pcie_cap; /* config offset of the PCI Express capability, 0: none */
	unsigned int msix_cap; /* config offset of the MSI-X capability, 0: none */
	unsigned int n_msix;
	bool irq_grows; /* irq_bind() gets -1 for all; irq_add() binds what is used */
	unsigned int msix_bar;
	uint32_t msix_table_off, msix_pba_off;
	struct pci_msix_vector msix[PCI_DEV_MSIX_MAX];
	pthread_mutex_t access; /* held by a vCPU around what may call ops; outside of lock */
	pthread_mutex_t lock;	/* BAR and MSI-X state: vCPU and main thread */
	/* traps: accesses to BARs of this function that left the guest */
	_Atomic uint64_t bar_exits;
	_Atomic uint64_t cfg_exits;
	_Atomic bool bound;	/* the guest set MSE or BME once */
	bool ready;		/* pci_dev_init() did its part */
	_Atomic bool away;	/* what is behind it is gone, and may come back; told as lost */
	_Atomic bool lost;	/* what is behind it is gone: all accesses read ones */
	_Atomic int lost_error; /* why */
	_Atomic bool wanted;	/* the host wants what is behind it back */
	_Atomic int irq_error;	/* the device took no eventfds; 0: it did, or main has told of it */
	_Atomic bool irq_bound; /* it has them */
};

/**
 * pci_dev_init() - prepare the common part: ids, header, BAR sizes taken from d->bar[], MSI-X
 * vectors
 * @d: embedded in the kind's struct, zeroed; ops, vm, id, bar[].size and cfg[] ids are set
 * Context: main thread. Return: 0; -EINVAL a BAR or MSI-X layout that cannot be; -errno of
 * eventfd(2). Source: PCI Local Bus 3.0, 6.2.5 and 6.8.2.
 */
int pci_dev_init(struct pci_dev *d) _must_check_;

/**
 * pci_dev_done() - undo pci_dev_init(): irqfds and memslots off, eventfds and GSIs back
 *
 * Context: main thread, from ops->destroy, after the device's side was unbound. Takes half-built
 * functions. Source: -.
 */
void pci_dev_done(struct pci_dev *d);

/**
 * pci_dev_reset() - configuration and MSI-X as after power on (FLR by the guest). The vCPU thread
 *
 * Context: the vCPU thread. Source: PCI Express, function level reset.
 */
void pci_dev_reset(struct pci_dev *d);

/**
 * pci_dev_irq() - signal MSI-X @vector from a device model: pending bit if masked
 *
 * Context: any thread; never blocks. Source: PCI Local Bus 3.0, 6.8.3.
 */
void pci_dev_irq(struct pci_dev *d, unsigned int vector);
