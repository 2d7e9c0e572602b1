/* SPDX-License-Identifier: BSD-3-Clause */
/* The guest block seen from the VMM: console ring, interface table, requests, with a lying guest.
 */
#include <stdio.h>
#include <sys/mman.h>
#include <support/test.h>
#include <support/vmm_platform.h>
#include <boot.h>
#include <console.h>
#include <guest_link.h>
#include <hotplug.h>

#define RAM (UINT64_C(2) << 20)

struct fixture {
	struct vm vm;
	struct guest_block *b;
	struct fake_dev dev;
	int log;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&fake, 0, sizeof(fake));
	assert_non_null(f);
	assert_int_equal(vm_init(&f->vm, "t", NULL, &fake_ops), 0);
	assert_int_equal(vm_mem_new(&f->vm, RAM, false), 0);
	boot_memory(f->vm.ram->va);
	f->b = vmm_gpa_ptr(&f->vm, (gpa_t){GUEST_BLOCK_GPA}, sizeof(*f->b));
	f->log = memfd_create("console", MFD_CLOEXEC);
	f->vm.console.fd = f->log;
	atomic_store(&f->vm.state, VM_RUNNING);
	fake_dev_fill(&f->dev, &f->vm, "a");
	assert_int_equal(pci_dev_init(&f->dev.pci), 0);
	hotplug_publish(&f->vm, 1, &f->dev.pci, 0);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hotplug_destroy_all(&f->vm);
	vm_done(&f->vm);
	free(f);
	return 0;
}

static void guest_says(struct guest_block *b, const char *text)
{
	for (; *text; text++)
		b->con[b->con_head++ % GUEST_CON_SIZE] = (uint8_t)*text;
}

static void boot_lays_down_an_empty_block(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(f->b->magic, GUEST_BLOCK_MAGIC);
	assert_int_equal(f->b->version, GUEST_BLOCK_VERSION);
	assert_int_equal(f->b->con_head, 0);
	assert_null(vmm_gpa_ptr(&f->vm, (gpa_t){RAM - 1}, 2));
	assert_null(vmm_gpa_ptr(&f->vm, (gpa_t){UINT64_MAX}, 2));
	assert_non_null(vmm_gpa_ptr(&f->vm, (gpa_t){RAM - 2}, 2));
}

static void text_goes_to_file_and_tail(void **state)
{
	struct fixture *f = *state;
	char tail[64], file[64] = "";

	guest_says(f->b, "one");
	guest_console_drain(&f->vm, 5);
	assert_int_equal(f->vm.console.first_us, 0);
	guest_says(f->b, " line\n\x1b");
	guest_console_drain(&f->vm, 6);
	guest_console_drain(&f->vm, 7);
	assert_int_equal(f->vm.console.first_us, 6);
	assert_int_equal(console_tail(&f->vm, tail, 63), 10);
	assert_string_equal(tail, "one line\n?");
	assert_int_equal(console_tail(&f->vm, tail, 3), 3);
	assert_string_equal(tail, "e\n?");
	assert_int_equal(pread(f->log, file, 63, 0), 10);
	assert_memory_equal(file, "one line\n\x1b", 10);
}

static void a_head_that_jumps_costs_text_only(void **state)
{
	struct fixture *f = *state;

	f->b->con_head = 3 * GUEST_CON_SIZE + 5;
	guest_console_drain(&f->vm, 1);
	assert_int_equal(f->vm.console.total, GUEST_CON_SIZE);
	assert_int_equal(f->vm.console.lost, 2 * GUEST_CON_SIZE + 5);
	f->b->con_head = 1; /* backwards: as good as a wrap */
	guest_console_drain(&f->vm, 2);
	assert_int_equal(f->vm.console.total, 2 * GUEST_CON_SIZE);
}

static void interface_entries_are_judged(void **state)
{
	struct fixture *f = *state;

	f->b->ifs[1].kind = GUEST_IF_VF;
	f->b->ifs[1].state = GUEST_IF_UP;
	f->b->ifs[1].rx_packets = 7;
	f->b->ifs[2].state = GUEST_IF_UP; /* an empty slot */
	guest_ifs_update(&f->vm);
	assert_int_equal(f->vm.slot[1].gif.rx_packets, 7);
	assert_int_equal(f->vm.slot[2].gif.state, GUEST_IF_EMPTY);
	f->b->ifs[1].kind = 77;
	guest_ifs_update(&f->vm);
	assert_int_equal(f->vm.slot[1].gif.kind, GUEST_IF_NONE);
	assert_int_equal(f->vm.slot[1].gif.rx_packets, 0);
}

static struct guest_req ping(void)
{
	return (struct guest_req){.kind = GUEST_REQ_PING, .slot_a = 1, .count = 1};
}

static void one_request_at_a_time_with_its_answer(void **state)
{
	struct fixture *f = *state;
	struct guest_req req = ping();
	static struct guest_res res;

	assert_int_equal(guest_request_send(&f->vm, &req), 0);
	assert_int_equal(guest_request_send(&f->vm, &req), -EBUSY);
	assert_true(atomic_load(&f->vm.hpc.evts) & HPC_EVT_REQUEST);
	assert_int_equal(guest_request_poll(&f->vm, &res), -EAGAIN);
	assert_int_equal(f->b->req.kind, GUEST_REQ_PING);
	hist_add(&f->b->res.hist, 100);
	f->b->res.sent = 1;
	f->b->res.seq = f->b->req.seq;
	assert_int_equal(guest_request_poll(&f->vm, &res), 0);
	assert_int_equal(res.sent, 1);
	assert_int_equal(guest_request_poll(&f->vm, &res), -EAGAIN);
}

static void an_answer_that_contradicts_itself_is_refused(void **state)
{
	struct fixture *f = *state;
	struct guest_req req = ping();
	static struct guest_res res;

	assert_int_equal(guest_request_send(&f->vm, &req), 0);
	f->b->res.hist.n = 5;
	f->b->res.seq = f->b->req.seq;
	assert_int_equal(guest_request_poll(&f->vm, &res), -EBADMSG);
	assert_int_equal(guest_request_send(&f->vm, &req), 0);
}

static void a_late_answer_is_not_taken_for_the_next_one(void **state)
{
	struct fixture *f = *state;
	struct guest_req req = ping();
	static struct guest_res res;

	assert_int_equal(guest_request_send(&f->vm, &req), 0);
	guest_request_drop(&f->vm);
	f->b->res.seq = f->b->req.seq;
	assert_int_equal(guest_request_poll(&f->vm, &res), -EAGAIN);
	assert_int_equal(guest_request_send(&f->vm, &req), 0);
	assert_int_equal(guest_request_poll(&f->vm, &res), -EAGAIN);
}

static void requests_without_sense_or_guest_are_refused(void **state)
{
	struct fixture *f = *state;
	struct guest_req req = ping();

	req.kind = 9;
	assert_int_equal(guest_request_send(&f->vm, &req), -EINVAL);
	atomic_store(&f->vm.state, VM_CRASHED);
	req = ping();
	assert_int_equal(guest_request_send(&f->vm, &req), -ENOTCONN);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(boot_lays_down_an_empty_block),
		T(text_goes_to_file_and_tail),
		T(a_head_that_jumps_costs_text_only),
		T(interface_entries_are_judged),
		T(one_request_at_a_time_with_its_answer),
		T(an_answer_that_contradicts_itself_is_refused),
		T(a_late_answer_is_not_taken_for_the_next_one),
		T(requests_without_sense_or_guest_are_refused),
	};

	return cmocka_run_group_tests_name("vmm_glue_guest_link", tests, NULL, NULL);
}
