/* SPDX-License-Identifier: BSD-3-Clause */
/* What a sriov-pf says of a VF: the JSON of one. What is taken must be in range. */
#include <sriovd/pf_driver.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *vf = json_loadb((const char *)data, size, 0, NULL);
	struct vf_now now;

	if (vf && pf_driver_decode(vf, &now) >= 0 &&
	    (now.attrs.vlan > VLAN_MAX || now.attrs.vlan_qos > VLAN_QOS_MAX ||
	     (unsigned int)now.attrs.link_state > VF_LINK_DISABLE || now.unfit[0]))
		abort();
	json_decref(vf);
	return 0;
}
