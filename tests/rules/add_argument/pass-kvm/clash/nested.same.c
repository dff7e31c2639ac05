// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

static int once(struct kvm *kvm, struct vm_area_struct *vma, unsigned long *pfn)
{
	return follow_pfn(vma, 0, pfn);
}

static int twice(struct kvm *kvm, struct vm_area_struct *vma, unsigned long *pfn)
{
	return follow_pfn(vma, follow_pfn(vma, 0, pfn), pfn);
}
