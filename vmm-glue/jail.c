/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/log.h>
#include <lib/pcif.h>
#include <systemd/sd-id128.h>
#include "jail.h"

/* interrupts, queues and sockets of 31 devices, and the processors */
#define FILES_MAX 16384u

const char *const vmm_thread_names[] = {"main", "vcpu", "io", "start", NULL};

/* written once, before other threads exist */
static struct jail_state jail;
static pid_t self;

static int narrow(unsigned int threads)
{
	return jail_filter_narrow(&vmm_jail_calls, threads, self, jail.seccomp);
}

int vmm_jail_enter(uid_t uids)
{
	struct jail_plan plan = {.landlock = true, .files_max = FILES_MAX};
	sd_id128_t boot;
	char text[256];
	int r;

	self = getpid();
	/* what would be opened at first use */
	json_object_seed(0);
	(void)sd_id128_get_boot(&boot); /* sd-event spreads its wake-ups by it */
	pcif_keep_limits();
	/* process ids are unique among the living, and so are these */
	if (uids)
		plan.uid = uids + (uid_t)self;
	r = jail_enter(&plan, &jail);
	if (r < 0)
		return r;
	if (jail_mode_wanted() != JAIL_OFF) {
		jail.seccomp = jail_mode_wanted();
		/* it starts the others, which inherit this */
		r = narrow(THREAD_MAIN | THREAD_VCPU | THREAD_IO | THREAD_START);
		if (r < 0)
			return r;
	}
	jail_describe(&jail, text, sizeof(text));
	log_info("jail: %s", text);
	return 0;
}

void vmm_jail_thread(enum vmm_thread kind)
{
	int r;

	if (jail.seccomp == JAIL_OFF)
		return;
	r = narrow(kind);
	if (r < 0) {
		log_error(r, "a thread cannot be jailed; leaving");
		_exit(EXIT_FAILURE);
	}
}

json_t *vmm_jail_json(void)
{
	json_t *names = json_array();
	const char *name;

	for (unsigned int i = 0; (name = jail_namespace(&jail, i)); i++)
		json_array_append_new(names, json_string(name));
	return json_pack("{s:I, s:o, s:s, s:i, s:s}", "uid", (json_int_t)geteuid(), "namespaces",
			 names, "root", jail.root ? "empty" : "host", "landlock", jail.landlock,
			 "seccomp", jail_mode_name(jail.seccomp));
}
