/* SPDX-License-Identifier: BSD-3-Clause */
#include "doctor_parse.h"

#include <ctype.h>
#include <inttypes.h>
#include <linux/pci_regs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXT_CAPS_MAX 480u /* 8 bytes each between 0x100 and 0x1000 */
#define CAPS_MAX     48u
#define ACS_WANTED   (PCI_ACS_SV | PCI_ACS_RR | PCI_ACS_CR | PCI_ACS_UF)
#define RES_IOV	     7u /* lines of "resource": six BARs, ROM, six VF BARs */
#define RES_IOV_END  13u

/* ---- configuration space ---- */

static uint16_t get16(const uint8_t *cfg, size_t at)
{
	return (uint16_t)(cfg[at] | cfg[at + 1] << 8);
}

static uint32_t get32(const uint8_t *cfg, size_t at)
{
	return get16(cfg, at) | (uint32_t)get16(cfg, at + 2) << 16;
}

int doc_ext_cap(const uint8_t *cfg, size_t len, uint16_t id, size_t *ret_at)
{
	size_t at = PCI_CFG_SPACE_SIZE;

	if (len < PCI_CFG_SPACE_SIZE + 4)
		return -ENODATA;
	for (unsigned int n = 0; n < EXT_CAPS_MAX; n++) {
		uint32_t head;

		if (at + 4 > len)
			return -EBADMSG;
		head = get32(cfg, at);
		/* nothing there, or nobody answers */
		if (head == 0 || head == UINT32_MAX)
			return -ENOENT;
		if (PCI_EXT_CAP_ID(head) == id) {
			*ret_at = at;
			return 0;
		}
		at = PCI_EXT_CAP_NEXT(head);
		if (at == 0)
			return -ENOENT;
		if (at < PCI_CFG_SPACE_SIZE)
			return -EBADMSG;
	}
	return -EBADMSG;
}

int doc_acs(const uint8_t *cfg, size_t len, struct doc_acs *ret)
{
	struct doc_acs acs = {};
	size_t at;
	int r;

	r = doc_ext_cap(cfg, len, PCI_EXT_CAP_ID_ACS, &at);
	if (r == -ENOENT) {
		*ret = acs;
		return 0;
	}
	if (r < 0)
		return r;
	if (at + PCI_ACS_CTRL + 2 > len)
		return -EBADMSG;
	acs.there = true;
	acs.cap = get16(cfg, at + PCI_ACS_CAP);
	acs.ctrl = get16(cfg, at + PCI_ACS_CTRL);
	/* as the kernel has it: what a port cannot do need not be on */
	acs.enabled = (acs.ctrl & acs.cap & ACS_WANTED) == (acs.cap & ACS_WANTED);
	*ret = acs;
	return 0;
}

int doc_sriov(const uint8_t *cfg, size_t len, struct doc_sriov *ret)
{
	size_t at;
	int r;

	r = doc_ext_cap(cfg, len, PCI_EXT_CAP_ID_SRIOV, &at);
	if (r < 0)
		return r;
	if (at + PCI_EXT_CAP_SRIOV_SIZEOF > len)
		return -EBADMSG;
	*ret = (struct doc_sriov){
		.initial_vfs = get16(cfg, at + PCI_SRIOV_INITIAL_VF),
		.total_vfs = get16(cfg, at + PCI_SRIOV_TOTAL_VF),
		.num_vfs = get16(cfg, at + PCI_SRIOV_NUM_VF),
		.offset = get16(cfg, at + PCI_SRIOV_VF_OFFSET),
		.stride = get16(cfg, at + PCI_SRIOV_VF_STRIDE),
		.device = get16(cfg, at + PCI_SRIOV_VF_DID),
		.enabled = get16(cfg, at + PCI_SRIOV_CTRL) & PCI_SRIOV_CTRL_VFE,
	};
	return 0;
}

static enum doc_port port_type(unsigned int flags)
{
	switch ((flags & PCI_EXP_FLAGS_TYPE) >> 4) {
	case PCI_EXP_TYPE_ROOT_PORT:
		return DOC_PORT_ROOT;
	case PCI_EXP_TYPE_UPSTREAM:
		return DOC_PORT_UP;
	case PCI_EXP_TYPE_DOWNSTREAM:
		return DOC_PORT_DOWN;
	case PCI_EXP_TYPE_PCI_BRIDGE:
	case PCI_EXP_TYPE_PCIE_BRIDGE:
		return DOC_PORT_BRIDGE;
	default:
		return DOC_PORT_NONE;
	}
}

int doc_port(const uint8_t *cfg, size_t len, enum doc_port *ret)
{
	size_t at;

	if (len < PCI_CFG_SPACE_SIZE)
		return -ENODATA;
	*ret = DOC_PORT_NONE;
	if (!(get16(cfg, PCI_STATUS) & PCI_STATUS_CAP_LIST))
		return 0;
	at = cfg[PCI_CAPABILITY_LIST] & 0xfc;
	for (unsigned int n = 0; at; n++) {
		if (n == CAPS_MAX || at < PCI_STD_HEADER_SIZEOF)
			return -EBADMSG;
		if (cfg[at] == PCI_CAP_ID_EXP) {
			*ret = port_type(get16(cfg, at + PCI_EXP_FLAGS));
			return 0;
		}
		at = cfg[at + PCI_CAP_LIST_NEXT] & 0xfc;
	}
	return 0;
}

/* ---- text ---- */

static bool word_in(const char *text, size_t len, const char *word)
{
	size_t want = strlen(word);

	while (len > 0) {
		size_t n = 0;

		while (n < len && !isspace((unsigned char)text[n]))
			n++;
		if (n == want && !memcmp(text, word, n))
			return true;
		n += n < len;
		text += n;
		len -= n;
	}
	return false;
}

bool doc_word(const char *text, const char *word)
{
	return word_in(text, strlen(text), word);
}

/* The line that begins with @head, behind it; NULL. */
static const char *line_of(const char *text, const char *head)
{
	size_t n = strlen(head);

	while (*text) {
		if (!strncmp(text, head, n))
			return text + n;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return NULL;
}

bool doc_cpu(const char *cpuinfo, const char *flag)
{
	const char *line = line_of(cpuinfo, "flags");

	return line && word_in(line, strcspn(line, "\n"), flag);
}

int doc_memlock(const char *limits, uint64_t *ret_bytes)
{
	const char *line = line_of(limits, "Max locked memory");
	unsigned long long v;
	char *end;

	if (!line)
		return -EBADMSG;
	line += strspn(line, " ");
	if (!strncmp(line, "unlimited", 9)) {
		*ret_bytes = UINT64_MAX;
		return 0;
	}
	if (!isdigit((unsigned char)*line))
		return -EBADMSG;
	errno = 0;
	v = strtoull(line, &end, 10);
	if (errno || *end != ' ')
		return -EBADMSG;
	*ret_bytes = v;
	return 0;
}

int doc_caps(const char *status, uint64_t *ret_caps)
{
	const char *line = line_of(status, "CapEff:\t");
	size_t n = line ? strspn(line, "0123456789abcdef") : 0;

	if (n == 0 || n > 16 || (line[n] && line[n] != '\n'))
		return -EBADMSG;
	*ret_caps = strtoull(line, NULL, 16);
	return 0;
}

static char dash(char c)
{
	return c == '_' ? '-' : c;
}

/* "kernel/drivers/vfio/pci/vfio-pci.ko.xz: ..." */
static bool module_at(const char *line, size_t len, const char *name)
{
	size_t end = 0, at, n = strlen(name);

	while (end < len && line[end] != ':' && line[end] != '\n')
		end++;
	at = end;
	while (at > 0 && line[at - 1] != '/')
		at--;
	if (end - at < n + 3 || strncmp(line + at + n, ".ko", 3))
		return false;
	for (size_t i = 0; i < n; i++)
		if (dash(line[at + i]) != dash(name[i]))
			return false;
	return true;
}

bool doc_module_listed(const char *list, const char *name)
{
	while (*list) {
		size_t len = strcspn(list, "\n");

		if (module_at(list, len, name))
			return true;
		list += len + (list[len] == '\n');
	}
	return false;
}

int doc_vf_bars(const char *resource)
{
	bool some = false;

	for (unsigned int n = 0; n < RES_IOV_END; n++) {
		uint64_t start, end, flags;

		if (!*resource)
			return -ENODATA;
		if (sscanf(resource, "0x%16" SCNx64 " 0x%16" SCNx64 " 0x%16" SCNx64, &start, &end,
			   &flags) != 3)
			return -EBADMSG;
		if (n >= RES_IOV && start == 0 && (flags || end))
			return 0;
		if (n >= RES_IOV && start)
			some = true;
		resource += strcspn(resource, "\n");
		resource += *resource == '\n';
	}
	return some;
}

bool doc_setting(const char *text, const char *key, char *ret_value, size_t size)
{
	size_t n = strlen(key);

	while (*text) {
		size_t blank = strspn(text, " \t"), len = strcspn(text, "\n");
		const char *at = text + blank;

		if (!strncmp(at, key, n)) {
			const char *value = at + n + strspn(at + n, " \t");

			if (*value == '=') {
				value++;
				value += strspn(value, " \t");
				snprintf(ret_value, size, "%.*s", (int)strcspn(value, "\n"), value);
				return true;
			}
		}
		text += len + (text[len] == '\n');
	}
	return false;
}

bool doc_section(const char *text, const char *name)
{
	size_t n = strlen(name);

	while (*text) {
		const char *at = text + strspn(text, " \t");

		if (*at == '[' && !strncmp(at + 1, name, n) && at[1 + n] == ']')
			return true;
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return false;
}
