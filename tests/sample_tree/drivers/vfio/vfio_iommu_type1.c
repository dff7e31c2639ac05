// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of a user process, mapped for devices that the process drives.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mm.h>

/*
 * The page may not have been touched so far: fault it in, and look again.
 * Nothing tells us when the mapping changes afterwards.
 */
static int follow_fault_pfn(struct vm_area_struct *vma, struct mm_struct *mm,
			    unsigned long vaddr, unsigned long *pfn,
			    bool write_fault)
{
	int ret;

	ret = follow_pfn(vma, vaddr, pfn);
	if (ret) {
		bool unlocked = false;

		ret = fixup_user_fault(mm, vaddr,
				       write_fault ? VM_WRITE : 0, &unlocked);
		if (unlocked)
			return -EAGAIN;

		if (ret)
			return ret;

		ret = follow_pfn(vma, vaddr, pfn);
	}

	return ret;
}

/**
 * vfio_vaddr_get_pfn() - find the page frame number of a user address
 * @mm: address space of the process
 * @vaddr: user address
 * @pfn: set to the page frame number
 *
 * Return: 0, or a negative error code.
 */
int vfio_vaddr_get_pfn(struct mm_struct *mm, unsigned long vaddr,
		       unsigned long *pfn)
{
	struct vm_area_struct *vma;
	int ret = -EFAULT;

	mmap_read_lock(mm);
retry:
	vma = find_vma_intersection(mm, vaddr, vaddr + 1);
	if (vma && vma->vm_flags & VM_PFNMAP) {
		ret = follow_fault_pfn(vma, mm, vaddr, pfn, true);
		if (ret == -EAGAIN)
			goto retry;
	}
	mmap_read_unlock(mm);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_vaddr_get_pfn);

MODULE_DESCRIPTION("User memory for devices behind an IOMMU");
MODULE_LICENSE("GPL v2");
