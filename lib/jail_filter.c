/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a list of calls to classic BPF. One block a call:
 *
 *	number equal?          else to the next block
 *	  argument equal?      allow     (as often as the call has rows)
 *	  refuse
 *
 * Blocks stay below 255 instructions, which is what a conditional jump can skip.
 */
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <lib/jail.h>

#define DATA(field)   ((uint32_t)offsetof(struct seccomp_data, field))
#define ARGS	      6u
#define JUMP_MAX      255u
#define X32_CALL_BIT  0x40000000u
#define LOW_WORD(arg) (DATA(args) + 8u * (arg)) /* little endian */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define JAIL_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
	__has_feature(memory_sanitizer)
#define JAIL_SANITIZED 1
#endif
#endif
#ifndef JAIL_SANITIZED
#define JAIL_SANITIZED 0
#endif

struct build {
	struct jail_filter *f;
	uint32_t deny;
	uint32_t self;
	bool full;
};

static const char *const mode_names[] = {
	[JAIL_OFF] = "off",
	[JAIL_LOG] = "log",
	[JAIL_KILL] = "kill",
};

static const char *const seen_names[] = {
	[JAIL_SEEN_HERE] = "here",
	[JAIL_SEEN_STOCK] = "stock",
	[JAIL_SEEN_PERHAPS] = "perhaps",
};

const char *jail_mode_name(enum jail_mode mode)
{
	return mode_names[mode];
}

bool jail_possible(void)
{
	return !JAIL_SANITIZED;
}

enum jail_mode jail_mode_wanted(void)
{
	const char *s = getenv("SRIOVD_SECCOMP");

	if (!jail_possible())
		return JAIL_OFF;
	for (enum jail_mode m = JAIL_OFF; s && m < JAIL_KILL; m++)
		if (!strcmp(s, mode_names[m]))
			return m;
	return JAIL_KILL;
}

static void emit(struct build *b, unsigned int code, uint32_t k, size_t jt, size_t jf)
{
	if (b->f->n >= JAIL_FILTER_MAX || jt > JUMP_MAX || jf > JUMP_MAX) {
		b->full = true;
		return;
	}
	b->f->insn[b->f->n++] = (struct sock_filter){
		.code = (uint16_t)code,
		.jt = (uint8_t)jt,
		.jf = (uint8_t)jf,
		.k = k,
	};
}

static void load(struct build *b, uint32_t offset)
{
	emit(b, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void verdict(struct build *b, uint32_t action)
{
	emit(b, BPF_RET | BPF_K, action, 0, 0);
}

static uint32_t row_verdict(const struct jail_call *c)
{
	if (!c->refuse)
		return SECCOMP_RET_ALLOW;
	return SECCOMP_RET_ERRNO | ((uint32_t)c->refuse & SECCOMP_RET_DATA);
}

static bool same_operand(const struct jail_call *a, const struct jail_call *b)
{
	return a && a->check == b->check && a->arg == b->arg && a->mask == b->mask;
}

/* The rows of one call that are for these threads; the number matched already. */
static void rows(struct build *b, const struct jail_call *c, size_t n, unsigned int threads)
{
	const struct jail_call *loaded = NULL;

	for (size_t i = 0; i < n; i++) {
		uint32_t want = c[i].check == JAIL_SELF ? b->self : c[i].value;

		if (!(c[i].threads & threads))
			continue;
		if (c[i].check == JAIL_ALWAYS) {
			verdict(b, row_verdict(&c[i]));
			return;
		}
		if (!same_operand(loaded, &c[i])) {
			load(b, LOW_WORD(c[i].arg));
			if (c[i].check == JAIL_ARG && c[i].mask != UINT32_MAX)
				emit(b, BPF_ALU | BPF_AND | BPF_K, c[i].mask, 0, 0);
		}
		loaded = &c[i];
		emit(b, BPF_JMP | BPF_JEQ | BPF_K, want, 0, 1);
		verdict(b, row_verdict(&c[i]));
	}
	verdict(b, b->deny);
}

static void block(struct build *b, const struct jail_call *c, size_t n, unsigned int threads)
{
	size_t at = b->f->n, len;
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= c[i].threads & threads;
	if (!any)
		return;
	emit(b, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)c->nr, 0, 0);
	rows(b, c, n, threads);
	len = b->f->n - at - 1;
	if (len > JUMP_MAX)
		b->full = true;
	else if (!b->full)
		b->f->insn[at].jf = (uint8_t)len;
}

static bool row_wrong(const struct jail_table *t, size_t i)
{
	const struct jail_call *c = &t->call[i];

	if (c->nr < 0 || !c->name || !c->reason || !c->threads || c->arg >= ARGS || c->refuse < 0)
		return true;
	if (c->check == JAIL_ARG && (!c->mask || c->value & ~c->mask))
		return true;
	/* rows of one call stand together */
	for (size_t k = 0; k + 1 < i; k++)
		if (t->call[k].nr == c->nr && t->call[i - 1].nr != c->nr)
			return true;
	return false;
}

int jail_filter_build(const struct jail_table *t, unsigned int threads, pid_t self,
		      enum jail_mode mode, struct jail_filter *ret_filter)
{
	struct build b = {
		.f = ret_filter,
		.deny = mode == JAIL_KILL ? SECCOMP_RET_KILL_PROCESS : SECCOMP_RET_LOG,
		.self = (uint32_t)self,
	};
	size_t n;

	if (mode == JAIL_OFF)
		b.deny = SECCOMP_RET_ALLOW;
	for (size_t i = 0; i < t->n; i++)
		if (row_wrong(t, i))
			return -EINVAL;
	ret_filter->n = 0;
	/* numbers mean something else under another architecture, x32 included */
	load(&b, DATA(arch));
	emit(&b, BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0);
	verdict(&b, b.deny);
	load(&b, DATA(nr));
	emit(&b, BPF_JMP | BPF_JGE | BPF_K, X32_CALL_BIT, 0, 1);
	verdict(&b, b.deny);
	for (size_t i = 0; i < t->n; i += n) {
		for (n = 1; i + n < t->n && t->call[i + n].nr == t->call[i].nr;)
			n++;
		block(&b, &t->call[i], n, threads);
	}
	verdict(&b, b.deny);
	return b.full ? -E2BIG : 0;
}

int jail_filter_enter(const struct jail_filter *f)
{
	struct sock_fprog prog = {
		.len = (unsigned short)f->n,
		.filter = (struct sock_filter *)f->insn,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog) < 0)
		return -errno;
	return 0;
}

int jail_filter_narrow(const struct jail_table *t, unsigned int threads, pid_t self,
		       enum jail_mode mode)
{
	_cleanup_(freep) struct jail_filter *f = malloc(sizeof(*f));
	int r;

	if (!f)
		return -ENOMEM;
	r = jail_filter_build(t, threads, self, mode, f);
	return r < 0 ? r : jail_filter_enter(f);
}

void jail_table_print(FILE *to, const struct jail_table *t, const char *const *kinds)
{
	for (size_t i = 0; i < t->n; i++) {
		const struct jail_call *c = &t->call[i];
		const char *comma = "";

		for (unsigned int k = 0; kinds[k]; k++) {
			if (!(c->threads & 1u << k))
				continue;
			fprintf(to, "%s%s", comma, kinds[k]);
			comma = ",";
		}
		fprintf(to, "\t%s\t%d\t", c->name, c->nr);
		switch (c->check) {
		case JAIL_ALWAYS:
			fputs("-", to);
			break;
		case JAIL_ARG:
			fprintf(to, "%u&%#x=%#x", c->arg, c->mask, c->value);
			break;
		case JAIL_SELF:
			fprintf(to, "%u=self", c->arg);
			break;
		}
		fprintf(to, "\t%s\t%s\n", c->refuse ? "refused" : seen_names[c->seen], c->reason);
	}
}
