/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages and descriptors over socket pairs of both kinds. */
#include <support/test.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <lib/clock.h>
#include <lib/unix_sock.h>

struct pair {
	int a, b;
};

static struct pair pair_new(int type)
{
	int fd[2];

	assert_int_equal(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fd), 0);
	return (struct pair){fd[0], fd[1]};
}

static void pair_done(struct pair *p)
{
	fd_close(p->a);
	fd_close(p->b);
}

static uint64_t soon(void)
{
	return clock_us() + 20 * USEC_PER_MSEC;
}

static void descriptors_travel_with_the_first_byte(void **state)
{
	_cleanup_(pair_done) struct pair p = pair_new(SOCK_STREAM);
	_cleanup_(usock_fds_done) struct usock_fds fds = {.n = 0};
	_cleanup_(fd_closep) int event = eventfd(0, EFD_CLOEXEC);
	struct iovec iov[2] = {{"ab", 2}, {"cd", 2}};
	int two[2] = {event, event};
	char buf[4];

	(void)state;
	assert_int_equal(usock_send(p.a, iov, 2, two, 2, soon()), 0);
	assert_int_equal(usock_recv(p.b, buf, 1, &fds, soon()), 0);
	assert_int_equal(fds.n, 2);
	assert_true(fcntl(fds.fd[1], F_GETFD) & FD_CLOEXEC);
	assert_int_equal(usock_recv(p.b, buf + 1, 3, &fds, soon()), 0);
	assert_int_equal(fds.n, 2);
	assert_memory_equal(buf, "abcd", 4);
	assert_false(fds.truncated || fds.cut);
}

static void a_wait_ends_with_its_deadline(void **state)
{
	_cleanup_(pair_done) struct pair p = pair_new(SOCK_STREAM);
	static char big[1 << 20];
	struct iovec iov = {big, sizeof(big)};
	char buf[2];

	(void)state;
	assert_int_equal(usock_wait(p.a, POLLIN, soon()), -ETIMEDOUT);
	assert_int_equal(send(p.b, "x", 1, 0), 1);
	assert_int_equal(usock_wait(p.a, POLLIN, soon()), 0);
	assert_int_equal(usock_recv(p.a, buf, 2, NULL, soon()), -ETIMEDOUT);
	assert_int_equal(usock_send(p.a, &iov, 1, NULL, 0, soon()), -ETIMEDOUT);
}

/* SIGSTOP, as a frozen control group or a machine that its hypervisor holds. */
static void time_for_which_one_is_stopped_does_not_count(void **state)
{
	_cleanup_(pair_done) struct pair p = pair_new(SOCK_STREAM);
	uint64_t deadline_us = clock_us() + 1000 * USEC_PER_MSEC;
	pid_t child = fork();
	int status;

	(void)state;
	assert_true(child >= 0);
	if (!child)
		_exit(-usock_wait(p.a, POLLIN, deadline_us));
	clock_sleep_us(200 * USEC_PER_MSEC);
	assert_int_equal(kill(child, SIGSTOP), 0);
	clock_sleep_us(2500 * USEC_PER_MSEC);
	assert_int_equal(kill(child, SIGCONT), 0);
	clock_sleep_us(50 * USEC_PER_MSEC);
	assert_int_equal(send(p.b, "x", 1, 0), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_peer_that_went_resets(void **state)
{
	_cleanup_(pair_done) struct pair p = pair_new(SOCK_STREAM);
	struct iovec iov = {"x", 1};
	char c;

	(void)state;
	p.b = fd_close(p.b);
	assert_int_equal(usock_recv(p.a, &c, 1, NULL, soon()), -ECONNRESET);
	assert_int_equal(usock_send(p.a, &iov, 1, NULL, 0, soon()), -ECONNRESET);
}

static void too_much_to_send_is_refused(void **state)
{
	_cleanup_(pair_done) struct pair p = pair_new(SOCK_STREAM);
	struct iovec iov[USOCK_SEND_IOV + 1] = {{"x", 1}};
	int fds[USOCK_SEND_FDS + 1] = {0};
	size_t n;

	(void)state;
	assert_int_equal(usock_try_send(p.a, iov, 1, fds, USOCK_SEND_FDS + 1, &n), -EINVAL);
	assert_int_equal(usock_send(p.a, iov, USOCK_SEND_IOV + 1, NULL, 0, soon()), -EINVAL);
	assert_int_equal(usock_try_recv(p.b, fds, 1, NULL, &n), -EAGAIN);
}

static void of_too_many_descriptors_none_is_kept(void **state)
{
	enum { SENT = USOCK_RECV_FDS + 2 };
	_cleanup_(pair_done) struct pair p = pair_new(SOCK_STREAM);
	_cleanup_(usock_fds_done) struct usock_fds fds = {.n = 0};
	union {
		struct cmsghdr head;
		char buf[CMSG_SPACE(SENT * sizeof(int))];
	} control = {.head = {.cmsg_level = SOL_SOCKET,
			      .cmsg_type = SCM_RIGHTS,
			      .cmsg_len = CMSG_LEN(SENT * sizeof(int))}};
	struct iovec iov = {"x", 1};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control.buf,
			     .msg_controllen = sizeof(control.buf)};
	int next = dup(p.a);
	size_t n;
	char c;

	(void)state;
	for (size_t i = 0; i < SENT; i++)
		memcpy(CMSG_DATA(&control.head) + i * sizeof(int), &p.a, sizeof(int));
	assert_int_equal(sendmsg(p.a, &msg, 0), 1);
	assert_int_equal(usock_try_recv(p.b, &c, 1, &fds, &n), 0);
	assert_true(fds.truncated);
	assert_int_equal(fds.n, 0);
	fd_close(next);
	assert_int_equal(dup(p.a), next);
	fd_close(next);
	usock_fds_done(&fds);
	assert_false(fds.truncated);
}

static void a_message_longer_than_the_buffer_is_seen_as_cut(void **state)
{
	_cleanup_(pair_done) struct pair p = pair_new(SOCK_SEQPACKET);
	_cleanup_(usock_fds_done) struct usock_fds fds = {.n = 0};
	struct iovec iov = {"abcd", 4};
	char buf[4];
	size_t n;

	(void)state;
	assert_int_equal(usock_send(p.a, &iov, 1, NULL, 0, soon()), 0);
	assert_int_equal(usock_send(p.a, &iov, 1, NULL, 0, soon()), 0);
	assert_int_equal(usock_try_recv(p.b, buf, 3, &fds, &n), 0);
	assert_int_equal(n, 3);
	assert_true(fds.cut);
	usock_fds_done(&fds);
	assert_int_equal(usock_try_recv(p.b, buf, 4, &fds, &n), 0);
	assert_int_equal(n, 4);
	assert_false(fds.cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(descriptors_travel_with_the_first_byte),
		cmocka_unit_test(a_wait_ends_with_its_deadline),
		cmocka_unit_test(time_for_which_one_is_stopped_does_not_count),
		cmocka_unit_test(a_peer_that_went_resets),
		cmocka_unit_test(too_much_to_send_is_refused),
		cmocka_unit_test(of_too_many_descriptors_none_is_kept),
		cmocka_unit_test(a_message_longer_than_the_buffer_is_seen_as_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
