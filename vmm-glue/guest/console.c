/* SPDX-License-Identifier: BSD-3-Clause */
#include <guest/kern.h>
#include <stdarg.h>
#include "console.h"

struct out {
	struct guest_block *block;
	uint32_t at;
};

static void put(struct out *o, char c)
{
	o->block->con[o->at++ % GUEST_CON_SIZE] = (uint8_t)c;
}

static struct out out_begin(void)
{
	struct guest_block *b = guest_block_ptr();

	return (struct out){b, b->con_head};
}

static void out_end(const struct out *o)
{
	__atomic_store_n(&o->block->con_head, o->at, __ATOMIC_RELEASE);
	guest_mmio_write32(VMM_HPC_BASE + HPC_GDBL, HPC_GDBL_CONSOLE);
}

static void put_string(struct out *o, const char *s)
{
	while (*s)
		put(o, *s++);
}

static void put_number(struct out *o, uint64_t v, unsigned int base, unsigned int min)
{
	char digit[20];
	unsigned int n = 0;

	do {
		unsigned int d = (unsigned int)(v % base);

		digit[n++] = (char)(d < 10 ? '0' + d : 'a' + d - 10);
		v /= base;
	} while (v && n < sizeof(digit));
	while (n < min)
		digit[n++] = '0';
	while (n)
		put(o, digit[--n]);
}

static void put_signed(struct out *o, int v)
{
	if (v < 0)
		put(o, '-');
	put_number(o, v < 0 ? 0u - (unsigned int)v : (unsigned int)v, 10, 1);
}

static void put_mac(struct out *o, const uint8_t *mac)
{
	for (unsigned int i = 0; i < 6; i++) {
		if (i)
			put(o, ':');
		put_number(o, mac[i], 16, 2);
	}
}

static void put_ipv4(struct out *o, uint32_t ip)
{
	for (unsigned int i = 0; i < 4; i++) {
		if (i)
			put(o, '.');
		put_number(o, (ip >> (24 - 8 * i)) & 0xff, 10, 1);
	}
}

void con_puts(const char *s)
{
	struct out o = out_begin();

	put_string(&o, s);
	out_end(&o);
}

void con_printf(const char *fmt, ...)
{
	struct out o = out_begin();
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put(&o, *fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			put_string(&o, va_arg(ap, const char *));
			break;
		case 'd':
			put_signed(&o, va_arg(ap, int));
			break;
		case 'u':
			put_number(&o, va_arg(ap, unsigned int), 10, 1);
			break;
		case 'U':
			put_number(&o, va_arg(ap, uint64_t), 10, 1);
			break;
		case 'x':
			put_number(&o, va_arg(ap, unsigned int), 16, 1);
			break;
		case 'X':
			put_number(&o, va_arg(ap, uint64_t), 16, 1);
			break;
		case 'm':
			put_mac(&o, va_arg(ap, const uint8_t *));
			break;
		case 'i':
			put_ipv4(&o, va_arg(ap, uint32_t));
			break;
		default:
			va_end(ap);
			out_end(&o);
			return;
		}
	}
	va_end(ap);
	out_end(&o);
}
