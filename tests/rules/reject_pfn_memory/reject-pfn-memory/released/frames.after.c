// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

/* Other names than those of get_vaddr_frames(), the same shape. */
int lookup_range(unsigned long addr, unsigned int count, unsigned int gup,
		 struct frame_vector *fv)
{
	struct mm_struct *mm_cur = current->mm;
	struct vm_area_struct *area;
	int found = 0;
	int held;

	if (count == 0)
		return 0;

	addr = untagged_addr(addr);

	mmap_read_lock(mm_cur);
	held = 1;
	area = find_vma_intersection(mm_cur, addr, addr + 1);
	if (!area) {
		found = -EFAULT;
		goto unlock;
	}

	/* The file system wants its blocks back. */
	if (vma_is_fsdax(area)) {
		found = -EOPNOTSUPP;
		goto unlock;
	}

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
unlock:
	if (held)
		mmap_read_unlock(mm_cur);
	if (!found)
		found = -EFAULT;
	if (found > 0)
		fv->nr_frames = found;
	return found;
}
EXPORT_SYMBOL(lookup_range);
