/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <sriovd/plug_log.h>
#include <sriovd/state.h>
#include <string.h>
#include <time.h>

#define PENDING "pending"

static struct plug_note *note_new(struct plug_log *log, const char *net, enum plug_asked asked)
{
	struct plug_note *note = &log->note[log->n % PLUG_NOTES];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*note = (struct plug_note){.n = log->n++, .asked = asked};
	note->time_us = (uint64_t)now.tv_sec * USEC_PER_SEC + (uint64_t)now.tv_nsec / 1000;
	text_set(note->net, sizeof(note->net), "%s", net);
	text_set(note->result, sizeof(note->result), PENDING);
	return note;
}

void plug_log_begin(struct plug_log *log, const char *net, enum plug_asked asked)
{
	(void)note_new(log, net, asked);
}

static struct plug_note *note_pending(struct plug_log *log, const char *net)
{
	for (unsigned int i = 0; i < PLUG_NOTES; i++)
		if (strcmp(log->note[i].net, net) == 0 && strcmp(log->note[i].result, PENDING) == 0)
			return &log->note[i];
	return NULL;
}

static const struct plug_note *note_end(struct plug_note *note, const char *result,
					const char *text)
{
	text_set(note->result, sizeof(note->result), "%s", result);
	text_set(note->text, sizeof(note->text), "%s", text);
	return note;
}

const struct plug_note *plug_log_end(struct plug_log *log, const char *net, const char *result,
				     const char *text)
{
	struct plug_note *note = note_pending(log, net);

	return note ? note_end(note, result, text) : NULL;
}

const struct plug_note *plug_log_add(struct plug_log *log, const char *net, const char *result,
				     const char *text)
{
	if (note_pending(log, net))
		return NULL;
	return note_end(note_new(log, net, PLUG_NONE), result, text);
}

int plug_log_load(struct plug_log *log, const struct row_plug *row)
{
	struct plug_note *note = &log->note[row->n % PLUG_NOTES];

	if (row->asked > PLUG_NONE || row->n < log->n)
		return -EUCLEAN;
	/* what was under way when sriovd was killed has no row: its place stays empty */
	for (unsigned int i = 0; i < PLUG_NOTES && log->n + i < row->n; i++)
		log->note[(log->n + i) % PLUG_NOTES] = (struct plug_note){};
	*note = (struct plug_note){
		.n = row->n, .time_us = row->time_us, .asked = (enum plug_asked)row->asked};
	text_set(note->net, sizeof(note->net), "%s", row->net);
	note_end(note, row->result, row->text);
	log->n = row->n + 1;
	return 0;
}

static void keep(struct sriovd *d, const struct vm *vm, const struct plug_note *note)
{
	struct row_plug row = {};

	if (!note)
		return;
	row.n = note->n;
	row.time_us = note->time_us;
	row.asked = note->asked;
	text_set(row.vm, sizeof(row.vm), "%s", vm->name);
	text_set(row.net, sizeof(row.net), "%s", note->net);
	text_set(row.result, sizeof(row.result), "%s", note->result);
	text_set(row.text, sizeof(row.text), "%s", note->text);
	ledger_trouble(d, ledger_put_plug(d->ledger, &row), "plugs");
}

void vm_plug_end(struct sriovd *d, struct vm *vm, const char *net, const char *result,
		 const char *text)
{
	keep(d, vm, plug_log_end(&vm->plugs, net, result, text));
}

void vm_plug_add(struct sriovd *d, struct vm *vm, const char *net, const char *result,
		 const char *text)
{
	keep(d, vm, plug_log_add(&vm->plugs, net, result, text));
}

json_t *wall_text(uint64_t time_us)
{
	time_t s = (time_t)(time_us / USEC_PER_SEC);
	char day[32] = "";
	struct tm tm;

	if (gmtime_r(&s, &tm))
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M:%S", &tm);
	return json_sprintf("%s.%03uZ", day, (unsigned int)(time_us % USEC_PER_SEC / 1000));
}

json_t *plug_log_json(const struct plug_log *log)
{
	static const char *const asked[] = {
		[PLUG_ATTACH] = "attach", [PLUG_DETACH] = "detach", [PLUG_NONE] = "none"};
	unsigned int first = log->n > PLUG_NOTES ? log->n - PLUG_NOTES : 0;
	json_t *list = json_array();

	for (unsigned int i = first; i < log->n; i++) {
		const struct plug_note *note = &log->note[i % PLUG_NOTES];
		json_t *view;

		if (!note->net[0])
			continue;
		view = json_pack("{s:o, s:s, s:s, s:s}", "time", wall_text(note->time_us), "net",
				 note->net, "asked", asked[note->asked], "result", note->result);
		if (note->text[0])
			json_object_set_new(view, "text", json_string(note->text));
		json_array_append_new(list, view);
	}
	return list;
}
