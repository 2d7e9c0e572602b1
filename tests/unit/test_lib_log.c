/* SPDX-License-Identifier: BSD-3-Clause */
/* Log lines as they arrive on stderr. */
#include <support/test.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <lib/log.h>

struct capture {
	int saved;
	int pipe[2];
	char text[4096];
};

static int setup(void **state)
{
	struct capture *c = calloc(1, sizeof(*c));

	assert_non_null(c);
	assert_int_equal(pipe2(c->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	c->saved = dup(STDERR_FILENO);
	assert_true(c->saved >= 0);
	dup2(c->pipe[1], STDERR_FILENO);
	unsetenv("SRIOVD_LOG_LEVEL");
	log_set_level(LOG_LEVEL_INFO);
	log_init("test");
	*state = c;
	return 0;
}

static int teardown(void **state)
{
	struct capture *c = *state;

	dup2(c->saved, STDERR_FILENO);
	close(c->saved);
	close(c->pipe[0]);
	close(c->pipe[1]);
	free(c);
	return 0;
}

static const char *logged(void **state)
{
	struct capture *c = *state;
	ssize_t n = read(c->pipe[0], c->text, sizeof(c->text) - 1);

	c->text[n > 0 ? n : 0] = '\0';
	return c->text;
}

static void line_carries_object_and_reason_and_gives_the_error_back(void **state)
{
	assert_int_equal(log_object_error("vm vm1", -ENOENT, "no %s", "disk"), -ENOENT);
	assert_string_equal(logged(state), "test: vm vm1: no disk: No such file or directory\n");
	log_info("ready");
	assert_string_equal(logged(state), "test: ready\n");
}

static void levels_above_the_limit_are_silent(void **state)
{
	log_debug("hidden");
	assert_string_equal(logged(state), "");
	setenv("SRIOVD_LOG_LEVEL", "error", 1);
	log_init("test");
	assert_int_equal(log_warning(-EIO, "hidden"), -EIO);
	assert_string_equal(logged(state), "");
	setenv("SRIOVD_LOG_LEVEL", "debug", 1);
	log_init("test");
	log_debug("shown");
	assert_string_equal(logged(state), "test: shown\n");
}

static void text_of_a_peer_cannot_forge_a_line(void **state)
{
	log_info("peer says %s", "a\nsriovd: b\033[1m");
	assert_string_equal(logged(state), "test: peer says a sriovd: b [1m\n");
}

static void long_text_is_cut_and_ends_the_line(void **state)
{
	char text[3000];
	const char *line;

	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_error(-EIO, "%s", text);
	line = logged(state);
	assert_true(strlen(line) <= 1025);
	assert_int_equal(line[strlen(line) - 1], '\n');
}

static void errno_survives_a_log_line(void **state)
{
	errno = EXDEV;
	log_info("x");
	assert_int_equal(errno, EXDEV);
}

int main(void)
{
#define CASE(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(line_carries_object_and_reason_and_gives_the_error_back),
		CASE(levels_above_the_limit_are_silent),
		CASE(text_of_a_peer_cannot_forge_a_line),
		CASE(long_text_is_cut_and_ends_the_line),
		CASE(errno_survives_a_log_line),
	};

	return cmocka_run_group_tests_name("lib_log", tests, NULL, NULL);
}
