// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

/* Has a kvm already, which nobody knows the meaning of. */
int follow_pfn(struct vm_area_struct *vma, unsigned long address,
	       unsigned long *pfn)
{
	struct kvm_device *kvm = vma->vm_private_data;

	return kvm->lookup(vma, address, pfn);
}

static int caller(struct vm_area_struct *vma, unsigned long *pfn)
{
	return follow_pfn(vma, 0, pfn);
}
