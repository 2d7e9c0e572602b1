/* SPDX-License-Identifier: BSD-3-Clause */
#include "bench_hgrm.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NAME_BYTES 128u

/* A histogram of a block, by the name of the file that it goes to. */
struct entry {
	char name[NAME_BYTES];
	const struct bench_block *block;
	const struct bench_hist *hist;
};

void bench_hgrm_write(FILE *f, const struct bench_hist *h, const char *what)
{
	double sum = 0, squares = 0, mean;
	uint64_t seen = 0;

	fprintf(f, "# %s\n%12s %14s %10s %14s\n\n", what, "Value", "Percentile", "TotalCount",
		"1/(1-Percentile)");
	for (size_t i = 0; i < h->n_buckets; i++) {
		double upper = fmin(h->bucket[i].upper_ns, h->max_ns);
		double count = (double)h->bucket[i].count, beyond;

		sum += upper * count;
		squares += upper * upper * count;
		seen += h->bucket[i].count;
		beyond = (double)(h->n - seen) / (double)h->n;
		fprintf(f, "%12.3f %2.12f %10llu", upper, 1 - beyond, (unsigned long long)seen);
		if (seen < h->n)
			fprintf(f, " %14.2f", 1 / beyond);
		fputc('\n', f);
	}
	mean = sum / (double)h->n;
	fprintf(f, "#[Mean    = %12.3f, StdDeviation   = %12.3f]\n", mean,
		sqrt(fmax(squares / (double)h->n - mean * mean, 0)));
	fprintf(f, "#[Max     = %12.3f, Total count    = %12llu]\n", h->max_ns,
		(unsigned long long)h->n);
}

/* A share of its own full speed is the same load in every round, whatever that speed was. */
static void name_load(const struct bench_block *b, char *text, size_t size)
{
	const char *schedule = b->mode == BENCH_CONSTANT ? "constant" : "poisson";

	if (b->test != BENCH_OPEN)
		snprintf(text, size, b->test == BENCH_AA ? "round-trip-again" : "round-trip");
	else if (b->share > 0)
		snprintf(text, size, "%.3g-of-full-speed-%s-burst-%u", b->share, schedule,
			 b->burst);
	else
		snprintf(text, size, "%.3g-mpps-%s-burst-%u", b->asked_mpps, schedule, b->burst);
}

static size_t add(const struct bench_doc *doc, const struct bench_block *b,
		  const struct bench_hist *hist, struct entry *to)
{
	char load[64];

	if (!hist->n)
		return 0;
	name_load(b, load, sizeof(load));
	snprintf(to->name, sizeof(to->name), "%s.%s.%u-bytes%s.hgrm", doc->path[b->path].name, load,
		 b->size, hist == &b->actual ? ".sent-when-it-was" : "");
	to->block = b;
	to->hist = hist;
	return 1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

static int merge(const struct entry *e, size_t n, bool valid, struct bench_hist *sum)
{
	int r = 0;

	for (size_t i = 0; i < n && r >= 0; i++)
		if (e[i].block->valid == valid)
			r = bench_hist_merge(sum, e[i].hist);
	return r;
}

static int write_file(int dir, const struct entry *e, const struct bench_hist *h)
{
	char what[2 * NAME_BYTES];
	FILE *f = NULL;
	int fd, bad;

	snprintf(what, sizeof(what), "%.*s: nanoseconds, %s, up to the end of each bucket%s",
		 (int)strlen(e->name) - 5, e->name,
		 e->block->test == BENCH_OPEN ? "one way" : "there and back",
		 h->disturbed ? "; of disturbed blocks, there are no others" : "");
	fd = openat(dir, e->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd >= 0)
		f = fdopen(fd, "w");
	if (!f) {
		bad = errno;
		fd_close(fd);
		return -bad;
	}
	bench_hgrm_write(f, h, what);
	bad = ferror(f);
	return fclose(f) || bad ? -EIO : 0;
}

/* All of one name. */
static int write_group(const char *who, int dir, const struct entry *e, size_t n)
{
	struct bench_hist sum = {};
	int r = merge(e, n, true, &sum);

	if (r >= 0 && !sum.n) {
		r = merge(e, n, false, &sum);
		sum.disturbed = true;
	}
	if (r >= 0)
		r = write_file(dir, e, &sum);
	if (r < 0)
		fprintf(stderr, "%s: cannot write %s: %s\n", who, e->name, strerrordesc_np(-r));
	bench_hist_done(&sum);
	return r;
}

static int open_dir(const char *who, const char *dir)
{
	int fd;

	if (mkdir(dir, 0777) < 0 && errno != EEXIST)
		fd = -1;
	else
		fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	fd = -errno;
	fprintf(stderr, "%s: cannot write into %s: %s\n", who, dir, strerrordesc_np(-fd));
	return fd;
}

int bench_hgrm_all(const char *who, const struct bench_doc *doc, const char *dir)
{
	_cleanup_(fd_closep) int fd = open_dir(who, dir);
	_cleanup_(freep) struct entry *e = NULL;
	size_t n = 0, end;
	int files = 0, r;

	if (fd < 0)
		return fd;
	e = calloc(2 * doc->n_blocks + 1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	for (size_t i = 0; i < doc->n_blocks; i++) {
		n += add(doc, &doc->block[i], &doc->block[i].hist, &e[n]);
		n += add(doc, &doc->block[i], &doc->block[i].actual, &e[n]);
	}
	qsort(e, n, sizeof(*e), by_name);
	for (size_t at = 0; at < n; at = end, files++) {
		for (end = at; end < n && !strcmp(e[end].name, e[at].name); end++)
			;
		r = write_group(who, fd, &e[at], end - at);
		if (r < 0)
			return r;
	}
	return files;
}
