// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

int lookup_range(unsigned long addr, unsigned int count,
		 struct frame_vector *fv)
{
	struct vm_area_struct *area;
	int found;

	if (count == 0)
		return 0;

	/* May take the mmap lock. */
	found = pin_user_pages_fast(addr, count,
				    FOLL_FORCE | FOLL_WRITE | FOLL_LONGTERM,
				    (struct page **)(fv->ptrs));
	if (found > 0) {
		fv->got_ref = true;
		fv->is_pfns = false;
		fv->nr_frames = found;
		return found;
	}

	mmap_read_lock(current->mm);
	area = find_vma_intersection(current->mm, addr, addr + 1);
	if (!area) {
		found = -EFAULT;
		goto out_unlock;
	}

	if (!(area->vm_flags & (VM_IO | VM_PFNMAP)))
		goto out_unlock;

	/*
	 * Nothing keeps the pfns of such an area what they are while a
	 * device uses them. The memory of another device is to be shared as
	 * a dma-buf, not as a user pointer.
	 */
	found = -EINVAL;
out_unlock:
	mmap_read_unlock(current->mm);
	if (!found)
		found = -EFAULT;
	return found;
}
