/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <sriovd/pf.h>
#include <string.h>
#include <support/test.h>

static struct sriovd d;

static int setup(void **state)
{
	struct config cfg = {
		.run_dir = "/nonexistent/run", .libexec_dir = "/nonexistent", .vm_cpu = -1};
	struct op_error e = {};

	strcpy(cfg.nics[0].name, "p0");
	cfg.n_nics = 1;
	if (state_init(&d, &cfg, &e) < 0)
		return -1;
	baton_take(&d);
	return 0;
}

static int teardown(void **state)
{
	baton_drop(&d);
	state_done(&d);
	return 0;
}

static void lowest_free_vf_is_picked(void **state)
{
	struct pf *pf = d.pfs;
	unsigned int vf = 99;

	pf->num_vfs = 4;
	assert_int_equal(pf_pick_vf(pf, &vf), -ENOSPC); /* not up */
	pf->up = true;
	assert_int_equal(pf_pick_vf(pf, &vf), 0);
	assert_int_equal(vf, 0);
	pf->vf[0].state = VF_ATTACHED;
	pf->vf[1].state = VF_QUARANTINED;
	pf->vf[2].state = VF_SANITISING;
	assert_int_equal(pf_pick_vf(pf, &vf), 0);
	assert_int_equal(vf, 3);
	pf->vf[3].state = VF_PREPARING;
	assert_int_equal(pf_pick_vf(pf, &vf), -ENOSPC);
}

static void exclusive_hold_excludes_and_says_why(void **state)
{
	struct op_error e = {};
	struct hold h = {};

	assert_int_equal(hold_take(&h, true, "net blue", &e, "attach of %s", "blue"), 0);
	assert_int_equal(hold_take(&h, true, "net blue", &e, "detach of blue"), -EBUSY);
	assert_string_equal(e.text, "net blue is busy: attach of blue in progress");
	assert_int_equal(e.http, HTTP_CONFLICT);
	assert_int_equal(hold_take(&h, false, "net blue", &e, "x"), -EBUSY);
	hold_release(&d, &h, true);
	assert_int_equal(hold_take(&h, false, "net blue", &e, "reading"), 0);
	assert_int_equal(hold_take(&h, false, "net blue", &e, "reading"), 0);
	assert_int_equal(hold_take(&h, true, "net blue", &e, "x"), -EBUSY);
	hold_release(&d, &h, false);
	hold_release(&d, &h, false);
	assert_int_equal(hold_take(&h, true, "net blue", &e, "x"), 0);
}

static void waiting_for_a_hold_ends_at_its_deadline(void **state)
{
	struct hold h = {.exclusive = true};
	uint64_t before = clock_us();

	assert_int_equal(hold_wait(&d, &h, true, before + 20000, "x"), -ETIMEDOUT);
	assert_true(clock_us() - before >= 20000);
	d.stopping = true;
	assert_int_equal(hold_wait(&d, &h, true, clock_us() + 60 * USEC_PER_SEC, "x"), -ECANCELED);
}

static int waiter_result = 1;

static void wait_for_vm(struct sriovd *sd, void *arg)
{
	struct vm *vm = arg;

	waiter_result = hold_wait(sd, &vm->hold, true, clock_us() + 10 * USEC_PER_SEC, "waiter");
}

static void who_waits_for_an_object_that_goes_away_is_told(void **state)
{
	struct vm *vm = vm_new(&d, "vm1");

	vm->hold.exclusive = true;
	assert_int_equal(job_start(&d, wait_for_vm, vm), 0);
	while (vm->hold.waiters == 0) {
		baton_drop(&d);
		clock_sleep_us(1000);
		baton_take(&d);
	}
	vm_free(&d, vm);
	while (d.jobs > 0)
		assert_int_equal(state_wait(&d, clock_us() + 5 * USEC_PER_SEC), 0);
	assert_int_equal(waiter_result, -ESTALE);
	assert_null(vm_find(&d, "vm1"));
}

static void restarts_back_off_and_forget(void **state)
{
	struct backoff b = {.up_us = 1};

	assert_int_equal(backoff_next(&b), 0); /* it ran for long */
	b.up_us = clock_us();
	assert_int_equal(backoff_next(&b), 100 * USEC_PER_MSEC);
	assert_int_equal(backoff_next(&b), 200 * USEC_PER_MSEC);
	for (int i = 0; i < 10; i++)
		assert_true(backoff_next(&b) <= 5 * USEC_PER_SEC);
}

static void lists_are_sorted_by_name(void **state)
{
	net_new(&d, "b");
	net_new(&d, "c");
	net_new(&d, "a");
	assert_string_equal(d.nets->id.name, "a");
	assert_string_equal(d.nets->next->id.name, "b");
	assert_string_equal(d.nets->next->next->id.name, "c");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lowest_free_vf_is_picked, setup, teardown),
		cmocka_unit_test_setup_teardown(exclusive_hold_excludes_and_says_why, setup,
						teardown),
		cmocka_unit_test_setup_teardown(waiting_for_a_hold_ends_at_its_deadline, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_waits_for_an_object_that_goes_away_is_told,
						setup, teardown),
		cmocka_unit_test_setup_teardown(restarts_back_off_and_forget, setup, teardown),
		cmocka_unit_test_setup_teardown(lists_are_sorted_by_name, setup, teardown),
	};

	return cmocka_run_group_tests_name("state", tests, NULL, NULL);
}
