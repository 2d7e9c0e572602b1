/* SPDX-License-Identifier: BSD-3-Clause */
#include <net/if.h>
#include <sriovd/valid.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

bool name_valid(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return n >= 1 && n <= NAME_LEN_MAX && name[n] == '\0' && name[0] != '-';
}

bool ifname_valid(const char *name)
{
	size_t n = strlen(name);

	return n >= 1 && n < IFNAMSIZ && strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
	       strcspn(name, "/:% \t\n") == n;
}

int mac_parse(const char *text, struct mac *ret_mac)
{
	return mac_from_text(text, ret_mac->b);
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
	return mac_to_text(mac->b, buf);
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
