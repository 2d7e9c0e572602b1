/* SPDX-License-Identifier: BSD-3-Clause */
/* The hot-plug controller's registers and the life of a slot, with time as a number. */
#include <linux/pci_regs.h>
#include <support/test.h>
#include <support/vmm_platform.h>
#include <hotplug.h>

#define SEC	 UINT64_C(1000000)
#define DEADLINE (10 * SEC)

struct fixture {
	struct vm vm;
	unsigned int destroyed, removed, timeouts, wanted;
	enum removed_how how;
	char id[64];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	memset(&fake, 0, sizeof(fake));
	assert_non_null(f);
	assert_int_equal(vm_init(&f->vm, "t", NULL, &fake_ops), 0);
	atomic_store(&f->vm.state, VM_RUNNING);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	hotplug_destroy_all(&f->vm);
	assert_int_equal(fake_slots_used(), 0);
	vm_done(&f->vm);
	free(f);
	return 0;
}

static unsigned int plug(struct fixture *f, const char *id, uint64_t now)
{
	struct fake_dev *d = calloc(1, sizeof(*d));
	int slot = hotplug_slot_pick(&f->vm);

	assert_non_null(d);
	assert_true(slot > 0);
	fake_dev_fill(d, &f->vm, id);
	d->on_heap = true;
	d->destroyed = &f->destroyed;
	assert_int_equal(pci_dev_init(&d->pci), 0);
	hotplug_publish(&f->vm, (unsigned int)slot, &d->pci, now);
	return (unsigned int)slot;
}

static void told(struct vm *vm, unsigned int slot, const char *id, enum hotplug_result result,
		 void *userdata)
{
	struct fixture *f = userdata;

	f->how = vm->slot[slot].how;
	strncpy(f->id, id, sizeof(f->id) - 1);
	if (result == HOTPLUG_REMOVED)
		f->removed++;
	else if (result == HOTPLUG_WANTED)
		f->wanted++;
	else
		f->timeouts++;
}

static void work(struct fixture *f, uint64_t now)
{
	hotplug_work(&f->vm, now, told, f);
}

static uint32_t reg(struct fixture *f, uint32_t off)
{
	uint32_t v;

	hpc_read(&f->vm, off, &v, 4);
	return v;
}

static void reg_put(struct fixture *f, uint32_t off, uint32_t v)
{
	hpc_write(&f->vm, off, &v, 4);
}

static bool interrupt(struct fixture *f)
{
	eventfd_t n;

	return !eventfd_read(f->vm.hpc.gsi_fd, &n);
}

/* As a guest does: clear the event, read and clear the slots, look at the function. */
static void guest_takes(struct fixture *f, unsigned int slot)
{
	uint32_t up;

	reg_put(f, HPC_EVTS, HPC_EVT_PCI);
	up = reg(f, HPC_PCUP);
	assert_true(up & BIT32(slot));
	reg_put(f, HPC_PCUP, up);
	cfg_put(f->vm.slot[slot].own, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
}

static void a_plug_sets_slot_event_and_interrupt(void **state)
{
	struct fixture *f = *state;
	unsigned int s = plug(f, "a", 0);

	assert_int_equal(reg(f, HPC_PCUP), BIT32(s));
	assert_int_equal(reg(f, HPC_EVTS), HPC_EVT_PCI);
	assert_true(interrupt(f));
	reg_put(f, HPC_PCUP, ~BIT32(s));
	assert_int_equal(reg(f, HPC_PCUP), BIT32(s));
	reg_put(f, HPC_PCUP, BIT32(s));
	assert_int_equal(reg(f, HPC_PCUP), 0);
}

static void other_widths_read_ones_and_change_nothing(void **state)
{
	struct fixture *f = *state;
	uint64_t v = 0;

	plug(f, "a", 0);
	hpc_read(&f->vm, HPC_PCUP, &v, 8);
	assert_int_equal(v, UINT64_MAX);
	hpc_write(&f->vm, HPC_EVTS, &v, 2);
	hpc_write(&f->vm, HPC_EVTS + 2, &v, 4);
	assert_int_equal(reg(f, HPC_EVTS), HPC_EVT_PCI);
	assert_int_equal(atomic_load(&f->vm.hpc.odd_accesses), 3);
	assert_int_equal(reg(f, HPC_VERS), HPC_VERSION);
	assert_int_equal(reg(f, 0xffc), 0);
}

static void acpis_byte_registers_end_the_machine(void **state)
{
	struct fixture *f = *state;
	uint8_t v = HPC_RSTB_VALUE ^ 1;

	hpc_write(&f->vm, HPC_RSTB, &v, 1);
	v = BIT32(5) | 3 << 2;
	hpc_write(&f->vm, HPC_SLPC, &v, 1);
	hpc_read(&f->vm, HPC_SLPS, &v, 1);
	assert_int_equal(v, 0);
	assert_int_equal(atomic_load(&f->vm.state), VM_RUNNING);
	assert_int_equal(atomic_load(&f->vm.hpc.odd_accesses), 0);
	v = HPC_SLPC_OFF;
	hpc_write(&f->vm, HPC_SLPC, &v, 1);
	assert_int_equal(atomic_load(&f->vm.state), VM_STOPPED);
	assert_int_equal(f->vm.ended, VM_ENDED_OFF);
	/* whoever comes second does not rewrite why */
	v = HPC_RSTB_VALUE;
	hpc_write(&f->vm, HPC_RSTB, &v, 1);
	assert_int_equal(f->vm.ended, VM_ENDED_OFF);
}

static void an_edge_that_nobody_took_comes_again_less_and_less_often(void **state)
{
	struct fixture *f = *state;
	uint32_t evts = HPC_EVT_PCI;
	unsigned int pulses = 0;

	plug(f, "a", 0);
	interrupt(f);
	for (uint64_t now = 0; now < 60 * SEC; now += SEC / 8) {
		eventfd_t n;

		work(f, now);
		pulses += eventfd_read(f->vm.hpc.gsi_fd, &n) == 0;
	}
	assert_in_range(pulses, 6, 10);
	hpc_write(&f->vm, HPC_EVTS, &evts, 4);
	work(f, 61 * SEC);
	assert_int_equal(hotplug_next(&f->vm), UINT64_MAX);
}

static void a_guest_that_never_looked_is_not_asked(void **state)
{
	struct fixture *f = *state;
	unsigned int s = plug(f, "a", 0);

	interrupt(f);
	assert_int_equal(hotplug_remove(&f->vm, s, false, SEC, DEADLINE), 0);
	assert_false(interrupt(f));
	work(f, SEC);
	assert_int_equal(f->removed, 1);
	assert_int_equal(f->how, REMOVED_CANCELLED);
	assert_int_equal(reg(f, HPC_PCUP), 0);
	assert_int_equal(f->destroyed, 1);
}

static void an_ejected_function_is_destroyed_by_main_only(void **state)
{
	struct fixture *f = *state;
	unsigned int s = plug(f, "a", 0);

	guest_takes(f, s);
	assert_int_equal(hotplug_remove(&f->vm, s, false, SEC, DEADLINE), 0);
	assert_int_equal(reg(f, HPC_PCDN), BIT32(s));
	assert_int_equal(hotplug_remove(&f->vm, s, false, SEC, DEADLINE), -EBUSY);
	reg_put(f, HPC_PCDN, BIT32(s));
	reg_put(f, HPC_PCEJ, BIT32(s));
	assert_null(atomic_load(&f->vm.slot[s].dev));
	assert_int_equal(f->destroyed, 0);
	assert_true(atomic_load(&f->vm.posted) & VM_POST_EJECT);
	work(f, SEC);
	assert_int_equal(f->destroyed, 1);
	assert_int_equal(f->how, REMOVED_EJECTED);
	assert_string_equal(f->id, "a");
	assert_int_equal(hotplug_slot_find(&f->vm, "a"), -ENOENT);
	reg_put(f, HPC_PCEJ, UINT32_MAX);
	work(f, SEC);
	assert_int_equal(f->removed, 1);
}

static void a_silent_guest_is_reminded_once_and_then_keeps_it(void **state)
{
	struct fixture *f = *state;
	unsigned int s = plug(f, "a", 0);

	guest_takes(f, s);
	interrupt(f);
	assert_int_equal(hotplug_remove(&f->vm, s, false, 0, DEADLINE), 0);
	assert_true(interrupt(f));
	reg_put(f, HPC_EVTS, HPC_EVT_PCI);
	assert_int_equal(hotplug_next(&f->vm), 3 * SEC);
	work(f, 3 * SEC);
	assert_true(interrupt(f));
	reg_put(f, HPC_EVTS, HPC_EVT_PCI);
	work(f, 6 * SEC);
	assert_false(interrupt(f));
	assert_int_equal(hotplug_next(&f->vm), DEADLINE);
	work(f, DEADLINE);
	assert_int_equal(f->timeouts, 1);
	assert_int_equal(f->destroyed, 0);
	assert_int_equal(f->vm.slot[s].state, SLOT_VISIBLE);
	assert_int_equal(reg(f, HPC_PCDN), 0);
	/* late is better than never */
	reg_put(f, HPC_PCEJ, BIT32(s));
	work(f, 11 * SEC);
	assert_int_equal(f->removed, 1);
}

static void a_guest_that_says_no_is_told_from_a_silent_one(void **state)
{
	struct fixture *f = *state;
	const unsigned int s = plug(f, "a", 0);
	const uint32_t slot = s << 16;

	guest_takes(f, s);
	assert_int_equal(hotplug_remove(&f->vm, s, false, 1000, 500), 0);
	reg_put(f, HPC_OSTE, HPC_OST_EJECT);
	reg_put(f, HPC_OSTS, slot | HPC_OST_PENDING);
	assert_int_equal(atomic_load(&f->vm.slot[s].refusal), 0);
	reg_put(f, HPC_OSTS, slot | 0x82);
	assert_int_equal(atomic_load(&f->vm.slot[s].refusal), 0x82);
	work(f, 1500);
	assert_int_equal(f->vm.slot[s].state, SLOT_VISIBLE);
	/* asked once more, nothing of it is left; what is no slot or no ejection is nobody's */
	assert_int_equal(hotplug_remove(&f->vm, s, false, 2000, 500), 0);
	assert_int_equal(atomic_load(&f->vm.slot[s].refusal), 0);
	reg_put(f, HPC_OSTS, 0xff0082);
	reg_put(f, HPC_OSTE, 1);
	reg_put(f, HPC_OSTS, slot | 0x82);
	assert_int_equal(atomic_load(&f->vm.slot[s].refusal), 0);
}

static void force_yanks_and_a_late_eject_spares_the_successor(void **state)
{
	struct fixture *f = *state;
	unsigned int s = plug(f, "a", 0), next = 0;

	guest_takes(f, s);
	assert_int_equal(hotplug_remove(&f->vm, s, false, 0, DEADLINE), 0);
	assert_int_equal(hotplug_remove(&f->vm, s, true, SEC, 0), 0);
	work(f, SEC);
	assert_int_equal(f->how, REMOVED_FORCED);
	assert_int_equal(reg(f, HPC_PCDN), BIT32(s));
	assert_true(atomic_load(&f->vm.slot[s].owes_eject));
	reg_put(f, HPC_PCEJ, BIT32(s));
	assert_false(atomic_load(&f->vm.slot[s].owes_eject));
	for (unsigned int i = 0; i < VMM_SLOTS - 1; i++) {
		next = plug(f, "b", 0);
		if (next == s)
			break;
	}
	assert_int_equal(next, s);
	assert_int_equal(hotplug_slot_pick(&f->vm), -ENOSPC);
}

static void nothing_is_destroyed_under_the_vcpu(void **state)
{
	struct fixture *f = *state;
	unsigned int s = plug(f, "a", 0);
	struct pci_dev *d = pci_bus_get(&f->vm, s);

	assert_non_null(d);
	assert_int_equal(hotplug_remove(&f->vm, s, true, 0, 0), 0);
	work(f, 0);
	assert_int_equal(f->destroyed, 0);
	assert_true(hotplug_next(&f->vm) < SEC);
	assert_null(pci_bus_get(&f->vm, s));
	work(f, SEC);
	assert_int_equal(f->destroyed, 1);
}

static void slots_rest_before_they_are_used_again(void **state)
{
	struct fixture *f = *state;
	unsigned int a = plug(f, "a", 0);

	assert_int_equal(hotplug_remove(&f->vm, a, false, 0, 0), 0);
	work(f, 0);
	assert_int_not_equal(plug(f, "a", 0), a);
}

static void a_stopped_guest_is_not_waited_for(void **state)
{
	struct fixture *f = *state;
	unsigned int s = plug(f, "a", 0);

	guest_takes(f, s);
	reg_put(f, HPC_POWR, HPC_POWR_OFF);
	assert_int_equal(atomic_load(&f->vm.state), VM_STOPPED);
	assert_int_equal(hotplug_remove(&f->vm, s, false, 0, DEADLINE), 0);
	work(f, 0);
	assert_int_equal(f->how, REMOVED_FORCED);
	assert_int_equal(f->destroyed, 1);
}

static void a_wanted_function_is_asked_for_once_and_then_taken(void **state)
{
	struct fixture *f = *state;
	unsigned int s = plug(f, "a", 0), unseen;

	guest_takes(f, s);
	vmm_device_wanted(f->vm.slot[s].own);
	assert_true(atomic_load(&f->vm.posted) & VM_POST_DEVICE);
	work(f, SEC);
	assert_int_equal(f->wanted, 1);
	assert_string_equal(f->id, "a");
	assert_int_equal(f->vm.slot[s].state, SLOT_EJECTING);
	work(f, SEC + HOTPLUG_WANTED_US - 1);
	assert_int_equal(f->removed, 0);
	work(f, SEC + HOTPLUG_WANTED_US);
	assert_int_equal(f->wanted, 1);
	assert_int_equal(f->removed, 1);
	assert_int_equal(f->how, REMOVED_HOST);
	assert_true(atomic_load(&f->vm.slot[s].owes_eject));

	/* a guest that never saw it is not asked, and a late PCEJ is for the one before */
	unseen = plug(f, "b", 6 * SEC);
	vmm_device_wanted(f->vm.slot[unseen].own);
	work(f, 7 * SEC);
	assert_int_equal(f->removed, 2);
	assert_int_equal(f->how, REMOVED_HOST);
	assert_int_equal(f->timeouts, 0);
}

static void six_hundred_cycles_leave_nothing(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 600; i++) {
		unsigned int s = plug(f, "a", i);

		guest_takes(f, s);
		cfg_put(f->vm.slot[s].own, PCI_BASE_ADDRESS_0, 0xc0000000u, 4);
		assert_int_equal(fake_slots_used(), 1);
		assert_int_equal(hotplug_remove(&f->vm, s, i % 3 == 2, i, DEADLINE), 0);
		reg_put(f, HPC_PCDN, BIT32(s));
		reg_put(f, HPC_PCEJ, BIT32(s));
		work(f, i);
		assert_int_equal(f->destroyed, i + 1);
		assert_int_equal(fake_slots_used(), 0);
	}
	assert_int_equal(fake.wrong, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_plug_sets_slot_event_and_interrupt),
		T(other_widths_read_ones_and_change_nothing),
		T(acpis_byte_registers_end_the_machine),
		T(an_edge_that_nobody_took_comes_again_less_and_less_often),
		T(a_guest_that_never_looked_is_not_asked),
		T(an_ejected_function_is_destroyed_by_main_only),
		T(a_silent_guest_is_reminded_once_and_then_keeps_it),
		T(a_guest_that_says_no_is_told_from_a_silent_one),
		T(force_yanks_and_a_late_eject_spares_the_successor),
		T(nothing_is_destroyed_under_the_vcpu),
		T(slots_rest_before_they_are_used_again),
		T(a_stopped_guest_is_not_waited_for),
		T(a_wanted_function_is_asked_for_once_and_then_taken),
		T(six_hundred_cycles_leave_nothing),
	};

	return cmocka_run_group_tests_name("vmm_glue_hotplug", tests, NULL, NULL);
}
