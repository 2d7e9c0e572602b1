/* SPDX-License-Identifier: BSD-3-Clause */
/* The control channel over real sockets: a server on its loop in a thread, clients in the test. */
#include <support/test.h>
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <lib/clock.h>
#include <lib/ctl.h>

#define SECOND USEC_PER_SEC

struct fixture {
	char path[64];
	pthread_t thread;
	sd_event *event;
	struct ctl_server *server;
	struct ctl_req *parked[64];
	unsigned int n_parked;
	int stop_fd;
	int taken_fd;
};

static int m_echo(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	ctl_reply(req, json_incref(params));
	return 0;
}

static int m_add(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	json_int_t a, b = 1;
	int r = ctl_unpack(req, params, "{s:I, s?I", "a", &a, "b", &b);

	if (r < 0)
		return r;
	ctl_reply(req, json_pack("{s:I}", "sum", a + b));
	return 0;
}

static int m_refuse(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	return -ENOSPC;
}

static int m_park(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct fixture *f = userdata;

	if (f->n_parked == 64)
		return -EBUSY;
	f->parked[f->n_parked++] = req;
	return 0;
}

static int m_release(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct fixture *f = userdata;
	unsigned int n = f->n_parked;

	f->n_parked = 0;
	for (unsigned int i = 0; i < n; i++)
		ctl_reply(f->parked[i], json_pack("{s:i}", "nth", (int)i));
	ctl_reply(req, json_pack("{s:i}", "released", (int)n));
	return 0;
}

static int m_take(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct fixture *f = userdata;

	if (n_fds < 1)
		return ctl_fail(req, -EINVAL, "no descriptor");
	fd_close(f->taken_fd);
	f->taken_fd = TAKE_FD(fds[0]);
	ctl_reply(req, json_pack("{s:i}", "n", (int)n_fds));
	return 0;
}

static int m_emit(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	struct fixture *f = userdata;
	json_int_t n;
	int r = ctl_unpack(req, params, "{s:I", "n", &n);

	if (r < 0)
		return r;
	for (json_int_t i = 0; i < n; i++)
		ctl_emit(f->server, "tick", json_pack("{s:I}", "i", i));
	ctl_reply(req, NULL);
	return 0;
}

static int m_huge(struct ctl_req *req, json_t *params, int *fds, size_t n_fds, void *userdata)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < 20000; i++)
		json_array_append_new(list, json_string("abcdef"));
	ctl_reply(req, json_pack("{s:o}", "list", list));
	return 0;
}

static const struct ctl_method methods[] = {
	{"t.echo", m_echo}, {"t.add", m_add},	      {"t.refuse", m_refuse},
	{"t.park", m_park}, {"t.release", m_release}, {"t.take", m_take},
	{"t.emit", m_emit}, {"t.huge", m_huge},	      {NULL, NULL},
};

static int on_stop(sd_event_source *s, int fd, uint32_t revents, void *userdata)
{
	return sd_event_exit(sd_event_source_get_event(s), 0);
}

static void *serve(void *userdata)
{
	struct fixture *f = userdata;

	sd_event_loop(f->event);
	for (unsigned int i = 0; i < f->n_parked; i++)
		ctl_reply(f->parked[i], NULL);
	ctl_server_free(f->server);
	f->event = sd_event_unref(f->event);
	return NULL;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fd;

	f->taken_fd = -1;
	snprintf(f->path, sizeof(f->path), "/tmp/test-ctl-%d.sock", (int)getpid());
	assert_int_equal(ctl_listen(f->path, &fd), 0);
	assert_true(sd_event_new(&f->event) >= 0);
	f->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	assert_true(sd_event_add_io(f->event, NULL, f->stop_fd, EPOLLIN, on_stop, NULL) >= 0);
	assert_int_equal(ctl_server_new(f->event, fd, "testd", methods, f, &f->server), 0);
	assert_int_equal(pthread_create(&f->thread, NULL, serve, f), 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(eventfd_write(f->stop_fd, 1), 0);
	pthread_join(f->thread, NULL);
	fd_close(f->stop_fd);
	fd_close(f->taken_fd);
	unlink(f->path);
	free(f);
	return 0;
}

static unsigned int open_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* The server closes on its own thread: give it a moment. */
static bool fds_settle_at(unsigned int want)
{
	for (unsigned int i = 0; i < 200; i++) {
		if (open_fds() == want)
			return true;
		clock_sleep_us(5000);
	}
	return false;
}

static int dial(struct fixture *f)
{
	int fd;

	assert_int_equal(ctl_connect(f->path, &fd), 0);
	return fd;
}

static bool hung_up(int fd)
{
	struct timeval tv = {.tv_sec = 2};
	char buf[256];
	ssize_t n;

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	do
		n = recv(fd, buf, sizeof(buf), 0);
	while (n > 0);
	return n == 0 || errno == ECONNRESET;
}

static void a_request_gets_its_answer(void **state)
{
	struct fixture *f = *state;
	json_t *result = NULL;
	char err[128];
	int fd = dial(f);

	assert_int_equal(ctl_call(fd, "t.add", json_pack("{s:i, s:i}", "a", 2, "b", 40), NULL, 0,
				  SECOND, &result, err, sizeof(err)),
			 0);
	assert_int_equal(json_integer_value(json_object_get(result, "sum")), 42);
	json_decref(result);
	assert_int_equal(ctl_call(fd, "ctl.ping", NULL, NULL, 0, SECOND, &result, NULL, 0), 0);
	assert_string_equal(json_string_value(json_object_get(result, "name")), "testd");
	assert_int_equal(json_integer_value(json_object_get(result, "pid")), getpid());
	json_decref(result);
	fd_close(fd);
	assert_int_equal(ctl_call_path(f->path, "t.echo", NULL, NULL, 0, SECOND, &result, NULL, 0),
			 0);
	assert_int_equal(json_object_size(result), 0);
	json_decref(result);
}

static void refusals_arrive_as_errno_and_sentence(void **state)
{
	struct fixture *f = *state;
	char err[128];
	int fd = dial(f);

	assert_int_equal(ctl_call(fd, "t.nothing", NULL, NULL, 0, SECOND, NULL, err, sizeof(err)),
			 -EOPNOTSUPP);
	assert_non_null(strstr(err, "t.nothing"));
	assert_int_equal(ctl_call(fd, "t.refuse", NULL, NULL, 0, SECOND, NULL, err, sizeof(err)),
			 -ENOSPC);
	assert_int_equal(ctl_call(fd, "t.add", json_pack("{s:i, s:i}", "a", 1, "colour", 2), NULL,
				  0, SECOND, NULL, err, sizeof(err)),
			 -EINVAL);
	assert_non_null(strstr(err, "colour"));
	assert_int_equal(ctl_call(fd, "t.add", json_pack("{s:s}", "a", "x"), NULL, 0, SECOND, NULL,
				  err, sizeof(err)),
			 -EINVAL);
	assert_int_equal(ctl_call(fd, "t.add", json_array(), NULL, 0, SECOND, NULL, NULL, 0),
			 -EINVAL);
	assert_int_equal(ctl_call(fd, "t.huge", NULL, NULL, 0, SECOND, NULL, NULL, 0), -EMSGSIZE);
	assert_int_equal(ctl_call(fd, "ctl.ping", NULL, NULL, 0, SECOND, NULL, NULL, 0), 0);
	fd_close(fd);
}

static void deferred_answers_arrive_and_time_out(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f), other = dial(f);
	json_t *result = NULL;
	uint64_t start = clock_us();

	assert_int_equal(ctl_call(fd, "t.park", NULL, NULL, 0, 50000, NULL, NULL, 0), -ETIMEDOUT);
	assert_in_range(clock_us() - start, 50000, 2 * SECOND);
	assert_int_equal(ctl_call(other, "t.release", NULL, NULL, 0, SECOND, &result, NULL, 0), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "released")), 1);
	json_decref(result);
	/* the late answer lies in the socket and must not be taken for this call's */
	assert_int_equal(ctl_call(fd, "t.add", json_pack("{s:i}", "a", 6), NULL, 0, SECOND, &result,
				  NULL, 0),
			 0);
	assert_int_equal(json_integer_value(json_object_get(result, "sum")), 7);
	json_decref(result);
	/* a parked request whose client went away is answered into the void */
	assert_int_equal(ctl_call(fd, "t.park", NULL, NULL, 0, 20000, NULL, NULL, 0), -ETIMEDOUT);
	fd_close(fd);
	assert_int_equal(ctl_call(other, "t.release", NULL, NULL, 0, SECOND, NULL, NULL, 0), 0);
	fd_close(other);
}

static void the_thirty_third_request_in_flight_is_refused(void **state)
{
	struct fixture *f = *state;
	static const char park[] = "{\"id\":5,\"method\":\"t.park\"}";
	char buf[512] = "";
	int fd = dial(f);

	for (unsigned int i = 0; i < 33; i++)
		assert_int_equal(send(fd, park, strlen(park), 0), strlen(park));
	assert_true(recv(fd, buf, sizeof(buf) - 1, 0) > 0);
	assert_non_null(strstr(buf, "EBUSY"));
	assert_int_equal(ctl_call(fd, "t.release", NULL, NULL, 0, SECOND, NULL, NULL, 0), -EBUSY);
	fd_close(fd);
	assert_int_equal(ctl_call_path(f->path, "t.release", NULL, NULL, 0, SECOND, NULL, NULL, 0),
			 0);
}

static void descriptors_are_taken_or_closed(void **state)
{
	struct fixture *f = *state;
	unsigned int before = open_fds();
	int fd = dial(f), fds[CTL_FDS_MAX + 1], n = (int)CTL_FDS_MAX;
	json_t *result = NULL;

	for (int i = 0; i <= n; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	assert_int_equal(ctl_call(fd, "t.take", NULL, fds, 3, SECOND, &result, NULL, 0), 0);
	assert_int_equal(json_integer_value(json_object_get(result, "n")), 3);
	json_decref(result);
	for (unsigned int i = 0; i < 20; i++) {
		assert_int_equal(
			ctl_call(fd, "t.echo", NULL, fds, CTL_FDS_MAX, SECOND, NULL, NULL, 0), 0);
		assert_int_equal(ctl_call(fd, "t.nothing", NULL, fds, 2, SECOND, NULL, NULL, 0),
				 -EOPNOTSUPP);
		assert_int_equal(ctl_call(fd, "ctl.ping", NULL, fds, 2, SECOND, NULL, NULL, 0), 0);
	}
	assert_int_equal(ctl_call(fd, "t.echo", NULL, fds, CTL_FDS_MAX + 1, SECOND, NULL, NULL, 0),
			 -EINVAL);
	for (int i = 0; i <= n; i++)
		fd_close(fds[i]);
	fd_close(fd);
	assert_true(fds_settle_at(before + 1)); /* the taken one */
}

static void too_many_descriptors_cut_the_client(void **state)
{
	struct fixture *f = *state;
	unsigned int before = open_fds();
	char body[] = "{\"id\":1,\"method\":\"t.echo\"}";
	union {
		struct cmsghdr align;
		char buf[CMSG_SPACE(32 * sizeof(int))];
	} c = {0};
	struct iovec iov = {body, strlen(body)};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = c.buf,
			   .msg_controllen = sizeof(c.buf)};
	struct cmsghdr *h = CMSG_FIRSTHDR(&m);
	int fd = dial(f), dup_of = 2;

	h->cmsg_level = SOL_SOCKET;
	h->cmsg_type = SCM_RIGHTS;
	h->cmsg_len = CMSG_LEN(32 * sizeof(int));
	for (size_t i = 0; i < 32; i++)
		memcpy(CMSG_DATA(h) + i * sizeof(int), &dup_of, sizeof(int));
	assert_true(sendmsg(fd, &m, 0) > 0);
	assert_true(hung_up(fd));
	fd_close(fd);
	assert_true(fds_settle_at(before));
}

static void what_is_no_request_cuts_the_client(void **state)
{
	struct fixture *f = *state;
	char *big = malloc(CTL_MSG_MAX + 1);
	const char *bad[] = {"\x01\x02\xff", "[1,2]",
			     "{}",	     "{\"id\":\"x\",\"method\":\"ctl.ping\"}",
			     "{\"id\":1",    "{\"id\":1,\"id\":2,\"method\":\"ctl.ping\"}"};
	int fd;

	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fd = dial(f);
		assert_true(send(fd, bad[i], strlen(bad[i]), 0) > 0);
		assert_true(hung_up(fd));
		fd_close(fd);
	}

	memset(big, ' ', CTL_MSG_MAX + 1);
	fd = dial(f);
	assert_int_equal(send(fd, big, CTL_MSG_MAX + 1, 0), CTL_MSG_MAX + 1);
	assert_true(hung_up(fd));
	fd_close(fd);

	memset(big, '[', 4096);
	memcpy(big, "{\"id\":1,\"method\":\"m\",\"params\":", 31);
	fd = dial(f);
	assert_int_equal(send(fd, big, 4096, 0), 4096);
	assert_true(hung_up(fd));
	fd_close(fd);
	free(big);

	assert_int_equal(ctl_call_path(f->path, "ctl.ping", NULL, NULL, 0, SECOND, NULL, NULL, 0),
			 0);
}

static void a_request_above_the_limit_is_not_sent(void **state)
{
	struct fixture *f = *state;
	char *text = malloc(CTL_MSG_MAX + 1);
	int fd = dial(f);

	memset(text, 'a', CTL_MSG_MAX);
	text[CTL_MSG_MAX] = '\0';
	assert_int_equal(ctl_call(fd, "t.echo", json_pack("{s:s}", "t", text), NULL, 0, SECOND,
				  NULL, NULL, 0),
			 -EMSGSIZE);
	text[CTL_MSG_MAX - 512] = '\0';
	assert_int_equal(ctl_call(fd, "t.echo", json_pack("{s:s}", "t", text), NULL, 0, SECOND,
				  NULL, NULL, 0),
			 0);
	free(text);
	fd_close(fd);
}

static void subscribers_get_numbered_events(void **state)
{
	struct fixture *f = *state;
	int sub = dial(f), fd = dial(f);
	json_t *ev = NULL;

	assert_int_equal(ctl_recv_event(sub, &ev), -EAGAIN);
	assert_int_equal(ctl_call(sub, "event.subscribe", NULL, NULL, 0, SECOND, NULL, NULL, 0), 0);
	assert_int_equal(
		ctl_call(fd, "t.emit", json_pack("{s:i}", "n", 3), NULL, 0, SECOND, NULL, NULL, 0),
		0);
	for (int i = 1; i <= 3; i++) {
		assert_int_equal(ctl_recv_event(sub, &ev), 0);
		assert_string_equal(json_string_value(json_object_get(ev, "event")), "tick");
		assert_int_equal(json_integer_value(json_object_get(ev, "seq")), i);
		json_decref(ev);
	}
	assert_int_equal(ctl_recv_event(sub, &ev), -EAGAIN);
	fd_close(sub);
	fd_close(fd);
}

static void a_subscriber_that_does_not_read_is_cut(void **state)
{
	struct fixture *f = *state;
	int sub = dial(f), fd = dial(f);

	assert_int_equal(ctl_call(sub, "event.subscribe", NULL, NULL, 0, SECOND, NULL, NULL, 0), 0);
	assert_int_equal(ctl_call(fd, "t.emit", json_pack("{s:i}", "n", 20000), NULL, 0, 5 * SECOND,
				  NULL, NULL, 0),
			 0);
	assert_true(hung_up(sub));
	assert_int_equal(ctl_call(fd, "ctl.ping", NULL, NULL, 0, SECOND, NULL, NULL, 0), 0);
	fd_close(sub);
	fd_close(fd);
}

static void a_client_that_never_reads_answers_does_not_stop_the_loop(void **state)
{
	struct fixture *f = *state;
	static const char ping[] = "{\"id\":5,\"method\":\"ctl.ping\"}";
	int fd = dial(f);
	bool cut = false;

	for (unsigned int i = 0; i < 100000 && !cut; i++)
		cut = send(fd, ping, strlen(ping), MSG_NOSIGNAL) < 0;
	assert_true(cut);
	fd_close(fd);
	assert_int_equal(ctl_call_path(f->path, "ctl.ping", NULL, NULL, 0, SECOND, NULL, NULL, 0),
			 0);
}

static void the_seventeenth_client_is_turned_away(void **state)
{
	struct fixture *f = *state;
	int fds[CTL_CLIENTS_MAX], extra;

	for (unsigned int i = 0; i < CTL_CLIENTS_MAX; i++) {
		fds[i] = dial(f);
		assert_int_equal(ctl_call(fds[i], "ctl.ping", NULL, NULL, 0, SECOND, NULL, NULL, 0),
				 0);
	}
	extra = dial(f);
	assert_int_equal(ctl_call(extra, "ctl.ping", NULL, NULL, 0, SECOND, NULL, NULL, 0),
			 -ECONNRESET);
	fd_close(extra);
	for (unsigned int i = 0; i < CTL_CLIENTS_MAX; i++)
		fd_close(fds[i]);
}

static void a_server_that_goes_resets_the_call(void **state)
{
	struct fixture *f = *state;
	int fd = dial(f), fd2;
	char err[128];

	assert_int_equal(ctl_call(fd, "ctl.ping", NULL, NULL, 0, SECOND, NULL, NULL, 0), 0);
	assert_int_equal(eventfd_write(f->stop_fd, 1), 0);
	pthread_join(f->thread, NULL);
	assert_int_equal(ctl_call(fd, "ctl.ping", NULL, NULL, 0, SECOND, NULL, NULL, 0),
			 -ECONNRESET);
	assert_int_equal(ctl_connect(f->path, &fd2), -ECONNREFUSED);
	unlink(f->path);
	assert_int_equal(ctl_call_path(f->path, "ctl.ping", json_object(), NULL, 0, SECOND, NULL,
				       err, sizeof(err)),
			 -ENOENT);
	fd_close(fd);
	fd_close(f->stop_fd);
	free(f);
	*state = NULL;
}

static void listening_replaces_a_socket_and_nothing_else(void **state)
{
	char path[64];
	struct stat st;
	int a, b;

	snprintf(path, sizeof(path), "/tmp/test-ctl-l%d", (int)getpid());
	assert_int_equal(ctl_listen(path, &a), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(ctl_listen(path, &b), 0);
	fd_close(a);
	fd_close(b);
	unlink(path);
	a = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	assert_true(a >= 0);
	assert_int_equal(ctl_listen(path, &b), -EEXIST);
	fd_close(a);
	unlink(path);
}

int main(void)
{
#define WITH_SERVER(t) cmocka_unit_test_setup_teardown(t, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_SERVER(a_request_gets_its_answer),
		WITH_SERVER(refusals_arrive_as_errno_and_sentence),
		WITH_SERVER(deferred_answers_arrive_and_time_out),
		WITH_SERVER(the_thirty_third_request_in_flight_is_refused),
		WITH_SERVER(descriptors_are_taken_or_closed),
		WITH_SERVER(too_many_descriptors_cut_the_client),
		WITH_SERVER(what_is_no_request_cuts_the_client),
		WITH_SERVER(a_request_above_the_limit_is_not_sent),
		WITH_SERVER(subscribers_get_numbered_events),
		WITH_SERVER(a_subscriber_that_does_not_read_is_cut),
		WITH_SERVER(a_client_that_never_reads_answers_does_not_stop_the_loop),
		WITH_SERVER(the_seventeenth_client_is_turned_away),
		cmocka_unit_test_setup(a_server_that_goes_resets_the_call, setup),
		cmocka_unit_test(listening_replaces_a_socket_and_nothing_else),
	};

	return cmocka_run_group_tests_name("lib_ctl", tests, NULL, NULL);
}
