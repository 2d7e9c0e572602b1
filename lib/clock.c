/* SPDX-License-Identifier: BSD-3-Clause */
#include <lib/clock.h>
#include <stdlib.h>

#define SLOW_MAX 100

uint64_t clock_patient_us(uint64_t us)
{
	const char *text = getenv("SRIOV_SLOW");
	long factor = 1;
	char *end;

	if (text && *text) {
		factor = strtol(text, &end, 10);
		if (*end || factor < 1)
			factor = 1;
		else if (factor > SLOW_MAX)
			factor = SLOW_MAX;
	}
	return us > UINT64_MAX / (uint64_t)factor ? UINT64_MAX : us * (uint64_t)factor;
}
