/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/error.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int op_fail(struct op_error *e, int http, int error, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return error;
	e->http = http == HTTP_CHILD && error == -ETIMEDOUT ? HTTP_DEADLINE : http;
	e->error = error;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return error;
}

const char *op_code(int error)
{
	const char *name = strerrorname_np(-error);

	return name ? name : "EIO";
}

const char *op_text(const struct op_error *e, int error)
{
	if (e->text[0])
		return e->text;
	return strerrordesc_np(-error) ? strerrordesc_np(-error) : "unknown error";
}
