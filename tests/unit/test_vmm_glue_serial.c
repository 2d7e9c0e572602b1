/* SPDX-License-Identifier: BSD-3-Clause */
/* The serial port as a driver uses it, and the console behind it. */
#include <fcntl.h>
#include <linux/serial_reg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <support/test.h>
#include <support/vmm_platform.h>
#include <console.h>
#include <ports.h>

struct fixture {
	struct vm vm;
	int out;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	int fds[2];

	assert_non_null(f);
	memset(&fake, 0, sizeof(fake));
	assert_int_equal(vm_init(&f->vm, "t", NULL, &fake_ops), 0);
	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	f->out = fds[0];
	f->vm.kind = VM_LINUX;
	f->vm.console.fd = fds[1];
	f->vm.serial.irq_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vm_done(&f->vm);
	close(f->out);
	free(f);
	return 0;
}

static void out(struct fixture *f, unsigned int reg, uint8_t v)
{
	ports_access(&f->vm, (uint16_t)(SERIAL_PORT + reg), &v, 1, true);
}

static uint8_t in(struct fixture *f, unsigned int reg)
{
	uint8_t v;

	ports_access(&f->vm, (uint16_t)(SERIAL_PORT + reg), &v, 1, false);
	return v;
}

static void print(struct fixture *f, const char *text)
{
	while (*text)
		out(f, UART_TX, (uint8_t)*text++);
}

static unsigned int edges(struct fixture *f)
{
	eventfd_t n;

	return eventfd_read(f->vm.serial.irq_fd, &n) < 0 ? 0 : (unsigned int)n;
}

static void a_driver_finds_a_16550a(void **state)
{
	struct fixture *f = *state;

	out(f, UART_IER, 0xff);
	assert_int_equal(in(f, UART_IER), 0x0f);
	out(f, UART_IER, 0);
	out(f, UART_FCR, UART_FCR_ENABLE_FIFO);
	assert_int_equal(in(f, UART_IIR), 0xc1);
	out(f, UART_SCR, 0x5a);
	assert_int_equal(in(f, UART_SCR), 0x5a);
	out(f, UART_MCR, UART_MCR_LOOP | UART_MCR_OUT2 | UART_MCR_RTS);
	assert_int_equal(in(f, UART_MSR) & 0xf0, UART_MSR_DCD | UART_MSR_CTS);
	out(f, UART_TX, 'x');
	assert_int_equal(in(f, UART_RX), 'x');
	out(f, UART_LCR, UART_LCR_DLAB);
	out(f, UART_DLL, 12);
	assert_int_equal(in(f, UART_DLL), 12);
	out(f, UART_LCR, UART_LCR_WLEN8);
	assert_int_equal(in(f, UART_RX), 0);
}

static void each_event_that_is_enabled_is_an_edge(void **state)
{
	struct fixture *f = *state;

	print(f, "a");
	assert_int_equal(edges(f), 0);
	out(f, UART_IER, UART_IER_THRI);
	assert_int_equal(edges(f), 1);
	assert_int_equal(in(f, UART_IIR) & 0x0f, UART_IIR_THRI);
	assert_int_equal(in(f, UART_IIR) & 0x0f, UART_IIR_NO_INT);
	print(f, "b");
	assert_int_equal(edges(f), 1);
	out(f, UART_IER, UART_IER_RDI);
	edges(f);
	assert_int_equal(serial_feed(&f->vm.serial, (const uint8_t *)"hi", 2), 0);
	assert_int_equal(edges(f), 1);
	assert_int_equal(in(f, UART_IIR) & 0x0f, UART_IIR_RDI);
	assert_true(in(f, UART_LSR) & UART_LSR_DR);
	assert_int_equal(in(f, UART_RX), 'h');
	assert_int_equal(in(f, UART_RX), 'i');
	assert_false(in(f, UART_LSR) & UART_LSR_DR);
}

static void input_that_does_not_fit_is_refused_whole(void **state)
{
	struct fixture *f = *state;
	static uint8_t text[SERIAL_RX];

	assert_int_equal(serial_feed(&f->vm.serial, text, sizeof(text)), 0);
	assert_int_equal(serial_feed(&f->vm.serial, text, 1), -EAGAIN);
	in(f, UART_RX);
	assert_int_equal(serial_feed(&f->vm.serial, text, 2), -EAGAIN);
	assert_int_equal(serial_feed(&f->vm.serial, text, 1), 0);
}

static void text_reaches_the_file_and_what_is_kept(void **state)
{
	struct fixture *f = *state;
	char text[32] = "";

	print(f, "hello\n");
	assert_true(atomic_load(&f->vm.console.first_us));
	console_posted(&f->vm, 1000);
	assert_int_equal(f->vm.console.due_us, 1000 + CONSOLE_LAG_US);
	console_drain(&f->vm, 2000);
	assert_int_equal(f->vm.console.due_us, 0);
	assert_int_equal(read(f->out, text, sizeof(text)), 6);
	assert_string_equal(text, "hello\n");
	assert_int_equal(console_tail(&f->vm, text, 4), 4);
	assert_string_equal(text, "llo\n");
}

static void a_pipe_that_nobody_reads_costs_text_only(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 20; i++) {
		for (unsigned int n = 0; n < SERIAL_TX + 1; n++)
			out(f, UART_TX, 'x');
		console_drain(&f->vm, 0);
	}
	assert_int_equal(f->vm.serial.lost, 20);
	assert_true(f->vm.console.lost >= 20 * SERIAL_TX - 65536);
	assert_int_equal(f->vm.console.total, 20 * SERIAL_TX);
}

static void a_panic_is_known_by_the_kernels_own_words(void **state)
{
	struct fixture *f = *state;

	print(f, "[ 1.0] Kernel panic - not sync");
	console_drain(&f->vm, 0);
	assert_int_equal(atomic_load(&f->vm.panic), VM_PANIC_NONE);
	print(f, "ing: sysrq triggered crash\r\nKernel panic - not syncing: again\n");
	console_drain(&f->vm, 0);
	assert_int_equal(atomic_load(&f->vm.panic), VM_PANIC_CONSOLE);
	assert_string_equal(f->vm.panic_text, "Kernel panic - not syncing: sysrq triggered crash");
}

static void a_panic_is_known_by_the_panic_port(void **state)
{
	struct fixture *f = *state;
	uint8_t v;

	ports_access(&f->vm, PORT_PANIC, &v, 1, false);
	assert_int_equal(v, PORT_PANIC_EVENTS);
	v = 2;
	ports_access(&f->vm, PORT_PANIC, &v, 1, true);
	assert_int_equal(atomic_load(&f->vm.panic), VM_PANIC_NONE);
	v = 1;
	ports_access(&f->vm, PORT_PANIC, &v, 1, true);
	assert_int_equal(atomic_load(&f->vm.panic), VM_PANIC_PORT);
}

static void the_keyboard_controllers_reset_ends_the_machine(void **state)
{
	struct fixture *f = *state;
	uint8_t v;

	atomic_store(&f->vm.state, VM_RUNNING);
	ports_access(&f->vm, PORT_KBC, &v, 1, false);
	assert_int_equal(v, 0);
	v = 0xd1;
	ports_access(&f->vm, PORT_KBC, &v, 1, true);
	assert_int_equal(atomic_load(&f->vm.state), VM_RUNNING);
	v = PORT_KBC_RESET;
	ports_access(&f->vm, PORT_KBC, &v, 1, true);
	assert_int_equal(atomic_load(&f->vm.state), VM_STOPPED);
	assert_int_equal(f->vm.ended, VM_ENDED_RESET);
}

static void ports_where_nothing_is_read_ones(void **state)
{
	struct fixture *f = *state;
	uint32_t v = 0;

	ports_access(&f->vm, 0xcf8, (uint8_t *)&v, 4, false);
	assert_int_equal(v, UINT32_MAX);
	ports_access(&f->vm, SERIAL_PORT, (uint8_t *)&v, 2, false);
	assert_int_equal(v, UINT32_MAX);
	f->vm.kind = VM_BENCH;
	assert_int_equal(in(f, UART_LSR), 0xff);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_driver_finds_a_16550a),
		T(each_event_that_is_enabled_is_an_edge),
		T(input_that_does_not_fit_is_refused_whole),
		T(text_reaches_the_file_and_what_is_kept),
		T(a_pipe_that_nobody_reads_costs_text_only),
		T(a_panic_is_known_by_the_kernels_own_words),
		T(a_panic_is_known_by_the_panic_port),
		T(the_keyboard_controllers_reset_ends_the_machine),
		T(ports_where_nothing_is_read_ones),
	};

	return cmocka_run_group_tests_name("serial", tests, NULL, NULL);
}
