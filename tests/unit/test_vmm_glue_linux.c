/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The process sriov-vmm on real KVM with a tiny kernel that boots as Linux does: the state it
 * starts in, console, ends. SRIOV_VMM and KERNEL_TINY name the two programs.
 */
#include <asm/bootparam.h>
#include <elf.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <support/test.h>
#include <support/vmm_process.h>

#define WAIT_US	     (20 * USEC_PER_SEC)
#define HEADER_AT    0x1f1u
#define PAYLOAD_AT   1024u
#define KERNEL_MAX   65536u
#define PREFER	     0x1000000u
#define INIT_SIZE    0x100000u
#define FACTS	     11u
#define KERNEL_WORDS "tiny=1"

struct fixture {
	struct vmm_process p;
	int console;
	char text[8192];
	size_t len;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->console = -1;
	vmm_spawn(&f->p);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vmm_end(&f->p);
	if (f->console >= 0)
		close(f->console);
	free(f);
	return 0;
}

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), len);
	return fd;
}

/* The tiny kernel as a bzImage: its file is the payload, for the addresses in it say so. */
static int bzimage(void)
{
	static uint8_t image[PAYLOAD_AT + KERNEL_MAX];
	struct setup_header h = {
		.setup_sects = PAYLOAD_AT / 512 - 1,
		.boot_flag = 0xaa55,
		.jump = 0x6aeb,
		.version = 0x20f,
		.loadflags = LOADED_HIGH,
		.xloadflags = XLF_KERNEL_64,
		.cmdline_size = 255,
		.pref_address = PREFER,
		.init_size = INIT_SIZE,
	};
	int fd = open(getenv("KERNEL_TINY"), O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, image + PAYLOAD_AT, KERNEL_MAX);

	assert_true(n > (ssize_t)sizeof(Elf64_Ehdr) && n < (ssize_t)KERNEL_MAX);
	close(fd);
	memcpy(&h.header, "HdrS", 4);
	memcpy(image + HEADER_AT, &h, sizeof(h));
	return file_of(image, PAYLOAD_AT + (size_t)n);
}

static int create(struct fixture *f, json_t *params, int kernel, bool initrd)
{
	int pipes[2], r;
	int fds[4] = {open("/dev/kvm", O_RDWR | O_CLOEXEC), kernel, -1, -1};

	assert_int_equal(pipe2(pipes, O_CLOEXEC | O_NONBLOCK), 0);
	f->console = pipes[0];
	fds[2] = pipes[1];
	fds[3] = file_of("initrd", 6);
	r = vmm_call(&f->p, "vm.create", params, fds, initrd ? 4 : 3, NULL);
	for (unsigned int i = 0; i < 4; i++)
		close(fds[i]);
	return r;
}

static json_t *params_good(void)
{
	return json_pack("{s:s, s:i, s:i, s:s}", "kind", "linux", "memory_mib", 64, "cpus", 2,
			 "cmdline", KERNEL_WORDS);
}

static bool expect(struct fixture *f, const char *words)
{
	uint64_t until = clock_us() + WAIT_US;

	while (!strstr(f->text, words)) {
		struct pollfd p = {.fd = f->console, .events = POLLIN};
		ssize_t n;

		if (clock_us() >= until || poll(&p, 1, 1000) < 0)
			return false;
		n = read(f->console, f->text + f->len, sizeof(f->text) - 1 - f->len);
		if (n == 0)
			return false;
		if (n > 0)
			f->len += (size_t)n;
		f->text[f->len] = '\0';
	}
	return true;
}

static void boot(struct fixture *f)
{
	if (create(f, params_good(), bzimage(), true) < 0)
		fail_msg("vm.create: %s", f->p.err);
	json_decref(vmm_must(&f->p, "vm.boot", NULL));
	if (!expect(f, "ready\n"))
		fail_msg("no kernel: %s", f->text);
}

static void type(struct fixture *f, const char *text)
{
	json_decref(vmm_must(&f->p, "vm.input", json_pack("{s:s}", "text", text)));
}

/* vm.info once the machine runs no more. */
static json_t *ended(struct fixture *f, const char *how)
{
	uint64_t until = clock_us() + WAIT_US;
	json_t *info = NULL;

	do {
		if (info) {
			json_decref(info);
			clock_sleep_us(1000);
		}
		info = vmm_must(&f->p, "vm.info", NULL);
	} while (json_is_null(json_object_get(info, "ended")) && clock_us() < until);
	if (!json_is_string(json_object_get(info, "ended")))
		fail_msg("it runs on: %s", f->text);
	assert_string_equal(json_string_value(json_object_get(info, "ended")), how);
	return info;
}

static void the_64_bit_entry_finds_what_the_protocol_says(void **state)
{
	struct fixture *f = *state;
	unsigned int good = 0;
	json_t *info;

	boot(f);
	assert_null(strstr(f->text, "BAD"));
	for (const char *p = f->text; (p = strstr(p, "good ")); p++)
		good++;
	assert_int_equal(good, FACTS);
	info = vmm_must(&f->p, "vm.info", NULL);
	assert_string_equal(json_string_value(json_object_get(info, "kind")), "linux");
	assert_int_equal(json_array_size(json_object_get(info, "vcpus")), 2);
	assert_true(json_is_integer(json_object_get(info, "first_console_ms")));
	json_decref(info);
}

static void sixteen_processors_wait_for_the_first(void **state)
{
	struct fixture *f = *state;
	json_t *p = params_good(), *info;

	json_object_set_new(p, "cpus", json_integer(16));
	if (create(f, p, bzimage(), true) < 0)
		fail_msg("vm.create: %s", f->p.err);
	json_decref(vmm_must(&f->p, "vm.boot", NULL));
	assert_true(expect(f, "ready\n"));
	info = vmm_must(&f->p, "vm.info", NULL);
	assert_int_equal(json_array_size(json_object_get(info, "vcpus")), 16);
	json_decref(info);
	type(f, "off\n");
	json_decref(ended(f, "off"));
}

static void input_comes_back_and_off_is_off(void **state)
{
	struct fixture *f = *state;

	boot(f);
	type(f, "hello\noff\n");
	json_decref(ended(f, "off"));
	assert_true(expect(f, "ready\nhello\noff\n"));
}

static void both_ways_to_reset_are_told(void **state)
{
	struct fixture *f = *state;

	boot(f);
	type(f, "reset\n");
	json_decref(ended(f, "reset"));
	teardown(state);
	setup(state);
	f = *state;
	boot(f);
	type(f, "kbc\n");
	json_decref(ended(f, "reset"));
}

static void a_panic_is_told_and_the_guest_goes_on(void **state)
{
	struct fixture *f = *state;
	const char *panic;
	json_t *info;

	boot(f);
	type(f, "panic\nsay panic\noff\n");
	info = ended(f, "off");
	panic = json_string_value(json_object_get(info, "panic"));
	assert_non_null(panic);
	assert_string_equal(panic, "Kernel panic - not syncing: tiny");
	json_decref(info);
}

static void a_triple_fault_is_a_crash(void **state)
{
	struct fixture *f = *state;
	json_t *info;

	boot(f);
	type(f, "fault\n");
	info = ended(f, "crash");
	assert_string_equal(json_string_value(json_object_get(info, "state")), "crashed");
	json_decref(info);
}

static void the_power_button_is_pressed_before_force(void **state)
{
	struct fixture *f = *state;
	uint64_t began;
	json_t *how;

	boot(f);
	began = clock_us();
	assert_int_equal(
		vmm_call(&f->p, "vm.stop", json_pack("{s:i}", "deadline_ms", 1), NULL, 0, NULL),
		-ETIMEDOUT);
	how = vmm_must(&f->p, "vm.stop", json_pack("{s:b, s:i}", "force", 1, "deadline_ms", 300));
	assert_string_equal(json_string_value(json_object_get(how, "how")), "forced");
	assert_true(clock_us() - began >= 300 * USEC_PER_MSEC);
	json_decref(how);
}

static void an_elf_kernel_starts_by_pvh(void **state)
{
	struct fixture *f = *state;
	int kernel = open(getenv("KERNEL_TINY"), O_RDONLY | O_CLOEXEC);
	json_t *info;

	if (create(f, params_good(), kernel, true) < 0)
		fail_msg("vm.create: %s", f->p.err);
	json_decref(vmm_must(&f->p, "vm.boot", NULL));
	if (!expect(f, "PV" KERNEL_WORDS)) {
		/* a KVM that emulates ring 0 may have 64 bit mode only */
		info = vmm_must(&f->p, "vm.info", NULL);
		print_message("no 32 bit entry on this KVM: %s\n",
			      json_string_value(json_object_get(info, "reason")));
		json_decref(info);
		skip();
	}
	json_decref(ended(f, "off"));
}

static void refused(struct fixture *f, json_t *params, bool initrd, int error, const char *words)
{
	assert_int_equal(create(f, params, bzimage(), initrd), error);
	if (!strstr(f->p.err, words))
		fail_msg("\"%s\" does not say %s", f->p.err, words);
	close(f->console);
}

static void what_cannot_be_is_refused_by_name(void **state)
{
	struct fixture *f = *state;
	json_t *p;

	p = params_good();
	json_object_set_new(p, "cpus", json_integer(17));
	refused(f, p, false, -ERANGE, "cpus 17");
	p = params_good();
	json_object_set_new(p, "cmdline", json_string("acpi=off"));
	refused(f, p, false, -EINVAL, "acpi=off");
	p = params_good();
	json_object_set_new(p, "memory_mib", json_integer(32));
	refused(f, p, false, -ERANGE, "memory_mib 32");
	p = params_good();
	json_object_set_new(p, "kind", json_string("bench"));
	refused(f, p, false, -EINVAL, "bench");
	p = params_good();
	json_object_set_new(p, "kind", json_string("bsd"));
	refused(f, p, false, -EINVAL, "kind");
	assert_int_equal(
		vmm_call(&f->p, "vm.input", json_pack("{s:s}", "text", "x"), NULL, 0, NULL),
		-ENOTSUP);
	/* and after all that a machine can still be made */
	boot(f);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_64_bit_entry_finds_what_the_protocol_says),
		T(sixteen_processors_wait_for_the_first),
		T(input_comes_back_and_off_is_off),
		T(both_ways_to_reset_are_told),
		T(a_panic_is_told_and_the_guest_goes_on),
		T(a_triple_fault_is_a_crash),
		T(the_power_button_is_pressed_before_force),
		T(an_elf_kernel_starts_by_pvh),
		T(what_cannot_be_is_refused_by_name),
	};

	if (access("/dev/kvm", R_OK | W_OK) < 0) {
		puts("no /dev/kvm (kvm)");
		return 77;
	}
	return cmocka_run_group_tests_name("linux", tests, NULL, NULL);
}
