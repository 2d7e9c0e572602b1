/* SPDX-License-Identifier: BSD-3-Clause */
#include <fcntl.h>
#include <sriovd/vm_files.h>
#include <string.h>
#include <support/test.h>
#include <sys/stat.h>
#include <sys/wait.h>

struct fixture {
	char dir[32];
	struct sriovd d;
	struct vm *first, *second;
};

static void path_of(const struct fixture *f, const char *name, char path[VM_PATH_SIZE])
{
	snprintf(path, VM_PATH_SIZE, "%s/%s", f->dir, name);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	char path[VM_PATH_SIZE];
	int fd;

	strcpy(f->dir, "/tmp/vmfilesXXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	path_of(f, "disk", path);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, 4096) < 0)
		return -1;
	close(fd);
	f->second = vm_new(&f->d, "second");
	f->first = vm_new(&f->d, "first");
	for (struct vm *vm = f->d.vms; vm; vm = vm->next) {
		path_of(f, "disk", vm->spec.disk[0].path);
		vm->spec.n_disks = 1;
		vm->state = VM_STOPPED;
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	char path[VM_PATH_SIZE];

	path_of(f, "disk", path);
	unlink(path);
	path_of(f, "link", path);
	unlink(path);
	path_of(f, "fifo", path);
	unlink(path);
	rmdir(f->dir);
	while (f->d.vms)
		vm_free(&f->d, f->d.vms);
	free(f);
	return 0;
}

static int disk_open(struct fixture *f, const struct vm *vm, int *ret_fd, struct op_error *e)
{
	*e = (struct op_error){};
	return vm_disk_open(&f->d, vm, &vm->spec.disk[0], ret_fd, e);
}

static void what_is_no_file_is_named_and_not_waited_for(void **state)
{
	struct fixture *f = *state;
	struct op_error e = {};
	char path[VM_PATH_SIZE];
	int fd;

	path_of(f, "fifo", path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(vm_image_open("kernel", path, &fd, &e), -EINVAL);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, "no regular file"));
	assert_int_equal(vm_image_open("kernel", f->dir, &fd, &e), -EINVAL);
	assert_int_equal(vm_image_open("kernel", "/dev/zero", &fd, &e), -EINVAL);
	path_of(f, "none", path);
	assert_int_equal(vm_image_open("initrd", path, &fd, &e), -ENOENT);
	assert_non_null(strstr(e.text, "initrd"));
	strcpy(f->first->spec.disk[0].path, "/dev/zero");
	assert_int_equal(disk_open(f, f->first, &fd, &e), -EINVAL);
	assert_non_null(strstr(e.text, "block device"));
}

static void file_comes_open_for_what_it_is_for(void **state)
{
	struct fixture *f = *state;
	struct op_error e;
	int fd;

	assert_int_equal(disk_open(f, f->first, &fd, &e), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDWR);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	f->first->spec.disk[0].readonly = true;
	assert_int_equal(disk_open(f, f->first, &fd, &e), 0);
	assert_int_equal(fcntl(fd, F_GETFL) & (O_ACCMODE | O_NONBLOCK), O_RDONLY);
	close(fd);
}

static void disk_of_a_running_vm_is_refused_by_its_name(void **state)
{
	struct fixture *f = *state;
	char path[VM_PATH_SIZE];
	struct op_error e;
	int fd, again;

	assert_int_equal(disk_open(f, f->first, &fd, &e), 0);
	f->first->state = VM_RUNNING;
	/* by another name, too */
	path_of(f, "link", f->second->spec.disk[0].path);
	path_of(f, "disk", path);
	assert_int_equal(link(path, f->second->spec.disk[0].path), 0);
	assert_int_equal(disk_open(f, f->second, &again, &e), -EBUSY);
	assert_int_equal(e.http, HTTP_CONFLICT);
	assert_non_null(strstr(e.text, "vm first"));
	assert_non_null(strstr(e.text, f->second->spec.disk[0].path));
	f->second->spec.disk[0].readonly = true; /* it would read what changes */
	assert_int_equal(disk_open(f, f->second, &again, &e), -EBUSY);
	close(fd);
	f->first->state = VM_STOPPED;
	assert_int_equal(disk_open(f, f->second, &again, &e), 0);
	close(again);
}

static void readers_share_a_disk(void **state)
{
	struct fixture *f = *state;
	struct op_error e;
	int fd, again;

	f->first->spec.disk[0].readonly = f->second->spec.disk[0].readonly = true;
	assert_int_equal(disk_open(f, f->first, &fd, &e), 0);
	f->first->state = VM_RUNNING;
	assert_int_equal(disk_open(f, f->second, &again, &e), 0);
	close(again);
	close(fd);
}

static void lock_lives_as_long_as_the_file_is_open_anywhere(void **state)
{
	struct fixture *f = *state;
	struct op_error e;
	int fd, copy, again;

	assert_int_equal(disk_open(f, f->first, &fd, &e), 0);
	copy = dup(fd); /* as the VMM's */
	close(fd);
	assert_int_equal(disk_open(f, f->second, &again, &e), -EBUSY);
	assert_non_null(strstr(e.text, "another program"));
	/* who only looks is not stopped */
	assert_int_equal(vm_files_check(&f->d, &f->second->spec, &e), 0);
	close(copy);
	assert_int_equal(disk_open(f, f->second, &again, &e), 0);
	close(again);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_is_no_file_is_named_and_not_waited_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(file_comes_open_for_what_it_is_for, setup,
						teardown),
		cmocka_unit_test_setup_teardown(disk_of_a_running_vm_is_refused_by_its_name, setup,
						teardown),
		cmocka_unit_test_setup_teardown(readers_share_a_disk, setup, teardown),
		cmocka_unit_test_setup_teardown(lock_lives_as_long_as_the_file_is_open_anywhere,
						setup, teardown),
	};

	return cmocka_run_group_tests_name("sriovd_vm_files", tests, NULL, NULL);
}
