/* SPDX-License-Identifier: BSD-3-Clause */
/* The ELF loader against files as they should be, and as nobody should write them. */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>
#include <support/test.h>
#include <elf_load.h>

#define RAM  UINT64_C(0x200000)
#define BASE UINT64_C(0x100000)

struct image {
	Elf64_Ehdr e;
	Elf64_Phdr p[3];
	uint8_t text[64];
};

static struct image image_good(void)
{
	struct image i = {
		.e = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				  EV_CURRENT},
		      .e_type = ET_EXEC,
		      .e_machine = EM_X86_64,
		      .e_entry = BASE + 4,
		      .e_phoff = offsetof(struct image, p),
		      .e_phentsize = sizeof(Elf64_Phdr),
		      .e_phnum = 3},
		.p = {{.p_type = PT_LOAD,
		       .p_offset = offsetof(struct image, text),
		       .p_paddr = BASE,
		       .p_filesz = 64,
		       .p_memsz = 128},
		      {.p_type = PT_LOAD, .p_paddr = BASE + 0x1000, .p_memsz = 0x1000},
		      {.p_type = PT_NOTE, .p_offset = UINT64_MAX}},
		.text = "text",
	};

	return i;
}

static int decode(const struct image *i)
{
	struct elf_plan plan;

	return elf_plan_decode((const uint8_t *)i, sizeof(*i), sizeof(*i), RAM, &plan);
}

static void a_static_executable_is_planned(void **state)
{
	struct image i = image_good();
	struct elf_plan plan;

	(void)state;
	assert_int_equal(elf_plan_decode((const uint8_t *)&i, sizeof(i), sizeof(i), RAM, &plan), 0);
	assert_int_equal(plan.entry, BASE + 4);
	assert_int_equal(plan.n, 2);
	assert_int_equal(plan.seg[0].filesz, 64);
	assert_int_equal(plan.seg[1].memsz, 0x1000);
}

static void other_kinds_of_files_are_refused(void **state)
{
	struct image i;

	(void)state;
#define REFUSE(change, error) \
	i = image_good();     \
	change;               \
	assert_int_equal(decode(&i), error)
	REFUSE(i.e.e_ident[0] = 0, -ENOEXEC);
	REFUSE(i.e.e_ident[EI_CLASS] = ELFCLASS32, -ENOEXEC);
	REFUSE(i.e.e_ident[EI_DATA] = ELFDATA2MSB, -ENOEXEC);
	REFUSE(i.e.e_type = ET_DYN, -ENOEXEC);
	REFUSE(i.e.e_machine = EM_386, -ENOEXEC);
	REFUSE(i.p[2].p_type = PT_INTERP, -ENOEXEC);
	REFUSE(i.p[2].p_type = PT_DYNAMIC, -ENOEXEC);
}

static void headers_that_lie_are_refused(void **state)
{
	struct image i;

	(void)state;
	REFUSE(i.e.e_phentsize = 32, -EBADMSG);
	REFUSE(i.e.e_phnum = 0, -EBADMSG);
	REFUSE(i.e.e_phnum = UINT16_MAX, -EBADMSG);
	REFUSE(i.e.e_phoff = UINT64_MAX, -EBADMSG);
	REFUSE(i.e.e_phoff = sizeof(i) - 8, -EBADMSG);
	REFUSE(i.p[0].p_filesz = 129, -EBADMSG);
	REFUSE(i.p[0].p_offset = sizeof(i), -EBADMSG);
	REFUSE(i.p[0].p_offset = UINT64_MAX - 1, -EBADMSG);
	assert_int_equal(elf_plan_decode((const uint8_t *)&i, 63, 63, RAM, NULL), -ENOEXEC);
}

static void segments_outside_of_their_place_are_refused(void **state)
{
	struct image i;

	(void)state;
	REFUSE(i.p[0].p_paddr = 0x20000, -ERANGE);
	REFUSE(i.p[0].p_paddr = RAM - 64, -ERANGE);
	REFUSE(i.p[0].p_paddr = UINT64_MAX - 4, -ERANGE);
	REFUSE(i.p[1].p_memsz = UINT64_MAX, -ERANGE);
	REFUSE(i.p[1].p_paddr = BASE + 127, -ERANGE);
	REFUSE(i.e.e_entry = BASE + 128, -ERANGE);
	REFUSE(i.e.e_entry = 0, -ERANGE);
}

static void a_file_is_loaded_with_zeroes_behind(void **state)
{
	struct image i = image_good();
	uint8_t *ram = calloc(1, RAM);
	uint64_t entry = 0;
	int fd = memfd_create("elf", MFD_CLOEXEC);

	(void)state;
	assert_non_null(ram);
	assert_int_equal(write(fd, &i, sizeof(i)), sizeof(i));
	assert_int_equal(elf_load(fd, ram, RAM, &entry), 0);
	assert_int_equal(entry, BASE + 4);
	assert_string_equal((char *)ram + BASE, "text");
	assert_int_equal(ftruncate(fd, sizeof(i) - 1), 0);
	assert_int_equal(elf_load(fd, ram, RAM, &entry), -EBADMSG);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(elf_load(fd, ram, RAM, &entry), -ENOEXEC);
	close(fd);
	free(ram);
}

static void what_is_no_file_is_refused(void **state)
{
	uint64_t entry;
	uint8_t ram[1];
	int p[2];

	(void)state;
	assert_int_equal(pipe(p), 0);
	assert_int_equal(elf_load(p[0], ram, sizeof(ram), &entry), -ENOEXEC);
	close(p[0]);
	close(p[1]);
	assert_int_equal(elf_load(-1, ram, sizeof(ram), &entry), -EBADF);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_static_executable_is_planned),
		cmocka_unit_test(other_kinds_of_files_are_refused),
		cmocka_unit_test(headers_that_lie_are_refused),
		cmocka_unit_test(segments_outside_of_their_place_are_refused),
		cmocka_unit_test(a_file_is_loaded_with_zeroes_behind),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests_name("vmm_glue_elf", tests, NULL, NULL);
}
