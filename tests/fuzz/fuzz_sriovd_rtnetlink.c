/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What comes out of an rtnetlink socket: answers about VFs, refusals and events of network devices.
 * Whatever the bytes, what is read from them is in range and none is read twice.
 */
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include "host_internal.h"
#include "vf_rtnl_internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void answers(const void *bytes, size_t size)
{
	char words[VF_WORDS_MAX];
	struct vf_told told[3];
	struct vf_answer a;
	int error;

	for (unsigned int vf = 0; vf < 2; vf++) {
		if (vf_codec_answer(bytes, size, 7, vf, &a) < 0)
			continue;
		if (a.n_told == 0 || a.attrs.link_state > VF_LINK_DISABLE || !(a.has & VF_ATTR_MAC))
			abort();
		if (vf_attrs_differ(&a.attrs, &a.attrs, VF_ATTR_SETTABLE))
			abort();
	}
	if (vf_codec_answer_all(bytes, size, 7, 3, told) >= 0)
		for (unsigned int vf = 0; vf < 3; vf++)
			if (told[vf].told && (told[vf].attrs.link_state > VF_LINK_DISABLE ||
					      !(told[vf].has & VF_ATTR_MAC)))
				abort();
	if (vf_codec_error(bytes, size, &error, words) >= 0 &&
	    (error > 0 || strnlen(words, sizeof(words)) == sizeof(words)))
		abort();
}

static void events(const void *bytes, size_t size)
{
	struct host_links in = {bytes, size};
	struct host_link link;
	size_t before = size + 1;

	while (host_links_next(&in, &link) > 0) {
		if (in.left >= before || link.ifindex <= 0 ||
		    strnlen(link.name, sizeof(link.name)) == sizeof(link.name))
			abort();
		before = in.left;
	}
	if (in.left)
		abort();
}

/* The same as one whole message about our interface, so that what is inside is read. */
static void whole(unsigned char *bytes, size_t size)
{
	struct nlmsghdr h = {.nlmsg_len = (uint32_t)size, .nlmsg_type = RTM_NEWLINK};
	struct ifinfomsg info = {.ifi_index = 7};

	if (size < sizeof(h) + sizeof(info))
		return;
	memcpy(bytes, &h, sizeof(h));
	memcpy(bytes + sizeof(h), &info, sizeof(info));
	answers(bytes, size);
	events(bytes, size);
	h.nlmsg_type = NLMSG_ERROR;
	h.nlmsg_flags = NLM_F_ACK_TLVS | NLM_F_CAPPED;
	memcpy(bytes, &h, sizeof(h));
	answers(bytes, size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* of exactly that size, and aligned as a socket's buffer */
	unsigned char *bytes = malloc(size ? size : 1);

	if (!bytes)
		return 0;
	if (size)
		memcpy(bytes, data, size);
	answers(bytes, size);
	events(bytes, size);
	whole(bytes, size);
	free(bytes);
	return 0;
}
