/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/valid.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

bool name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n >= 1 && n <= NAME_LEN_MAX && name[n] == '\0' && name[0] != '-';
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

int mac_parse(const char *text, struct mac *ret_mac)
{
	struct mac mac;

	if (strlen(text) != MAC_TEXT - 1)
		return -EINVAL;
	for (size_t i = 0; i < 6; i++) {
		int hi = hex_digit(text[3 * i]);
		int lo = hex_digit(text[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i < 5 && text[3 * i + 2] != ':'))
			return -EINVAL;
		mac.b[i] = (uint8_t)(hi << 4 | lo);
	}
	*ret_mac = mac;
	return 0;
}

bool mac_assignable(const struct mac *mac)
{
	static const struct mac zero;

	return !(mac->b[0] & 1) && !mac_equal(mac, &zero);
}

bool mac_equal(const struct mac *a, const struct mac *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

const char *mac_format(const struct mac *mac, char buf[MAC_TEXT])
{
	snprintf(buf, MAC_TEXT, "%02x:%02x:%02x:%02x:%02x:%02x", mac->b[0], mac->b[1], mac->b[2],
		 mac->b[3], mac->b[4], mac->b[5]);
	return buf;
}

int mac_make(struct mac *ret_mac)
{
	struct mac mac;

	if (getrandom(mac.b, sizeof(mac.b), 0) != (ssize_t)sizeof(mac.b))
		return -errno;
	mac.b[0] = 0x02;
	*ret_mac = mac;
	return 0;
}
