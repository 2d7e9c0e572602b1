/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What one VF's end costs others: a second process drives two VFs of the NIC at full speed and is
 * killed in the middle, which resets its VFs, while frames between two other VFs are counted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <lib/clock.h>

#include "bench_host.h"

#define QUICK_TRIALS 2u
#define FULL_TRIALS  10u
#define VICTIM_VF    6u
#define VICTIM_MB    128u
#define VICTIM_MS    5000
#define LOAD_MS	     400
#define BEFORE_US    150000 /* from the victim's start to the start of the count */
#define KILL_US	     200000 /* into the count */
#define ANSWER_MS    20000u

static int start_victim(struct bench_host *b, const struct bh_path *p, struct bh_engine *e,
			char *why)
{
	char port[2][160];
	int r;

	r = bh_engine_start(b, e, "victim", VICTIM_MB, NULL, why);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < 2; i++)
		bh_text(port[i], sizeof(port[i]), "net_sriov_vf%u,path=%s/%s/vf%u.sock", i, b->dir,
			p->kind->name, VICTIM_VF + i);
	r = bh_engine_ask(e,
			  json_pack("{s:s, s:s, s:[s, s]}", "op", "add", "path", "victim", "ports",
				    port[0], port[1]),
			  ANSWER_MS, NULL, why);
	if (r < 0)
		return r;
	return bh_engine_send(e, json_pack("{s:s, s:s, s:s, s:i}", "op", "throughput", "path",
					   "victim", "mode", "flood", "measure_ms", VICTIM_MS));
}

static int trial(struct bench_host *b, const struct bh_path *p, json_int_t *frames,
		 json_int_t *lost, char *why)
{
	json_auto_t *answer = NULL;
	struct bh_engine victim;
	json_int_t sent, missing;
	int r;

	r = start_victim(b, p, &victim, why);
	if (r >= 0) {
		clock_sleep_us(BEFORE_US);
		r = bh_engine_send(&b->engine,
				   json_pack("{s:s, s:s, s:i}", "op", "throughput", "path",
					     p->kind->name, "measure_ms", LOAD_MS));
	}
	if (r < 0) {
		bh_engine_end(&victim);
		return r;
	}
	clock_sleep_us(KILL_US);
	bh_engine_end(&victim);
	r = bh_engine_answer(&b->engine, LOAD_MS + ANSWER_MS, &answer, why);
	if (r < 0)
		return r;
	if (json_unpack(answer, "{s:I, s:I}", "sent", &sent, "missing", &missing) < 0) {
		bh_text(why, BH_TEXT, "no counts from the engine");
		return -EBADMSG;
	}
	*frames += sent;
	*lost += missing;
	return 0;
}

/* The victim's VFs belong to the generator so far. */
static int take_vfs(struct bench_host *b, struct bh_path *p, char *why)
{
	char name[32];

	bh_text(name, sizeof(name), "vf8-idle%u", p->n_idle - 1);
	return bh_engine_ask(&b->engine, json_pack("{s:s, s:s}", "op", "remove", "path", name),
			     ANSWER_MS, NULL, why);
}

static int run_trials(struct bench_host *b, struct bh_path *p)
{
	unsigned int n = b->plan.quick ? QUICK_TRIALS : FULL_TRIALS, done;
	json_int_t frames = 0, lost = 0;
	char why[BH_TEXT] = "";
	int r;

	r = take_vfs(b, p, why);
	for (done = 0; done < n && r >= 0; done++)
		r = trial(b, p, &frames, &lost, why);
	if (r == -EINTR || *b->stop)
		return -EINTR;
	if (r < 0) {
		fprintf(stderr, " not counted: %s\n", why);
		json_array_append_new(b->notes, json_sprintf("VFs that die under load: %s", why));
		/* the victim may refuse; the generator has to go on */
		return bh_alive(&b->engine.proc, why, sizeof(why)) ? 0 : -EIO;
	}
	fprintf(stderr, " %lld of %lld frames lost\n", (long long)lost, (long long)frames);
	b->resets = json_pack("{s:i, s:I, s:I, s:s}", "trials", (int)n, "frames", frames, "lost",
			      lost, "how",
			      "2 VFs forward frames, and 4 idle ones have drivers, while the "
			      "process that floods 2 more is killed (SIGKILL), which resets these");
	return b->resets ? 0 : -ENOMEM;
}

int bh_resets(struct bench_host *b)
{
	for (unsigned int i = 0; i < b->n_paths; i++) {
		struct bh_path *p = &b->path[i];
		int r;

		if (!p->n_idle || p->state != BH_READY)
			continue;
		fprintf(stderr, "bench: killing the owner of VFs under load:");
		bh_park(p, false);
		r = run_trials(b, p);
		bh_park(p, true);
		return r;
	}
	return 0;
}
