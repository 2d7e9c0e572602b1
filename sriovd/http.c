/* SPDX-License-Identifier: BSD-3-Clause */
#include <grp.h>
#include <lib/clock.h>
#include <lib/log.h>
#include <microhttpd.h>
#include <sriovd/api.h>
#include <sriovd/http.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define CONNECTIONS_MAX 64u
#define IDLE_S		60u
#define STACK_SIZE	(512u * 1024)
#define BACKLOG		64
#define GROUPS_MAX	256
#define HEADERS_MAX	32768u

struct http {
	struct sriovd *d;
	struct MHD_Daemon *mhd;
	void (*on_exit)(struct sriovd *d);
	gid_t group; /* of the socket: its members may change things */
};

/* One request while its body comes in. */
struct exchange {
	struct http *h;
	uint64_t received_us;
	char *body;
	size_t len;
	bool too_long;
	bool exit;
};

static bool in_group(int fd, const struct ucred *cred, gid_t group)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (cred->gid == group)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == group)
			return true;
	return false;
}

static enum api_rights peer_rights(const struct http *h, struct MHD_Connection *conn)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (!info || getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return API_NONE;
	if (cred.uid == 0 || cred.uid == geteuid() || in_group(info->connect_fd, &cred, h->group))
		return API_ALL;
	return API_READ;
}

static enum MHD_Result on_query(void *userdata, enum MHD_ValueKind kind, const char *key,
				const char *value)
{
	struct api_request *rq = userdata;

	/* one more than any call takes is enough for it to be refused by name */
	if (rq->n_query == API_QUERY_MAX)
		return MHD_NO;
	rq->query[rq->n_query++] = (struct api_query){.key = key ? key : "", .value = value};
	return MHD_YES;
}

static enum MHD_Result respond(struct MHD_Connection *conn, int status, json_t *answer)
{
	struct MHD_Response *response;
	enum MHD_Result result;
	char *text;

	text = json_dumps(answer, JSON_COMPACT);
	json_decref(answer);
	if (!text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "application/json");
	result = MHD_queue_response(conn, (unsigned int)status, response);
	MHD_destroy_response(response);
	return result;
}

static void body_append(struct exchange *x, const char *data, size_t len)
{
	char *bigger;

	if (x->too_long || len > API_BODY_MAX - x->len) {
		x->too_long = true;
		return;
	}
	bigger = realloc(x->body, x->len + len);
	if (!bigger) {
		x->too_long = true;
		return;
	}
	memcpy(bigger + x->len, data, len);
	x->body = bigger;
	x->len += len;
}

static enum MHD_Result on_request(void *userdata, struct MHD_Connection *conn, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **state)
{
	struct http *h = userdata;
	struct exchange *x = *state;
	struct api_request rq = {.method = method, .path = url};
	json_t *answer;
	int status = 0;

	if (!x) {
		x = calloc(1, sizeof(*x));
		if (!x)
			return MHD_NO;
		x->h = h;
		x->received_us = clock_us();
		*state = x;
		return MHD_YES;
	}
	if (*upload_len > 0) {
		body_append(x, upload, *upload_len);
		*upload_len = 0;
		return MHD_YES;
	}
	rq.rights = peer_rights(h, conn);
	rq.received_us = x->received_us;
	rq.body = x->body;
	rq.body_len = x->too_long ? API_BODY_MAX + 1 : x->len;
	MHD_get_connection_values(conn, MHD_GET_ARGUMENT_KIND, on_query, &rq);
	answer = api_handle(h->d, &rq, &status, &x->exit);
	log_debug("%s %s: %d", method, url, status);
	return answer ? respond(conn, status, answer) : MHD_NO;
}

static void on_completed(void *userdata, struct MHD_Connection *conn, void **state,
			 enum MHD_RequestTerminationCode code)
{
	struct exchange *x = *state;

	if (!x)
		return;
	if (x->exit)
		x->h->on_exit(x->h->d);
	free(x->body);
	free(x);
	*state = NULL;
}

static void on_log(void *userdata, const char *fmt, va_list ap) _printf_(2, 0);

static void on_log(void *userdata, const char *fmt, va_list ap)
{
	char text[256];

	vsnprintf(text, sizeof(text), fmt, ap);
	text[strcspn(text, "\n")] = '\0';
	log_debug("http: %s", text);
}

int http_start(struct sriovd *d, int listen_fd, void (*on_exit)(struct sriovd *d),
	       struct http **ret_http)
{
	_cleanup_(freep) struct http *h = NULL;
	struct sockaddr_un sa;
	socklen_t len = sizeof(sa);
	struct stat st;

	h = calloc(1, sizeof(*h));
	if (!h) {
		fd_close(listen_fd);
		return -ENOMEM;
	}
	h->d = d;
	h->on_exit = on_exit;
	h->group = getegid();
	/* the group of the socket's file, which is where an administrator says who may */
	if (getsockname(listen_fd, (struct sockaddr *)&sa, &len) == 0 && sa.sun_family == AF_UNIX &&
	    len > sizeof(sa.sun_family) && sa.sun_path[0] && stat(sa.sun_path, &st) == 0)
		h->group = st.st_gid;

	h->mhd = MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION | MHD_USE_POLL |
			MHD_USE_ITC | MHD_USE_ERROR_LOG,
		0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, listen_fd, MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)HEADERS_MAX, MHD_OPTION_THREAD_STACK_SIZE, (size_t)STACK_SIZE,
		MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL, MHD_OPTION_END);
	if (!h->mhd) {
		fd_close(listen_fd);
		return -EIO;
	}
	*ret_http = TAKE_PTR(h);
	return 0;
}

void http_stop(struct http *h)
{
	if (!h)
		return;
	MHD_stop_daemon(h->mhd);
	free(h);
}

static bool somebody_serves(const struct sockaddr_un *sa)
{
	_cleanup_(fd_closep) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 && connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) == 0;
}

int http_listen(const char *path, int *ret_fd)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	_cleanup_(fd_closep) int fd = -1;
	mode_t mask;
	int r;

	r = path_set(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	if (r < 0)
		return r;
	if (somebody_serves(&sa))
		return -EADDRINUSE;
	unlink(path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	mask = umask(0117);
	r = bind(fd, (struct sockaddr *)&sa, sizeof(sa)) < 0 ? -errno : 0;
	umask(mask);
	if (r >= 0 && listen(fd, BACKLOG) < 0)
		r = -errno;
	if (r < 0)
		return r;
	*ret_fd = TAKE_FD(fd);
	return 0;
}
