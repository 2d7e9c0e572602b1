#pragma once
/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Scope cleanup: a local owns what it points to until TAKE_PTR/TAKE_FD hands it on. Every
 * destructor takes NULL (or -1) and half-built objects, so there are no goto ladders.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f)   __attribute__((cleanup(f)))
#define _must_check_   __attribute__((warn_unused_result))
#define _printf_(a, b) __attribute__((format(printf, a, b)))
#define _unused_       __attribute__((unused))

#define TAKE_PTR(p)                                     \
	({                                              \
		__typeof__(p) *taken_ptr_ = &(p);       \
		__typeof__(p) taken_val_ = *taken_ptr_; \
		*taken_ptr_ = NULL;                     \
		taken_val_;                             \
	})

#define TAKE_FD(fd)                          \
	({                                   \
		int *taken_fdp_ = &(fd);     \
		int taken_fd_ = *taken_fdp_; \
		*taken_fdp_ = -1;            \
		taken_fd_;                   \
	})

/* Defines name##p for use with _cleanup_: DEFINE_CLEANUP(struct pcif *, pcif_close); */
#define DEFINE_CLEANUP(type, func)                   \
	_unused_ static inline void func##p(type *p) \
	{                                            \
		if (*p)                              \
			func(*p);                    \
	}                                            \
	struct cleanup_semicolon_

static inline void freep(void *p)
{
	free(*(void **)p);
}

/**
 * fd_close() - close @fd unless negative, keep errno; returns -1 to assign
 *
 * Context: any thread. Return: -1. Source: close(2).
 */
static inline int fd_close(int fd)
{
	int e = errno;

	if (fd >= 0)
		close(fd);
	errno = e;
	return -1;
}

static inline void fd_closep(int *fd)
{
	fd_close(*fd);
}
