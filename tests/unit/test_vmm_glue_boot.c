/* SPDX-License-Identifier: BSD-3-Clause */
/* Kernels as they should be, and as nobody should write them: headers, notes, and what lies in RAM.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <support/test.h>
#include <acpi.h>
#include <boot_linux.h>
#include <bzimage.h>
#include <elf_load.h>
#include <pvh.h>

#define RAM	 UINT64_C(0x4000000)
#define SETUP	 2u
#define PAYLOAD	 0x1000u
#define PREFER	 UINT64_C(0x1000000)
#define INIT_LEN 0x200000u

struct __attribute__((packed)) kernel {
	uint8_t boot_sector[BZ_HEADER_AT];
	struct setup_header hdr;
	uint8_t setup[(SETUP + 1) * 512 - BZ_HEADER_AT - sizeof(struct setup_header)];
	uint8_t payload[PAYLOAD];
};

static struct kernel kernel_good(void)
{
	struct kernel k = {0};
	struct setup_header h = {
		.setup_sects = SETUP,
		.syssize = PAYLOAD / 16,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.kernel_alignment = 0x200000,
		.relocatable_kernel = 1,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 2047,
		.pref_address = PREFER,
		.init_size = INIT_LEN,
		.initrd_addr_max = 0x7fffffff,
	};

	memcpy(&h.header, "HdrS", 4);
	k.hdr = h;
	memset(k.payload, 0x5a, sizeof(k.payload));
	return k;
}

static int decode(const struct kernel *k, struct bz_plan *plan)
{
	return bz_decode((const uint8_t *)k, BZ_HEAD_BYTES, sizeof(*k), RAM, plan);
}

static void a_bzimage_goes_where_it_prefers(void **state)
{
	struct kernel k = kernel_good();
	struct bz_plan p;

	(void)state;
	assert_int_equal(decode(&k, &p), 0);
	assert_int_equal(p.load_gpa, PREFER);
	assert_int_equal(p.load_len, INIT_LEN);
	assert_int_equal(p.payload_off, offsetof(struct kernel, payload));
	assert_int_equal(p.payload_len, PAYLOAD);
	assert_int_equal(p.initrd_end, RAM);
	assert_int_equal(p.cmdline_max, 2047);
}

static void a_small_machine_moves_a_relocatable_kernel_down(void **state)
{
	struct kernel k = kernel_good();
	struct bz_plan p;

	(void)state;
	k.hdr.pref_address = RAM - INIT_LEN + 1;
	assert_int_equal(decode(&k, &p), 0);
	assert_int_equal(p.load_gpa, 0x200000);
	k.hdr.relocatable_kernel = 0;
	assert_int_equal(decode(&k, &p), -ERANGE);
	k.hdr.relocatable_kernel = 1;
	k.hdr.kernel_alignment = 0x300000;
	assert_int_equal(decode(&k, &p), -EBADMSG);
}

static void what_is_no_64_bit_bzimage_is_refused(void **state)
{
	struct kernel k = kernel_good();
	struct bz_plan p;

	(void)state;
	assert_int_equal(bz_decode((uint8_t *)&k, BZ_HEAD_BYTES - 1, sizeof(k), RAM, &p), -ENOEXEC);
	k.hdr.boot_flag = 0;
	assert_int_equal(decode(&k, &p), -ENOEXEC);
	k = kernel_good();
	k.hdr.header = 0;
	assert_int_equal(decode(&k, &p), -ENOEXEC);
	k = kernel_good();
	k.hdr.version = 0x20b;
	assert_int_equal(decode(&k, &p), -ENOTSUP);
	k = kernel_good();
	k.hdr.xloadflags = 0;
	assert_int_equal(decode(&k, &p), -ENOTSUP);
	k = kernel_good();
	k.hdr.jump = 0x10eb;
	assert_int_equal(decode(&k, &p), -EBADMSG);
}

static void a_cut_or_oversized_kernel_is_refused(void **state)
{
	struct kernel k = kernel_good();
	struct bz_plan p;

	(void)state;
	assert_int_equal(bz_decode((uint8_t *)&k, BZ_HEAD_BYTES, sizeof(k) - 1, RAM, &p), -EBADMSG);
	assert_int_equal(
		bz_decode((uint8_t *)&k, BZ_HEAD_BYTES, offsetof(struct kernel, payload), RAM, &p),
		-EBADMSG);
	k.hdr.init_size = UINT32_MAX;
	assert_int_equal(decode(&k, &p), -ERANGE);
	k = kernel_good();
	k.hdr.pref_address = UINT64_MAX;
	k.hdr.relocatable_kernel = 0;
	assert_int_equal(decode(&k, &p), -ERANGE);
}

static void the_pvh_note_is_found_among_others(void **state)
{
	struct {
		Elf64_Nhdr a;
		char a_name[4];
		uint8_t a_desc[8];
		Elf64_Nhdr b;
		char b_name[4];
		uint32_t b_desc;
	} n = {
		.a = {.n_namesz = 4, .n_descsz = 6, .n_type = 3},
		.a_name = "GNU",
		.b = {.n_namesz = 4, .n_descsz = 4, .n_type = 18},
		.b_name = "Xen",
		.b_desc = 0x1000200,
	};
	uint32_t entry = 0;

	(void)state;
	assert_int_equal(pvh_note_find((uint8_t *)&n, sizeof(n), &entry), 0);
	assert_int_equal(entry, 0x1000200);
	assert_int_equal(pvh_note_find((uint8_t *)&n, sizeof(n) - 1, &entry), -EBADMSG);
	n.b.n_descsz = 2;
	assert_int_equal(pvh_note_find((uint8_t *)&n, sizeof(n), &entry), -EBADMSG);
	n.b.n_type = 17;
	assert_int_equal(pvh_note_find((uint8_t *)&n, sizeof(n), &entry), -ENOENT);
	n.a.n_descsz = UINT32_MAX;
	assert_int_equal(pvh_note_find((uint8_t *)&n, sizeof(n), &entry), -EBADMSG);
	assert_int_equal(pvh_note_find((uint8_t *)&n, 0, &entry), -ENOENT);
}

static void the_memory_map_leaves_devices_out(void **state)
{
	struct boot_range r[BOOT_RANGES];
	unsigned int n = boot_ranges(UINT64_C(0xc0000000), UINT64_C(0x40000000), r);

	(void)state;
	assert_int_equal(n, BOOT_RANGES);
	for (unsigned int i = 1; i < n; i++)
		assert_true(r[i].addr >= r[i - 1].addr + r[i - 1].size);
	assert_int_equal(r[2].addr + r[2].size, 0xc0000000);
	assert_int_equal(r[n - 1].addr, UINT64_C(1) << 32);
	assert_int_equal(boot_ranges(RAM, 0, r), BOOT_RANGES - 1);
}

static void a_command_line_without_acpi_is_refused(void **state)
{
	(void)state;
	assert_string_equal(boot_cmdline_refusal("quiet  acpi=off"), "acpi=off");
	assert_string_equal(boot_cmdline_refusal("pci=off quiet"), "pci=off");
	assert_null(boot_cmdline_refusal("console=ttyS0 xacpi=off acpi=offset"));
	assert_null(boot_cmdline_refusal(""));
}

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

struct machine {
	uint8_t *ram;
	struct boot_linux b;
	struct boot_start start;
	const char *why;
};

static int setup(void **state)
{
	struct machine *m = calloc(1, sizeof(*m));

	assert_non_null(m);
	m->ram = mmap(NULL, RAM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert_true(m->ram != MAP_FAILED);
	m->b = (struct boot_linux){
		.ram = m->ram, .ram_low = RAM, .n_cpus = 2, .initrd_fd = -1, .cmdline = "quiet"};
	*state = m;
	return 0;
}

static int teardown(void **state)
{
	struct machine *m = *state;

	munmap(m->ram, RAM);
	free(m);
	return 0;
}

static void the_zero_page_tells_where_all_is(void **state)
{
	struct machine *m = *state;
	struct kernel k = kernel_good();
	const struct boot_params *z = (struct boot_params *)(m->ram + LINUX_ZERO);

	m->b.kernel_fd = file_of(&k, sizeof(k));
	m->b.initrd_fd = file_of("initrd", 6);
	assert_int_equal(boot_linux_load(&m->b, &m->start, &m->why), 0);
	assert_int_equal(m->start.how, BOOT_LINUX_64);
	assert_int_equal(m->start.entry, PREFER + 0x200);
	assert_memory_equal(m->ram + PREFER, k.payload, PAYLOAD);
	assert_string_equal((char *)m->ram + z->hdr.cmd_line_ptr, "quiet");
	assert_int_equal(z->hdr.type_of_loader, 0xff);
	assert_int_equal(z->hdr.ramdisk_size, 6);
	assert_memory_equal(m->ram + z->hdr.ramdisk_image, "initrd", 6);
	assert_int_equal(z->hdr.ramdisk_image, RAM - 4096);
	assert_int_equal(z->acpi_rsdp_addr, ACPI_GPA);
	assert_memory_equal(m->ram + z->acpi_rsdp_addr, "RSD PTR ", 8);
	assert_int_equal(z->e820_entries, BOOT_RANGES - 1);
	close(m->b.kernel_fd);
	close(m->b.initrd_fd);
}

static void an_initrd_that_does_not_fit_is_refused_in_words(void **state)
{
	struct machine *m = *state;
	struct kernel k = kernel_good();

	m->b.kernel_fd = file_of(&k, sizeof(k));
	m->b.initrd_fd = file_of("initrd", 6);
	assert_int_equal(ftruncate(m->b.initrd_fd, RAM - PREFER - INIT_LEN + 1), 0);
	assert_int_equal(boot_linux_load(&m->b, &m->start, &m->why), -ERANGE);
	assert_non_null(strstr(m->why, "do not fit"));
	assert_int_equal(ftruncate(m->b.initrd_fd, RAM - PREFER - INIT_LEN), 0);
	assert_int_equal(boot_linux_load(&m->b, &m->start, &m->why), 0);
	assert_int_equal(ftruncate(m->b.initrd_fd, 0), 0);
	assert_int_equal(boot_linux_load(&m->b, &m->start, &m->why), -ENOEXEC);
	m->b.initrd_fd = -1;
	k.hdr.cmdline_size = 4;
	assert_int_equal(pwrite(m->b.kernel_fd, &k, sizeof(k), 0), sizeof(k));
	assert_int_equal(boot_linux_load(&m->b, &m->start, &m->why), -E2BIG);
	close(m->b.kernel_fd);
}

struct vmlinux {
	Elf64_Ehdr e;
	Elf64_Phdr p[2];
	Elf64_Nhdr n;
	char name[4];
	uint32_t desc;
	uint8_t text[64];
};

static struct vmlinux vmlinux_good(void)
{
	struct vmlinux v = {
		.e = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				  EV_CURRENT},
		      .e_type = ET_EXEC,
		      .e_machine = EM_X86_64,
		      .e_entry = PREFER,
		      .e_phoff = offsetof(struct vmlinux, p),
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = 2},
		.p = {{.p_type = PT_LOAD,
		       .p_offset = offsetof(struct vmlinux, text),
		       .p_paddr = PREFER,
		       .p_filesz = 64,
		       .p_memsz = 0x2000},
		      {.p_type = PT_NOTE,
		       .p_offset = offsetof(struct vmlinux, n),
		       .p_filesz = sizeof(Elf64_Nhdr) + 8}},
		.n = {.n_namesz = 4, .n_descsz = 4, .n_type = 18},
		.name = "Xen",
		.desc = PREFER + 0x10,
		.text = "text",
	};

	return v;
}

static void an_elf_kernel_starts_by_its_pvh_note(void **state)
{
	struct machine *m = *state;
	struct vmlinux v = vmlinux_good();
	const struct pvh_start_info *s = (struct pvh_start_info *)(m->ram + LINUX_PVH);
	const struct pvh_module *mod;
	struct kvm_sregs sregs = {0};
	struct kvm_regs regs;

	m->b.kernel_fd = file_of(&v, sizeof(v));
	m->b.initrd_fd = file_of("initrd", 6);
	assert_int_equal(boot_linux_load(&m->b, &m->start, &m->why), 0);
	assert_int_equal(m->start.how, BOOT_PVH);
	assert_int_equal(m->start.entry, PREFER + 0x10);
	assert_string_equal((char *)m->ram + PREFER, "text");
	assert_int_equal(s->magic, PVH_MAGIC);
	assert_int_equal(s->rsdp, ACPI_GPA);
	assert_string_equal((char *)m->ram + s->cmdline, "quiet");
	assert_int_equal(s->n_modules, 1);
	mod = (struct pvh_module *)(m->ram + s->modules);
	assert_memory_equal(m->ram + mod->addr, "initrd", 6);
	assert_int_equal(s->n_memmap, BOOT_RANGES - 1);

	boot_linux_sregs(&m->start, &sregs);
	boot_linux_regs(&m->start, &regs);
	assert_int_equal(regs.rbx, LINUX_PVH);
	assert_int_equal(sregs.cr0 & 0x80000001u, 1);
	assert_int_equal(sregs.efer, 0);
	close(m->b.kernel_fd);
	close(m->b.initrd_fd);
}

static void an_elf_kernel_without_a_good_note_is_refused(void **state)
{
	struct machine *m = *state;
	struct vmlinux v = vmlinux_good();

	v.n.n_type = 1;
	m->b.kernel_fd = file_of(&v, sizeof(v));
	assert_int_equal(boot_linux_load(&m->b, &m->start, &m->why), -ENOEXEC);
	assert_non_null(strstr(m->why, "PVH"));
	v = vmlinux_good();
	v.desc = PREFER + 0x2000;
	assert_int_equal(pwrite(m->b.kernel_fd, &v, sizeof(v), 0), sizeof(v));
	assert_int_equal(boot_linux_load(&m->b, &m->start, &m->why), -ERANGE);
	close(m->b.kernel_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_bzimage_goes_where_it_prefers),
		cmocka_unit_test(a_small_machine_moves_a_relocatable_kernel_down),
		cmocka_unit_test(what_is_no_64_bit_bzimage_is_refused),
		cmocka_unit_test(a_cut_or_oversized_kernel_is_refused),
		cmocka_unit_test(the_pvh_note_is_found_among_others),
		cmocka_unit_test(the_memory_map_leaves_devices_out),
		cmocka_unit_test(a_command_line_without_acpi_is_refused),
		cmocka_unit_test_setup_teardown(the_zero_page_tells_where_all_is, setup, teardown),
		cmocka_unit_test_setup_teardown(an_initrd_that_does_not_fit_is_refused_in_words,
						setup, teardown),
		cmocka_unit_test_setup_teardown(an_elf_kernel_starts_by_its_pvh_note, setup,
						teardown),
		cmocka_unit_test_setup_teardown(an_elf_kernel_without_a_good_note_is_refused, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("boot", tests, NULL, NULL);
}
