/* SPDX-License-Identifier: BSD-3-Clause */
#include <elf.h>
#include <string.h>
#include <sys/stat.h>
#include "elf_load.h"

static int header_check(const Elf64_Ehdr *e)
{
	if (memcmp(e->e_ident, ELFMAG, SELFMAG) || e->e_ident[EI_CLASS] != ELFCLASS64 ||
	    e->e_ident[EI_DATA] != ELFDATA2LSB || e->e_ident[EI_VERSION] != EV_CURRENT)
		return -ENOEXEC;
	if (e->e_type != ET_EXEC || e->e_machine != EM_X86_64)
		return -ENOEXEC;
	if (e->e_phentsize != sizeof(Elf64_Phdr) || !e->e_phnum)
		return -EBADMSG;
	return 0;
}

static int segment_add(struct elf_plan *p, const Elf64_Phdr *ph, uint64_t file_size,
		       uint64_t ram_size)
{
	uint64_t gpa = ph->p_paddr, memsz = ph->p_memsz;

	if (!memsz)
		return 0;
	if (p->n == ELF_SEGMENTS_MAX)
		return -EBADMSG;
	if (ph->p_filesz > memsz || ph->p_offset > file_size ||
	    ph->p_filesz > file_size - ph->p_offset)
		return -EBADMSG;
	if (gpa < ELF_LOAD_MIN || gpa > ram_size || memsz > ram_size - gpa)
		return -ERANGE;
	for (unsigned int i = 0; i < p->n; i++) {
		if (gpa < p->seg[i].gpa + p->seg[i].memsz && p->seg[i].gpa < gpa + memsz)
			return -ERANGE;
	}
	p->seg[p->n].offset = ph->p_offset;
	p->seg[p->n].filesz = ph->p_filesz;
	p->seg[p->n].gpa = gpa;
	p->seg[p->n].memsz = memsz;
	p->n++;
	return 0;
}

/* Notes are optional: what lies outside of the file, or is one too many, is as if it were not
 * there. */
static void note_add(struct elf_plan *p, const Elf64_Phdr *ph, uint64_t file_size)
{
	if (p->n_notes == ELF_NOTES_MAX || ph->p_offset > file_size ||
	    ph->p_filesz > file_size - ph->p_offset)
		return;
	p->note[p->n_notes].offset = ph->p_offset;
	p->note[p->n_notes].size = ph->p_filesz;
	p->n_notes++;
}

bool elf_is(const uint8_t *head, size_t head_len)
{
	return head_len >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG);
}

bool elf_plan_has(const struct elf_plan *p, uint64_t gpa)
{
	for (unsigned int i = 0; i < p->n; i++) {
		if (gpa >= p->seg[i].gpa && gpa - p->seg[i].gpa < p->seg[i].memsz)
			return true;
	}
	return false;
}

uint64_t elf_plan_end(const struct elf_plan *p)
{
	uint64_t end = 0;

	for (unsigned int i = 0; i < p->n; i++) {
		if (p->seg[i].gpa + p->seg[i].memsz > end)
			end = p->seg[i].gpa + p->seg[i].memsz;
	}
	return end;
}

int elf_plan_decode(const uint8_t *head, size_t head_len, uint64_t file_size, uint64_t ram_size,
		    struct elf_plan *ret_plan)
{
	struct elf_plan plan = {0};
	Elf64_Ehdr e;
	Elf64_Phdr ph;
	int r;

	if (head_len < sizeof(e))
		return -ENOEXEC;
	memcpy(&e, head, sizeof(e));
	r = header_check(&e);
	if (r < 0)
		return r;
	if (e.e_phoff > head_len || (uint64_t)e.e_phnum * sizeof(ph) > head_len - e.e_phoff)
		return -EBADMSG;

	plan.entry = e.e_entry;
	for (unsigned int i = 0; i < e.e_phnum; i++) {
		memcpy(&ph, head + e.e_phoff + i * sizeof(ph), sizeof(ph));
		if (ph.p_type == PT_INTERP || ph.p_type == PT_DYNAMIC)
			return -ENOEXEC;
		if (ph.p_type == PT_NOTE)
			note_add(&plan, &ph, file_size);
		if (ph.p_type != PT_LOAD)
			continue;
		r = segment_add(&plan, &ph, file_size, ram_size);
		if (r < 0)
			return r;
	}
	if (!elf_plan_has(&plan, plan.entry))
		return -ERANGE;
	*ret_plan = plan;
	return 0;
}

int file_read(int fd, uint64_t offset, uint8_t *to, uint64_t len)
{
	while (len) {
		ssize_t n = pread(fd, to, len, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -EBADMSG; /* it shrank under us */
		offset += (uint64_t)n;
		to += n;
		len -= (uint64_t)n;
	}
	return 0;
}

int elf_plan_load(int fd, const struct elf_plan *p, uint8_t *ram)
{
	for (unsigned int i = 0; i < p->n; i++) {
		int r = file_read(fd, p->seg[i].offset, ram + p->seg[i].gpa, p->seg[i].filesz);

		if (r < 0)
			return r;
	}
	return 0;
}

int elf_load(int fd, uint8_t *ram, uint64_t ram_size, uint64_t *ret_entry)
{
	uint8_t head[ELF_HEAD_MAX];
	struct elf_plan plan;
	struct stat st;
	size_t head_len;
	int r;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size < 0)
		return -ENOEXEC;
	head_len = (uint64_t)st.st_size < sizeof(head) ? (size_t)st.st_size : sizeof(head);
	r = file_read(fd, 0, head, head_len);
	if (r < 0)
		return r;
	r = elf_plan_decode(head, head_len, (uint64_t)st.st_size, ram_size, &plan);
	if (r < 0)
		return r;
	r = elf_plan_load(fd, &plan, ram);
	if (r < 0)
		return r;
	*ret_entry = plan.entry;
	return 0;
}
