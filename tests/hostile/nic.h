#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/* The 82576 as its driver sees it: a VF and the emulated PF differ in where queue 0 lies. */
#include <abi/nic_desc.h>
#include <abi/nic_regs.h>
#include "hostile.h"

#define NIC_TX	   0x1000000u
#define NIC_RX	   0x1010000u
#define NIC_BUF	   0x1040000u
#define NIC_DESCS  256u
#define NIC_LEN	   (NIC_DESCS * NIC_DESC_SIZE)
#define NIC_EN	   XDCTL_ENABLE
#define NIC_US	   2000u /* for the data thread to have a look */
#define NIC_UP_US  3000000u
#define NIC_PF_ACK 3000000u

/* Registers of queue 0, from RDBAL and TDBAL on. */
enum nic_queue_reg {
	Q_BASE_LO = 0x00,
	Q_BASE_HI = 0x04,
	Q_LEN = 0x08,
	Q_SPLIT = 0x0c,
	Q_HEAD = 0x10,
	Q_TAIL = 0x18,
	Q_CONTROL = 0x28,
	Q_WRITE_BACK = 0x38,
};

/* nic.c */
uint32_t nic_read(struct hostile *h, uint32_t off);
void nic_write(struct hostile *h, uint32_t off, uint32_t val);
uint32_t nic_tx_reg(const struct hostile *h, enum nic_queue_reg reg);
uint32_t nic_rx_reg(const struct hostile *h, enum nic_queue_reg reg);
int nic_up(struct hostile *h);
int nic_good(struct hostile *h);
