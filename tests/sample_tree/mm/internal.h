/* SPDX-License-Identifier: GPL-2.0 */
#ifndef __MM_INTERNAL_H
#define __MM_INTERNAL_H

#include <linux/mm.h>

pte_t *pte_lookup_lock(struct mm_struct *mm, unsigned long address,
		       spinlock_t **ptlp);
void pte_unmap_unlock(pte_t *ptep, spinlock_t *ptl);

static inline bool pte_present(pte_t pte)
{
	return pte.pte & 1;
}

static inline unsigned long pte_pfn(pte_t pte)
{
	return pte.pte >> PAGE_SHIFT;
}

#endif /* __MM_INTERNAL_H */
