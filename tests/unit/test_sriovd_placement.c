/* SPDX-License-Identifier: BSD-3-Clause */
#include <sriovd/placement.h>
#include <support/test.h>

static struct config c;

static void config(size_t n_nics, size_t n_bridges)
{
	c = (struct config){.n_nics = n_nics, .n_bridges = n_bridges, .vm_cpu = -1};
	for (size_t i = 0; i < CONFIG_NICS_MAX; i++)
		c.nics[i].cpu = -1;
	for (size_t i = 0; i < CONFIG_BRIDGES_MAX; i++)
		c.bridges[i].cpu = -1;
}

/* CPUs @from to @to, inclusive */
static void fill(int from, int to)
{
	cpu_set_t allowed;

	CPU_ZERO(&allowed);
	for (int cpu = from; cpu <= to; cpu++)
		CPU_SET(cpu, &allowed);
	placement_fill(&allowed, &c);
}

static void one_cpu_pins_nothing(void **state)
{
	config(1, 1);
	fill(3, 3);
	assert_int_equal(c.nics[0].cpu, -1);
	assert_int_equal(c.bridges[0].cpu, -1);
	assert_int_equal(placement_vm(&c, 0), -1);
	fill(1, 0);
	assert_int_equal(c.nics[0].cpu, -1);
}

static void on_two_cpus_data_threads_share_the_upper_one(void **state)
{
	config(2, 1);
	fill(4, 5);
	assert_int_equal(c.nics[0].cpu, 5);
	assert_int_equal(c.nics[1].cpu, 5);
	assert_int_equal(c.bridges[0].cpu, 5);
	for (unsigned int n = 0; n < 4; n++)
		assert_int_equal(placement_vm(&c, n), 4);
}

static void data_threads_go_down_from_the_top_and_vms_round_the_rest(void **state)
{
	config(2, 1);
	fill(0, 7);
	assert_int_equal(c.nics[0].cpu, 7);
	assert_int_equal(c.nics[1].cpu, 6);
	assert_int_equal(c.bridges[0].cpu, 5);
	for (unsigned int n = 0; n < 12; n++)
		assert_int_equal(placement_vm(&c, n), n % 5);
}

static void vms_keep_half_of_the_cpus(void **state)
{
	config(16, 16);
	fill(0, 3);
	assert_int_equal(c.nics[0].cpu, 3);
	assert_int_equal(c.nics[1].cpu, 2);
	assert_int_equal(c.nics[2].cpu, 3);
	assert_int_equal(c.bridges[15].cpu, 2);
	assert_int_equal(placement_vm(&c, 0), 0);
	assert_int_equal(placement_vm(&c, 1), 1);
	assert_int_equal(placement_vm(&c, 2), 0);
}

static void holes_in_the_mask_are_left_out(void **state)
{
	cpu_set_t allowed;

	config(1, 0);
	CPU_ZERO(&allowed);
	CPU_SET(1, &allowed);
	CPU_SET(9, &allowed);
	CPU_SET(1023, &allowed);
	placement_fill(&allowed, &c);
	assert_int_equal(c.nics[0].cpu, 1023);
	assert_int_equal(placement_vm(&c, 0), 1);
	assert_int_equal(placement_vm(&c, 1), 9);
	assert_int_equal(placement_vm(&c, 2), 1);
}

static void what_is_configured_stays_and_is_left_alone(void **state)
{
	config(2, 1);
	c.nics[0].cpu = 0;
	fill(0, 3);
	assert_int_equal(c.nics[0].cpu, 0);
	assert_int_equal(c.nics[1].cpu, 3);
	assert_int_equal(c.bridges[0].cpu, 3);
	assert_int_equal(placement_vm(&c, 0), 1);
	assert_int_equal(placement_vm(&c, 1), 2);

	config(1, 1);
	c.vm_cpu = 3;
	fill(0, 3);
	assert_int_equal(c.nics[0].cpu, 2);
	assert_int_equal(c.bridges[0].cpu, 1);
	assert_int_equal(placement_vm(&c, 5), 3);
}

static void a_second_switch_joins_the_first_rather_than_a_vcpu(void **state)
{
	config(1, 1);
	c.nics[0].cpu = 1;
	fill(0, 1);
	assert_int_equal(c.bridges[0].cpu, 1);
	assert_int_equal(placement_vm(&c, 0), 0);

	config(1, 1);
	c.vm_cpu = 1;
	fill(0, 1);
	assert_int_equal(c.nics[0].cpu, 0);
	assert_int_equal(c.bridges[0].cpu, 0);
	assert_int_equal(placement_vm(&c, 0), 1);
}

static void a_configuration_for_another_machine_is_not_made_worse(void **state)
{
	config(1, 1);
	c.nics[0].cpu = 700;
	c.vm_cpu = 800;
	fill(0, 0);
	assert_int_equal(c.nics[0].cpu, 700);
	assert_int_equal(c.bridges[0].cpu, -1);
	assert_int_equal(placement_vm(&c, 0), 800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_cpu_pins_nothing),
		cmocka_unit_test(on_two_cpus_data_threads_share_the_upper_one),
		cmocka_unit_test(data_threads_go_down_from_the_top_and_vms_round_the_rest),
		cmocka_unit_test(vms_keep_half_of_the_cpus),
		cmocka_unit_test(holes_in_the_mask_are_left_out),
		cmocka_unit_test(what_is_configured_stays_and_is_left_alone),
		cmocka_unit_test(a_second_switch_joins_the_first_rather_than_a_vcpu),
		cmocka_unit_test(a_configuration_for_another_machine_is_not_made_worse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
