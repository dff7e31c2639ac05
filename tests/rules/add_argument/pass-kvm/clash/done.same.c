// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

int follow_pfn(struct kvm *kvm, struct vm_area_struct *vma,
	       unsigned long address, unsigned long *pfn)
{
	return lookup(kvm, vma, address, pfn);
}

static int caller(struct kvm_vcpu *vcpu, struct ops *ops, unsigned long *pfn)
{
	ops->follow_pfn(ops, 0, pfn);
	/* follow_pfn(vma, 0, pfn) */
	return follow_pfn(vcpu->kvm, ops->vma, 0, pfn);
}
