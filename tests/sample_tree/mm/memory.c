// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/sched.h>
#include <linux/export.h>

#include "internal.h"

/**
 * follow_pte() - find the page table entry of a user address
 * @mm: address space to look in
 * @address: user address
 * @ptepp: set to the entry
 * @ptlp: set to the lock of the entry, which is taken
 *
 * Return: 0 with the lock held, or a negative error code.
 */
int follow_pte(struct mm_struct *mm, unsigned long address,
	       pte_t **ptepp, spinlock_t **ptlp)
{
	pte_t *ptep = pte_lookup_lock(mm, address, ptlp);

	if (!ptep)
		return -EINVAL;
	if (!pte_present(*ptep)) {
		pte_unmap_unlock(ptep, *ptlp);
		return -EINVAL;
	}
	*ptepp = ptep;
	return 0;
}
EXPORT_SYMBOL_GPL(follow_pte);

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
	int ret = -EINVAL;
	spinlock_t *ptl;
	pte_t *ptep;

	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP)))
		return ret;

	ret = follow_pte(vma->vm_mm, address, &ptep, &ptl);
	if (ret)
		return ret;
	*pfn = pte_pfn(*ptep);
	pte_unmap_unlock(ptep, ptl);
	return 0;
}
EXPORT_SYMBOL(follow_pfn);

#ifdef CONFIG_HAVE_IOREMAP_PROT
int follow_phys(struct vm_area_struct *vma, unsigned long address,
		phys_addr_t *phys)
{
	spinlock_t *ptl;
	pte_t *ptep;

	if (follow_pte(vma->vm_mm, address, &ptep, &ptl))
		return -EINVAL;
	*phys = (phys_addr_t)pte_pfn(*ptep) << PAGE_SHIFT;
	pte_unmap_unlock(ptep, ptl);
	return 0;
}
#endif
