/* SPDX-License-Identifier: BSD-3-Clause */
/* What doctor reads, decoded. */
#include <support/test.h>
#include <errno.h>
#include <string.h>

#include "doctor_parse.h"

static void put16(uint8_t *cfg, size_t at, unsigned int v)
{
	cfg[at] = (uint8_t)v;
	cfg[at + 1] = (uint8_t)(v >> 8);
}

static void ext_cap(uint8_t *cfg, size_t at, unsigned int id, size_t next)
{
	put16(cfg, at, id);
	put16(cfg, at + 2, 1u | (unsigned int)next << 4);
}

static void an_extended_capability_is_found_behind_others(void **state)
{
	uint8_t cfg[DOC_CFG_BYTES] = {};
	struct doc_sriov sriov;
	size_t at = 0;

	ext_cap(cfg, 0x100, 0x01, 0x160);
	ext_cap(cfg, 0x160, 0x10, 0);
	put16(cfg, 0x160 + 0x0e, 8);
	put16(cfg, 0x160 + 0x10, 2);
	put16(cfg, 0x160 + 0x08, 1);
	put16(cfg, 0x160 + 0x14, 0x80);
	assert_int_equal(doc_ext_cap(cfg, sizeof(cfg), 0x10, &at), 0);
	assert_int_equal(at, 0x160);
	assert_int_equal(doc_ext_cap(cfg, sizeof(cfg), 0x0d, &at), -ENOENT);
	assert_int_equal(doc_sriov(cfg, sizeof(cfg), &sriov), 0);
	assert_int_equal(sriov.total_vfs, 8);
	assert_int_equal(sriov.num_vfs, 2);
	assert_int_equal(sriov.offset, 0x80);
	assert_true(sriov.enabled);
}

static void what_only_root_may_read_is_no_data(void **state)
{
	uint8_t cfg[64] = {};
	enum doc_port port;
	struct doc_acs acs;
	size_t at;

	assert_int_equal(doc_ext_cap(cfg, sizeof(cfg), 0x10, &at), -ENODATA);
	assert_int_equal(doc_acs(cfg, sizeof(cfg), &acs), -ENODATA);
	assert_int_equal(doc_port(cfg, sizeof(cfg), &port), -ENODATA);
}

static void lists_in_circles_and_out_of_space_end(void **state)
{
	uint8_t cfg[DOC_CFG_BYTES] = {};
	struct doc_sriov sriov;
	enum doc_port port;
	size_t at;

	ext_cap(cfg, 0x100, 0x01, 0x200);
	ext_cap(cfg, 0x200, 0x02, 0x100);
	assert_int_equal(doc_ext_cap(cfg, sizeof(cfg), 0x10, &at), -EBADMSG);
	assert_int_equal(doc_ext_cap(cfg, 0x180, 0x10, &at), -EBADMSG);
	ext_cap(cfg, 0x100, 0x10, 0);
	assert_int_equal(doc_sriov(cfg, 0x110, &sriov), -EBADMSG);
	put16(cfg, 0x06, 0x10);
	cfg[0x34] = 0x40;
	cfg[0x40] = 0x05;
	cfg[0x41] = 0x40;
	assert_int_equal(doc_port(cfg, sizeof(cfg), &port), -EBADMSG);
}

static void acs_counts_when_all_that_it_can_do_is_on(void **state)
{
	uint8_t cfg[DOC_CFG_BYTES] = {};
	struct doc_acs acs;

	assert_int_equal(doc_acs(cfg, sizeof(cfg), &acs), 0);
	assert_false(acs.there);
	ext_cap(cfg, 0x100, 0x0d, 0);
	put16(cfg, 0x104, 0x1d);
	assert_int_equal(doc_acs(cfg, sizeof(cfg), &acs), 0);
	assert_true(acs.there);
	assert_false(acs.enabled);
	put16(cfg, 0x106, 0x1d);
	assert_int_equal(doc_acs(cfg, sizeof(cfg), &acs), 0);
	assert_true(acs.enabled);
}

static void ports_are_told_apart(void **state)
{
	uint8_t cfg[256] = {};
	enum doc_port port;

	assert_int_equal(doc_port(cfg, sizeof(cfg), &port), 0);
	assert_int_equal(port, DOC_PORT_NONE);
	put16(cfg, 0x06, 0x10);
	cfg[0x34] = 0x50;
	cfg[0x50] = 0x01;
	cfg[0x51] = 0x60;
	cfg[0x60] = 0x10;
	put16(cfg, 0x62, 0x42);
	assert_int_equal(doc_port(cfg, sizeof(cfg), &port), 0);
	assert_int_equal(port, DOC_PORT_ROOT);
	put16(cfg, 0x62, 0x52);
	assert_int_equal(doc_port(cfg, sizeof(cfg), &port), 0);
	assert_int_equal(port, DOC_PORT_UP);
}

static void limits_and_capabilities_are_read(void **state)
{
	uint64_t v = 0;

	assert_int_equal(doc_memlock("Limit  Soft Limit\n"
				     "Max locked memory         65536                65536 bytes\n",
				     &v),
			 0);
	assert_int_equal(v, 65536);
	assert_int_equal(doc_memlock("Max locked memory         unlimited  unlimited bytes\n", &v),
			 0);
	assert_true(v == UINT64_MAX);
	assert_int_equal(doc_memlock("Max locked memory  -1 \n", &v), -EBADMSG);
	assert_int_equal(doc_memlock("", &v), -EBADMSG);
	assert_int_equal(doc_caps("Name:\tx\nCapEff:\t0000000000004000\n", &v), 0);
	assert_int_equal(v, 0x4000);
	assert_int_equal(doc_caps("CapEff:\tzz\n", &v), -EBADMSG);
}

static void modules_are_found_whatever_their_dashes(void **state)
{
	static const char dep[] = "kernel/net/tun.ko:\n"
				  "kernel/drivers/vfio/pci/vfio-pci.ko.xz: kernel/a/kvm.ko.xz\n";

	assert_true(doc_module_listed(dep, "vfio_pci"));
	assert_true(doc_module_listed(dep, "tun"));
	assert_false(doc_module_listed(dep, "kvm"));
	assert_false(doc_module_listed(dep, "vfio"));
	assert_false(doc_module_listed("", "tun"));
}

#define NOTHING "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
#define GIVEN	"0x00000000fe880000 0x00000000fe89ffff 0x0000000000140204\n"
#define UNSET	"0x0000000000000000 0x000000000001ffff 0x0000000000140204\n"
#define SEVEN	GIVEN NOTHING NOTHING NOTHING NOTHING NOTHING NOTHING

static void vf_bars_without_addresses_are_seen(void **state)
{
	assert_int_equal(doc_vf_bars(SEVEN GIVEN NOTHING NOTHING GIVEN NOTHING NOTHING), 1);
	assert_int_equal(doc_vf_bars(SEVEN UNSET NOTHING NOTHING GIVEN NOTHING NOTHING), 0);
	assert_int_equal(doc_vf_bars(SEVEN NOTHING NOTHING NOTHING NOTHING NOTHING NOTHING), 0);
	assert_int_equal(doc_vf_bars(SEVEN), -ENODATA);
	assert_int_equal(doc_vf_bars("none\n"), -EBADMSG);
}

static void words_flags_settings_and_sections_are_whole(void **state)
{
	char value[8];

	assert_true(doc_word("quiet intremap=off\n", "intremap=off"));
	assert_false(doc_word("xintremap=off intremap=offx", "intremap=off"));
	assert_true(doc_cpu("model\t: 1\nflags\t\t: fpu svm\nbugs: vmx\n", "svm"));
	assert_false(doc_cpu("model\t: 1\nflags\t\t: fpu svm\nbugs: vmx\n", "vmx"));
	assert_true(doc_setting("[Match]\n Name = en*\n", "Name", value, sizeof(value)));
	assert_string_equal(value, "en*");
	assert_true(doc_setting("Name=0123456789\n", "Name", value, sizeof(value)));
	assert_string_equal(value, "0123456");
	assert_false(doc_setting("#Name=x\n", "Name", value, sizeof(value)));
	assert_true(doc_section("a=b\n[sriov]\n", "sriov"));
	assert_false(doc_section("#[sriov]\n[sriov2]\n", "sriov"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_extended_capability_is_found_behind_others),
		cmocka_unit_test(what_only_root_may_read_is_no_data),
		cmocka_unit_test(lists_in_circles_and_out_of_space_end),
		cmocka_unit_test(acs_counts_when_all_that_it_can_do_is_on),
		cmocka_unit_test(ports_are_told_apart),
		cmocka_unit_test(limits_and_capabilities_are_read),
		cmocka_unit_test(modules_are_found_whatever_their_dashes),
		cmocka_unit_test(vf_bars_without_addresses_are_seen),
		cmocka_unit_test(words_flags_settings_and_sections_are_whole),
	};

	return cmocka_run_group_tests_name("cli_doctor_parse", tests, NULL, NULL);
}
