/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <sriovd/plug_log.h>
#include <sriovd/state.h>
#include <string.h>
#include <time.h>

#define PENDING "pending"

static struct plug_note *note_new(struct plug_log *log, const char *net, enum plug_asked asked)
{
	struct plug_note *note = &log->note[log->n++ % PLUG_NOTES];
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	*note = (struct plug_note){.asked = asked};
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

static void note_end(struct plug_note *note, const char *result, const char *text)
{
	text_set(note->result, sizeof(note->result), "%s", result);
	text_set(note->text, sizeof(note->text), "%s", text);
}

void plug_log_end(struct plug_log *log, const char *net, const char *result, const char *text)
{
	struct plug_note *note = note_pending(log, net);

	if (note)
		note_end(note, result, text);
}

void plug_log_add(struct plug_log *log, const char *net, const char *result, const char *text)
{
	if (!note_pending(log, net))
		note_end(note_new(log, net, PLUG_NONE), result, text);
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

		view = json_pack("{s:o, s:s, s:s, s:s}", "time", wall_text(note->time_us), "net",
				 note->net, "asked", asked[note->asked], "result", note->result);
		if (note->text[0])
			json_object_set_new(view, "text", json_string(note->text));
		json_array_append_new(list, view);
	}
	return list;
}
