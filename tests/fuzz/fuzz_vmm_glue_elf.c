/* SPDX-License-Identifier: BSD-3-Clause */
/* Any bytes as a guest image: what is planned lies inside of file and RAM, and nothing overlaps. */
#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <elf_load.h>

#define RAM (UINT64_C(64) << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try(const uint8_t *data, size_t size)
{
	size_t head = size < ELF_HEAD_MAX ? size : ELF_HEAD_MAX;
	struct elf_plan p;

	if (elf_plan_decode(data, head, size, RAM, &p) < 0)
		return;
	for (unsigned int i = 0; i < p.n; i++) {
		if (p.seg[i].gpa < ELF_LOAD_MIN || p.seg[i].gpa + p.seg[i].memsz > RAM ||
		    p.seg[i].filesz > p.seg[i].memsz || p.seg[i].offset + p.seg[i].filesz > size)
			abort();
		for (unsigned int j = 0; j < i; j++) {
			if (p.seg[i].gpa < p.seg[j].gpa + p.seg[j].memsz &&
			    p.seg[j].gpa < p.seg[i].gpa + p.seg[i].memsz)
				abort();
		}
	}
}

/* Once as it is, and once behind an ELF header that is right, to get at the program headers. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const Elf64_Ehdr good = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
			    EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_entry = ELF_LOAD_MIN,
		.e_phoff = sizeof(good),
		.e_phentsize = sizeof(Elf64_Phdr),
	};
	uint8_t file[ELF_HEAD_MAX];
	Elf64_Ehdr e = good;
	size_t n = size < sizeof(file) - sizeof(e) ? size : sizeof(file) - sizeof(e);

	try(data, size);
	e.e_phnum = (uint16_t)(n / sizeof(Elf64_Phdr));
	memcpy(file, &e, sizeof(e));
	memcpy(file + sizeof(e), data, n);
	for (unsigned int i = 0; i < e.e_phnum; i++) {
		Elf64_Word type = data[i * sizeof(Elf64_Phdr)] % 8;

		memcpy(file + sizeof(e) + i * sizeof(Elf64_Phdr), &type, sizeof(type));
	}
	try(file, sizeof(e) + n);
	return 0;
}
