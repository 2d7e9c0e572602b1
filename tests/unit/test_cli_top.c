/* SPDX-License-Identifier: BSD-3-Clause */
/* Two moments of made-up VMs and the rates between them. */
#include <string.h>
#include <support/test.h>
#include <top.h>

static const char vm_text[] =
	"{'name':'vm1','state':'running','pid':7,'exits':100,'kvm_exits':1000,"
	"'exit_source':'kvm_stats','exits_by':{'mmio':50},'interfaces':["
	"{'id':'blue','rx_packets':10,'tx_packets':20,'rx_bytes':1000,'tx_bytes':2000},"
	"{'id':'green','rx_packets':0,'tx_packets':0,'rx_bytes':0,'tx_bytes':0}],'devices':["
	"{'id':'blue','kind':'vfio-user','trapped':false,'state':'up','bar_exits':5,'messages':4,"
	"'msix':{'guest_vectors':[65,97,97]}},"
	"{'id':'green','kind':'vfio-user','trapped':true,'state':'up','bar_exits':1,'messages':1,"
	"'msix':{'guest_vectors':[66,-1,256,7000]}},"
	"{'id':'red','kind':'vhost-user','trapped':false,'bar_exits':0,'messages':0}]}";

static json_t *parse(const char *text)
{
	json_t *value;
	char *copy = strdup(text);

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p;
	value = json_loads(copy, 0, NULL);
	free(copy);
	assert_non_null(value);
	return value;
}

static json_t *vm_with(const char *changes, const struct exits_counts *traced)
{
	json_auto_t *vm = parse(vm_text), *more = parse(changes);

	json_object_update(vm, more);
	return top_vm(vm, NULL, traced);
}

static json_t *rates_of(json_t *before, json_t *after, double seconds)
{
	json_auto_t *a = json_pack("[o]", before), *b = json_pack("[o]", after);

	return top_rates(a, b, seconds);
}

static double figure(const json_t *rates, const char *key)
{
	const json_t *value = json_object_get(json_array_get(rates, 0), key);

	assert_true(json_is_real(value));
	return json_real_value(value);
}

static const char *source(const json_t *rates, const char *key)
{
	return json_string_value(json_object_get(json_array_get(rates, 0), key));
}

static const json_t *interface(const json_t *rates, size_t i)
{
	return json_array_get(json_object_get(json_array_get(rates, 0), "interfaces"), i);
}

static void without_tracepoints_the_vmm_counts_and_the_rest_is_unknown(void **state)
{
	json_auto_t *rates =
		rates_of(vm_with("{}", NULL),
			 vm_with("{'exits':120,'kvm_exits':1500,'exits_by':{'mmio':60}}", NULL), 2);

	assert_float_equal(figure(rates, "exits_per_s"), 250, 1e-9);
	assert_string_equal(source(rates, "exits_source"), "kvm_stats");
	assert_float_equal(figure(rates, "user_exits_per_s"), 10, 1e-9);
	assert_float_equal(figure(rates, "mmio_exits_per_s"), 5, 1e-9);
	assert_string_equal(source(rates, "mmio_exits_source"), "vmm");
	assert_true(json_is_null(json_object_get(json_array_get(rates, 0), "interrupts_per_s")));
	assert_true(json_is_null(json_object_get(json_array_get(rates, 0), "wakeups_source")));
	assert_true(json_is_null(json_object_get(interface(rates, 0), "interrupts_per_s")));
}

static void kvm_without_statistics_leaves_the_exits_of_kvm_run(void **state)
{
	json_auto_t *rates = rates_of(vm_with("{'exit_source':'kvm_run'}", NULL),
				      vm_with("{'exit_source':'kvm_run','exits':130}", NULL), 1);

	assert_float_equal(figure(rates, "exits_per_s"), 30, 1e-9);
	assert_string_equal(source(rates, "exits_source"), "kvm_run");
}

static void exits_come_from_the_tracepoint_where_it_fires(void **state)
{
	struct exits_counts a = {.interrupt_source = "kvm_eoi"}, b = a;
	json_auto_t *silent = NULL, *fires = NULL;

	silent = rates_of(vm_with("{}", &a), vm_with("{'kvm_exits':1010}", &b), 1);
	assert_string_equal(source(silent, "exits_source"), "kvm_stats");
	assert_float_equal(figure(silent, "exits_per_s"), 10, 1e-9);
	b.kvm = 77;
	fires = rates_of(vm_with("{}", &a), vm_with("{'kvm_exits':1010}", &b), 1);
	assert_string_equal(source(fires, "exits_source"), "kvm_exit");
	assert_float_equal(figure(fires, "exits_per_s"), 77, 1e-9);
}

static void interrupts_go_to_the_interface_whose_vectors_they_raised(void **state)
{
	struct exits_counts a = {.interrupt_source = "kvm_eoi"}, b = a;
	json_auto_t *rates = NULL;

	b.interrupts[65] = 3;
	b.interrupts[97] = 4;
	b.interrupts[66] = 5;
	b.interrupts[48] = 100;
	b.interrupts[0] = 1000;
	rates = rates_of(vm_with("{}", &a), vm_with("{}", &b), 1);
	assert_float_equal(figure(rates, "interrupts_per_s"), 1112, 1e-9);
	assert_string_equal(source(rates, "interrupts_source"), "kvm_eoi");
	assert_float_equal(
		json_real_value(json_object_get(interface(rates, 0), "interrupts_per_s")), 7, 1e-9);
	assert_float_equal(
		json_real_value(json_object_get(interface(rates, 1), "interrupts_per_s")), 5, 1e-9);
	assert_float_equal(
		json_real_value(json_object_get(interface(rates, 2), "interrupts_per_s")), 0, 1e-9);
}

static void packets_bits_and_traps_of_an_interface(void **state)
{
	json_auto_t *rates = rates_of(
		vm_with("{}", NULL),
		vm_with("{'interfaces':[{'id':'blue','rx_packets':110,'tx_packets':120,"
			"'rx_bytes':251000,'tx_bytes':2000}],'devices':[{'id':'blue','kind':'vfio',"
			"'state':'up','bar_exits':6,'messages':8}]}",
			NULL),
		2);
	const json_t *blue = interface(rates, 0);

	assert_string_equal(json_string_value(json_object_get(blue, "path")), "vf");
	assert_float_equal(json_real_value(json_object_get(blue, "rx_packets_per_s")), 50, 1e-9);
	assert_float_equal(json_real_value(json_object_get(blue, "rx_mbps")), 1, 1e-9);
	assert_float_equal(json_real_value(json_object_get(blue, "tx_mbps")), 0, 1e-9);
	/* the larger of exits and messages, a packet in either direction */
	assert_float_equal(json_real_value(json_object_get(blue, "traps_per_packet")), 4.0 / 200,
			   1e-9);
}

static void paths_are_told_by_kind_and_by_what_traps(void **state)
{
	json_auto_t *rates = rates_of(vm_with("{}", NULL), vm_with("{}", NULL), 1);
	static const char *const paths[] = {"vf", "emulated", "virtio"};

	for (size_t i = 0; i < 3; i++)
		assert_string_equal(json_string_value(json_object_get(interface(rates, i), "path")),
				    paths[i]);
	/* nothing moved: no packet to divide by */
	assert_true(json_is_null(json_object_get(interface(rates, 0), "traps_per_packet")));
	/* no counters at all */
	assert_true(json_is_null(json_object_get(interface(rates, 2), "rx_packets_per_s")));
}

static void counters_of_a_silent_guest_are_those_of_its_vf(void **state)
{
	json_auto_t *vm = parse(vm_text);
	json_auto_t *vfs = parse("[{'net':'green','rx_packets':5,'tx_packets':6,'rx_bytes':7,"
				 "'tx_bytes':8,'host_interrupts':9},{'net':null}]");
	json_auto_t *one = top_vm(vm, vfs, NULL);
	const json_t *list = json_object_get(one, "interfaces");
	const json_t *blue = json_object_get(json_array_get(list, 0), "counters");
	const json_t *green = json_object_get(json_array_get(list, 1), "counters");

	assert_int_equal(json_integer_value(json_object_get(blue, "rx_packets")), 10);
	assert_int_equal(json_integer_value(json_object_get(green, "rx_packets")), 5);
	assert_int_equal(json_integer_value(json_object_get(green, "host_interrupts")), 9);
}

static void a_counter_that_went_back_and_another_process_have_no_rate(void **state)
{
	json_auto_t *back = rates_of(vm_with("{}", NULL), vm_with("{'kvm_exits':1}", NULL), 1);
	json_auto_t *other =
		rates_of(vm_with("{}", NULL), vm_with("{'pid':8,'kvm_exits':2000}", NULL), 1);

	assert_true(json_is_null(json_object_get(json_array_get(back, 0), "exits_per_s")));
	assert_true(json_is_null(json_object_get(json_array_get(other, 0), "exits_per_s")));
	assert_true(json_is_null(json_object_get(interface(other, 0), "rx_packets_per_s")));
}

static void answers_of_the_wrong_shape_give_unknowns(void **state)
{
	json_auto_t *rates = rates_of(vm_with("{'devices':7,'exits_by':[],'kvm_exits':'x'}", NULL),
				      top_vm(NULL, NULL, NULL), 1);
	json_auto_t *rows = top_rows(rates);

	assert_int_equal(json_array_size(rates), 1);
	assert_int_equal(json_array_size(rows), 1);
	assert_string_equal(json_string_value(json_object_get(json_array_get(rows, 0), "exits")),
			    "-");
}

static void rates_are_short_to_read(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{0, "0"},	  {0.0005, "5e-04"}, {0.25, "0.25"},	{7.994, "7.99"},
		{9.996, "10.0"},  {42.04, "42.0"},   {99.96, "100"},	{999.4, "999"},
		{999.6, "1.00k"}, {38100, "38.1k"},  {14.2e6, "14.2M"}, {3e9, "3.00G"},
		{2e12, "2.00T"},  {1e15, "-"},
	};
	json_auto_t *text = json_string("1");
	char got[TOP_NUMBER_MAX];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_auto_t *value = json_real(cases[i].value);

		top_number(value, got);
		assert_string_equal(got, cases[i].text);
	}
	top_number(NULL, got);
	assert_string_equal(got, "-");
	top_number(text, got);
	assert_string_equal(got, "-");
}

static void a_vm_has_a_row_and_each_interface_one_below(void **state)
{
	json_auto_t *rates = rates_of(vm_with("{}", NULL), vm_with("{'kvm_exits':3000}", NULL), 1);
	json_auto_t *rows = top_rows(rates);
	const json_t *vm = json_array_get(rows, 0), *blue = json_array_get(rows, 1);

	assert_int_equal(json_array_size(rows), 4);
	assert_string_equal(json_string_value(json_object_get(vm, "name")), "vm1");
	assert_string_equal(json_string_value(json_object_get(vm, "exits")), "2.00k");
	assert_string_equal(json_string_value(json_object_get(vm, "rx")), " ");
	assert_string_equal(json_string_value(json_object_get(blue, "name")), "  blue");
	assert_string_equal(json_string_value(json_object_get(blue, "rx")), "0");
	assert_string_equal(json_string_value(json_object_get(blue, "exits")), " ");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_tracepoints_the_vmm_counts_and_the_rest_is_unknown),
		cmocka_unit_test(kvm_without_statistics_leaves_the_exits_of_kvm_run),
		cmocka_unit_test(exits_come_from_the_tracepoint_where_it_fires),
		cmocka_unit_test(interrupts_go_to_the_interface_whose_vectors_they_raised),
		cmocka_unit_test(packets_bits_and_traps_of_an_interface),
		cmocka_unit_test(paths_are_told_by_kind_and_by_what_traps),
		cmocka_unit_test(counters_of_a_silent_guest_are_those_of_its_vf),
		cmocka_unit_test(a_counter_that_went_back_and_another_process_have_no_rate),
		cmocka_unit_test(answers_of_the_wrong_shape_give_unknowns),
		cmocka_unit_test(rates_are_short_to_read),
		cmocka_unit_test(a_vm_has_a_row_and_each_interface_one_below),
	};

	return cmocka_run_group_tests_name("cli top", tests, NULL, NULL);
}
