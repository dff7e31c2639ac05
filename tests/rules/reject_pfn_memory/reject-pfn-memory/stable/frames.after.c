// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

int lookup_range(unsigned long addr, unsigned int count, unsigned int gup,
		 struct frame_vector *fv)
{
	struct vm_area_struct *area;
	int found = 0;
	int held;

	mmap_read_lock(current->mm);
	held = 1;
	area = find_vma_intersection(current->mm, addr, addr + 1);
	if (!area) {
		found = -EFAULT;
		goto unlock;
	}

	/* Only memory that has pages. */
	/*
	 * Nothing keeps the pfns of such an area what they are while a
	 * device uses them. The memory of another device is to be shared as
	 * a dma-buf, not as a user pointer.
	 */
	if (area->vm_flags & (VM_IO | VM_PFNMAP)) {
		found = -EINVAL;
		goto unlock;
	}

	fv->got_ref = true;
	fv->is_pfns = false;
	found = pin_user_pages_locked(addr, count, gup,
				      (struct page **)(fv->ptrs), &held);
	if (likely(found > 0))
		goto unlock;

	fv->nr_frames = 0;
unlock:
	if (held)
		mmap_read_unlock(current->mm);
	if (!found)
		found = -EFAULT;
	if (found > 0)
		fv->nr_frames = found;
	return found;
}
