// SPDX-License-Identifier: GPL-2.0
/* Memory management for processors that have no paging unit. */
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/export.h>

/**
 * follow_pfn - find the page frame number behind a user address
 * @vma: area that @address is in
 * @address: user address
 * @pfn: set to the page frame number
 *
 * For VM_IO and VM_PFNMAP areas only.
 *
 * Return: 0, or a negative error code.
 */
int follow_pfn(struct vm_area_struct *vma, unsigned long address,
	unsigned long *pfn)
{
	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return -EINVAL;

	*pfn = address >> PAGE_SHIFT;
	return 0;
}
EXPORT_SYMBOL(follow_pfn);

void vfree(const void *addr)
{
	kfree(addr);
}
EXPORT_SYMBOL(vfree);
