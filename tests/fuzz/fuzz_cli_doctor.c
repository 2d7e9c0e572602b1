/* SPDX-License-Identifier: BSD-3-Clause */
/* What doctor reads: a function's configuration space, and text files of the kernel. */
#include <lib/pci_sysfs.h>
#include <stdlib.h>
#include <string.h>

#include "doctor_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void config_space(const uint8_t *data, size_t size)
{
	struct doc_sriov sriov;
	struct doc_acs acs;
	enum doc_port port;
	size_t at;

	if (!doc_ext_cap(data, size, size ? data[0] : 0, &at) && at + 4 > size)
		abort();
	if (!doc_acs(data, size, &acs) && acs.enabled && !acs.there)
		abort();
	if (!doc_sriov(data, size, &sriov) && size < 0x140)
		abort();
	if (!doc_port(data, size, &port) && port > DOC_PORT_BRIDGE)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text, value[16];
	uint64_t v;

	config_space(data, size);
	text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	if (pcisys_remapped(text) > 1 || doc_vf_bars(text) > 1)
		abort();
	if (doc_memlock(text, &v) > 0 || doc_caps(text, &v) > 0)
		abort();
	doc_word(text, "intremap=off");
	doc_cpu(text, "svm");
	doc_module_listed(text, "vfio-pci");
	doc_section(text, "sriov");
	if (doc_setting(text, "Name", value, sizeof(value)) && strlen(value) >= sizeof(value))
		abort();
	free(text);
	return 0;
}
