/* SPDX-License-Identifier: BSD-3-Clause */
/* Words with sriov-bench: one line of JSON each way. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <lib/clock.h>

#include "bench_host.h"

#define ANSWER_MAX   (4u << 20)
#define ANSWER_CHUNK 65536u
#define START_MS     60000u
#define LOOK_MS	     200

int bh_engine_start(struct bench_host *b, struct bh_engine *e, const char *name,
		    unsigned int memory_mb, json_t **ret_ports, char *why)
{
	char cpu[16], switch_cpu[16], memory[16], dir[BH_SOCKET_PATH], runtime[160];
	const char *argv[] = {b->cmd[BH_ENGINE],
			      "--cpu",
			      cpu,
			      "--switch-cpu",
			      switch_cpu,
			      "--memory-mb",
			      memory,
			      NULL,
			      NULL,
			      NULL,
			      NULL};
	const char *env[] = {runtime, NULL};
	struct bh_spawn how = {
		.argv = argv,
		.env = env,
		.listen_fd = -1,
		.keep_input = true,
		.ret_output = &e->out,
	};
	unsigned int n = 7;
	int r;

	if (b->opt->bdf)
		argv[n++] = "--pci";
	if (b->plugin[0]) {
		argv[n++] = "--plugin";
		argv[n++] = b->plugin;
	}
	*e = (struct bh_engine){.out = -1, .stop = b->stop};
	bh_text(cpu, sizeof(cpu), "%u", b->cpu_gen);
	bh_text(switch_cpu, sizeof(switch_cpu), "%u", b->cpu_switch);
	bh_text(memory, sizeof(memory), "%u", memory_mb);
	/* where EAL puts its files */
	bh_text(dir, sizeof(dir), "%s/%s", b->dir, name);
	bh_text(runtime, sizeof(runtime), "RUNTIME_DIRECTORY=%s", dir);
	if (mkdir(dir, 0700) < 0 && errno != EEXIST) {
		bh_text(why, BH_TEXT, "%s: %s", dir, strerrordesc_np(errno));
		return -errno;
	}
	r = bh_spawn(b, &e->proc, name, &how, NULL);
	if (r < 0) {
		bh_text(why, BH_TEXT, "%s: %s", b->cmd[BH_ENGINE], strerrordesc_np(-r));
		return r;
	}
	return bh_engine_ask(e, json_pack("{s:s}", "op", "ports"), START_MS, ret_ports, why);
}

void bh_engine_end(struct bh_engine *e)
{
	bh_kill(&e->proc);
	e->out = fd_close(e->out);
	free(e->line);
	e->line = NULL;
	e->len = e->size = 0;
}

int bh_engine_send(struct bh_engine *e, json_t *request)
{
	_cleanup_(freep) char *text = NULL;
	json_auto_t *owned = request;
	size_t len, done = 0;

	text = owned ? json_dumps(owned, JSON_COMPACT) : NULL;
	if (!text)
		return -ENOMEM;
	len = strlen(text);
	text[len++] = '\n'; /* in the place of its end */
	while (done < len) {
		ssize_t n = write(e->proc.input, text + done, len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -EPIPE;
		done += (size_t)n;
	}
	return 0;
}

/* More of the answer; 0 when there is something, -EAGAIN when not yet, -EIO at its end. */
static int read_more(struct bh_engine *e)
{
	struct pollfd p = {.fd = e->out, .events = POLLIN};
	ssize_t n;

	if (e->size - e->len < ANSWER_CHUNK) {
		char *more;

		if (e->size >= ANSWER_MAX)
			return -EBADMSG;
		more = realloc(e->line, e->size + 2 * ANSWER_CHUNK);
		if (!more)
			return -ENOMEM;
		e->line = more;
		e->size += 2 * ANSWER_CHUNK;
	}
	if (poll(&p, 1, LOOK_MS) <= 0)
		return -EAGAIN;
	n = read(e->out, e->line + e->len, e->size - e->len);
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -EIO;
	if (n == 0)
		return -EIO;
	e->len += (size_t)n;
	return 0;
}

/* Takes one line off what was read; NULL when there is none yet. */
static json_t *take_line(struct bh_engine *e, bool *ret_line)
{
	char *end = e->len ? memchr(e->line, '\n', e->len) : NULL;
	json_t *answer;
	size_t len;

	*ret_line = end != NULL;
	if (!end)
		return NULL;
	len = (size_t)(end - e->line);
	answer = json_loadb(e->line, len, JSON_REJECT_DUPLICATES, NULL);
	e->len -= len + 1;
	memmove(e->line, end + 1, e->len);
	return answer;
}

/* @answer becomes the caller's or is dropped. */
static int judge(json_t *answer, json_t **ret_answer, char *why)
{
	const char *error = json_string_value(json_object_get(answer, "error"));

	if (!json_is_boolean(json_object_get(answer, "ok"))) {
		json_decref(answer);
		bh_text(why, BH_TEXT, "sriov-bench gave an answer that is none");
		return -EBADMSG;
	}
	if (!json_is_true(json_object_get(answer, "ok"))) {
		bh_text(why, BH_TEXT, "%s", error ? error : "refused without a reason");
		json_decref(answer);
		return -EREMOTEIO;
	}
	if (ret_answer)
		*ret_answer = answer;
	else
		json_decref(answer);
	return 0;
}

/* Its output is closed a moment before it can be reaped. */
static void tell_end(struct bh_engine *e, char *why)
{
	for (unsigned int i = 0; i < 100; i++) {
		if (!bh_alive(&e->proc, why, BH_TEXT))
			return;
		clock_sleep_us(10000);
	}
	bh_text(why, BH_TEXT, "sriov-bench closed its output");
}

int bh_engine_answer(struct bh_engine *e, unsigned int timeout_ms, json_t **ret_answer, char *why)
{
	uint64_t end = clock_us() + clock_patient_us((uint64_t)timeout_ms * 1000);
	json_t *answer;
	bool line;
	int r;

	for (;;) {
		answer = take_line(e, &line);
		if (line)
			return judge(answer, ret_answer, why);
		bh_text(why, BH_TEXT, "interrupted");
		if (*e->stop)
			return -EINTR;
		r = read_more(e);
		if (r == -EIO) {
			tell_end(e, why);
			return r;
		}
		if (r < 0 && r != -EAGAIN) {
			bh_text(why, BH_TEXT, "sriov-bench: %s", strerrordesc_np(-r));
			return r;
		}
		if (clock_us() > end) {
			bh_text(why, BH_TEXT, "sriov-bench did not answer within %u ms",
				timeout_ms);
			return -ETIMEDOUT;
		}
	}
}

int bh_engine_ask(struct bh_engine *e, json_t *request, unsigned int timeout_ms,
		  json_t **ret_answer, char *why)
{
	int r = bh_engine_send(e, request);

	/* gone: the answer says how it ended */
	if (r < 0 && r != -EPIPE) {
		bh_text(why, BH_TEXT, "%s", strerrordesc_np(-r));
		return r;
	}
	return bh_engine_answer(e, timeout_ms, ret_answer, why);
}
