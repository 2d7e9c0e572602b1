/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts: a vector a receive queue for applications that sleep, one for the mailbox (link, PF
 * reset), and removal: the vfio-user server hung up, or the kernel asks for the function back.
 *
 * EAL's thread watches descriptors for reading. The server's socket must not be watched so (replies
 * make it readable), so it is in an epoll set of its own, which becomes readable by a hang-up only.
 */
#include <rte_alarm.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include "pmd.h"

#define MBX_VECTOR 2u

static void eventfd_drain(int fd)
{
	eventfd_t n;

	(void)!eventfd_read(fd, &n);
}

/* Whoever finds out, EAL's thread tells the application. Under the lock. */
void pmd_pf_lost(struct pmd *p)
{
	if (p->lost_pf)
		return;
	p->lost_pf = true;
	eventfd_write(vfdrv_pcif_irq_fd(p->home, MBX_VECTOR), 1);
}

int pmd_link_read(struct pmd *p, struct rte_eth_link *ret_link)
{
	struct rte_eth_link link = {.link_duplex = RTE_ETH_LINK_FULL_DUPLEX,
				    .link_autoneg = RTE_ETH_LINK_AUTONEG};
	bool up = false;
	int r = -ENODEV;

	pthread_mutex_lock(&p->lock);
	if (!atomic_load(&p->removed) && p->up)
		r = vfdrv_link(p->core, &up);
	if (r == -ECONNRESET)
		pmd_pf_lost(p);
	pthread_mutex_unlock(&p->lock);

	if (r >= 0 && up) {
		link.link_status = RTE_ETH_LINK_UP;
		link.link_speed = RTE_ETH_SPEED_NUM_1G;
	}
	*ret_link = link;
	return r;
}

static void on_mailbox(void *arg)
{
	struct pmd *p = arg;
	struct rte_eth_dev *dev = p->eth;
	struct rte_eth_link link;
	int r;

	eventfd_drain(rte_intr_fd_get(p->mailbox));
	if (!p->up)
		return;
	r = pmd_link_read(p, &link);
	if (r == -ENODEV)
		return;
	if (rte_eth_linkstatus_set(dev, &link) == 0 && dev->data->dev_conf.intr_conf.lsc)
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_LSC, NULL);
	if (p->lost_pf && !p->lost_pf_told) {
		p->lost_pf_told = true;
		rte_eth_dev_callback_process(dev, RTE_ETH_EVENT_INTR_RESET, NULL);
	}
	pthread_mutex_lock(&p->lock);
	if (!atomic_load(&p->removed) && p->up)
		vfdrv_irq_enable(p->core, BIT32(MBX_VECTOR));
	pthread_mutex_unlock(&p->lock);
}

static void on_gone(void *arg)
{
	struct pmd *p = arg;
	struct rte_eth_link link = {0};
	struct epoll_event e;

	if (epoll_wait(p->watch_epoll, &e, 1, 0) <= 0)
		return;
	epoll_ctl(p->watch_epoll, EPOLL_CTL_DEL, e.data.fd, NULL);
	if (atomic_exchange(&p->removed, true))
		return;
	PMD_LOG(NOTICE, "port %u: the function is gone: %s", p->eth->data->port_id,
		e.data.fd == p->request_fd ? "the kernel wants it back" : "its server hung up");
	(void)rte_eth_linkstatus_set(p->eth, &link);
	rte_eth_dev_callback_process(p->eth, RTE_ETH_EVENT_INTR_RMV, NULL);
}

static struct rte_intr_handle *handle_new(int fd)
{
	struct rte_intr_handle *h = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);

	if (!h)
		return NULL;
	if (rte_intr_fd_set(h, fd) || rte_intr_type_set(h, RTE_INTR_HANDLE_EXT)) {
		rte_intr_instance_free(h);
		return NULL;
	}
	return h;
}

static int watch(struct pmd *p, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.fd = fd};

	return epoll_ctl(p->watch_epoll, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int watch_removal(struct pmd *p)
{
	int fd = pcif_fd(p->f), r = 0;

	p->watch_epoll = epoll_create1(EPOLL_CLOEXEC);
	if (p->watch_epoll < 0)
		return -errno;
	if (fd >= 0)
		r = watch(p, fd, EPOLLRDHUP);
	if (r < 0)
		return r;
	if (pcif_irq_count(p->f, PCIF_IRQ_REQ)) {
		p->request_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (p->request_fd < 0)
			return -errno;
		r = watch(p, p->request_fd, EPOLLIN);
		if (r < 0)
			return r;
		r = pcif_irq_set(p->f, PCIF_IRQ_REQ, 0, 1, &p->request_fd);
		if (r < 0)
			return r;
	}
	p->watch = handle_new(p->watch_epoll);
	if (!p->watch)
		return -ENOMEM;
	r = rte_intr_callback_register(p->watch, on_gone, p);
	p->watching = r >= 0;
	return r;
}

int pmd_intr_open(struct pmd *p)
{
	int r = watch_removal(p);

	if (r < 0)
		return r;
	p->mailbox = handle_new(vfdrv_pcif_irq_fd(p->home, MBX_VECTOR));
	if (!p->mailbox)
		return -ENOMEM;
	r = rte_intr_callback_register(p->mailbox, on_mailbox, p);
	if (r < 0)
		return r;
	p->mailing = true;

	p->eth->intr_handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	if (!p->eth->intr_handle || rte_intr_type_set(p->eth->intr_handle, RTE_INTR_HANDLE_VDEV) ||
	    rte_intr_efd_counter_size_set(p->eth->intr_handle, sizeof(eventfd_t)))
		return -ENOMEM;
	return 0;
}

/* Waits for a callback that runs; called from a callback it has to be done later. */
static void unregister(struct rte_intr_handle *h, rte_intr_callback_fn fn, struct pmd *p)
{
	for (unsigned int i = 0; i < 1000; i++) {
		if (rte_intr_callback_unregister(h, fn, p) != -EAGAIN)
			return;
		rte_delay_us_sleep(1000);
	}
	PMD_LOG(ERR, "port %u: an interrupt handler does not end", p->eth->data->port_id);
}

void pmd_intr_close(struct pmd *p)
{
	if (p->watching)
		unregister(p->watch, on_gone, p);
	if (p->mailing)
		unregister(p->mailbox, on_mailbox, p);
	p->watching = p->mailing = false;
	rte_intr_instance_free(p->watch);
	rte_intr_instance_free(p->mailbox);
	rte_intr_instance_free(p->eth->intr_handle);
	p->watch = p->mailbox = p->eth->intr_handle = NULL;
	fd_close(p->watch_epoll);
	fd_close(p->request_fd);
	p->watch_epoll = p->request_fd = -1;
}

int pmd_rx_intr_start(struct pmd *p)
{
	struct rte_intr_handle *h = p->eth->intr_handle;
	unsigned int n = p->eth->data->nb_rx_queues;
	uint8_t vector[VFDRV_QUEUES] = {NIC_VF_MSIX_N, NIC_VF_MSIX_N};

	if (p->eth->data->dev_conf.intr_conf.rxq) {
		if (rte_intr_vec_list_alloc(h, NULL, (int)n))
			return -ENOMEM;
		for (unsigned int i = 0; i < n; i++) {
			vector[i] = (uint8_t)i;
			if (rte_intr_vec_list_index_set(h, (int)i,
							(int)i + RTE_INTR_VEC_RXTX_OFFSET) ||
			    rte_intr_efds_index_set(h, (int)i, vfdrv_pcif_irq_fd(p->home, i)))
				return -ENOMEM;
		}
		if (rte_intr_nb_efd_set(h, (int)n) || rte_intr_max_intr_set(h, (int)n + 1))
			return -ENOMEM;
	}
	vfdrv_irq_map(p->core, vector, MBX_VECTOR);
	vfdrv_irq_enable(p->core, BIT32(MBX_VECTOR));
	return 0;
}

void pmd_rx_intr_stop(struct pmd *p)
{
	struct rte_intr_handle *h = p->eth->intr_handle;

	if (!h || !p->eth->data->dev_conf.intr_conf.rxq)
		return;
	rte_intr_free_epoll_fd(h);
	rte_intr_vec_list_free(h);
	rte_intr_nb_efd_set(h, 0);
}

int pmd_rx_intr_enable(struct rte_eth_dev *dev, uint16_t qid)
{
	struct pmd *p = pmd_of(dev);
	struct pmd_rxq *q = dev->data->rx_queues[qid];

	if (atomic_load(&p->removed))
		return -ENODEV;
	if (!dev->data->dev_conf.intr_conf.rxq)
		return -ENOTSUP;
	pthread_mutex_lock(&p->lock);
	vfdrv_irq_enable(p->core, BIT32(qid));
	pthread_mutex_unlock(&p->lock);
	/* what came between the last look and the arming gave no message */
	if (pmd_rx_status(q, 0) == RTE_ETH_RX_DESC_DONE)
		eventfd_write(vfdrv_pcif_irq_fd(p->home, qid), 1);
	return 0;
}

int pmd_rx_intr_disable(struct rte_eth_dev *dev, uint16_t qid)
{
	struct pmd *p = pmd_of(dev);

	if (atomic_load(&p->removed))
		return -ENODEV;
	pthread_mutex_lock(&p->lock);
	vfdrv_irq_disable(p->core, BIT32(qid));
	pthread_mutex_unlock(&p->lock);
	return 0;
}
