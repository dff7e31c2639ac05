// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

/* Counts what it has found after the loop, so it is not known. */
int counts(unsigned long addr, unsigned int count, unsigned int gup,
	   struct frame_vector *fv)
{
	struct vm_area_struct *area;
	int found = 0;
	int held = 1;

	area = find_vma_intersection(current->mm, addr, addr + 1);
	if (!(area->vm_flags & (VM_IO | VM_PFNMAP))) {
		fv->got_ref = true;
		fv->is_pfns = false;
		found = pin_user_pages_locked(addr, count, gup,
					      (struct page **)(fv->ptrs), &held);
		goto out;
	}
	fv->got_ref = false;
	fv->is_pfns = true;
	do {
		if (follow_pfn(area, addr, &frame_vector_pfns(fv)[found]))
			goto out;
		addr += PAGE_SIZE;
		found++;
	} while (found < count);
	count_frames(found);
out:
	if (held)
		mmap_read_unlock(current->mm);
	if (!found)
		found = -EFAULT;
	if (found > 0)
		fv->nr_frames = found;
	return found;
}

/* Refuses such areas already. */
int refuses(unsigned long addr, unsigned int count, struct frame_vector *fv)
{
	struct vm_area_struct *area;
	int found = -EFAULT;
	int held = 1;

	area = find_vma_intersection(current->mm, addr, addr + 1);
	if (!area)
		goto out;
	if (area->vm_flags & (VM_IO | VM_PFNMAP)) {
		found = -EINVAL;
		goto out;
	}
	fv->got_ref = true;
	fv->is_pfns = false;
	found = pin_user_pages_locked(addr, count, 0,
				      (struct page **)(fv->ptrs), &held);
	if (likely(found > 0))
		goto out;
	fv->nr_frames = 0;
out:
	if (held)
		mmap_read_unlock(current->mm);
	return found;
}

/* No frame vector. */
static int lookup_one(struct vm_area_struct *area, unsigned long addr)
{
	unsigned long pfn;

	if (area->vm_flags & (VM_IO | VM_PFNMAP))
		return follow_pfn(area, addr, &pfn);
	return -EINVAL;
}
