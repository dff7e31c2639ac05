// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

/**
 * follow_pfn - look up PFN at a user virtual address
 * @vma: memory mapping
 */
int follow_pfn(struct vm_area_struct *vma, unsigned long address,
	unsigned long *pfn)
{
	return lookup(vma, address, pfn);
}
EXPORT_SYMBOL(follow_pfn);

static int get(struct vm_area_struct *vma, unsigned long *nums, int n)
{
	int ret = follow_pfn(vma, vma->vm_start, nums);

	while (!ret && n--)
		ret = follow_pfn(vma, vma->vm_start + n * PAGE_SIZE, &nums[n]);
	if (follow_pfn(vma, vma->vm_end - PAGE_SIZE, nums) < 0)
		return -EFAULT;
	return ret;
}

static int get_for_kvm(struct kvm *kvm, struct vm_area_struct *vma,
		       unsigned long *pfn)
{
	return follow_pfn(vma, vma->vm_start, pfn);
}

static int get_for_two(struct kvm_vcpu *a, struct kvm_vcpu *b,
		       struct vm_area_struct *vma, unsigned long *pfn)
{
	return follow_pfn(vma, vma->vm_start, pfn);
}

static int get_done(struct vm_area_struct *vma, unsigned long *pfn)
{
	return follow_pfn(NULL, vma, vma->vm_start, pfn);
}
