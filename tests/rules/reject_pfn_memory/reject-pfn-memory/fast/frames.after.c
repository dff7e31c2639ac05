// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

int lookup_range(unsigned long addr, unsigned int count,
		 struct frame_vector *fv)
{
	struct vm_area_struct *vma;
	int found;

	if (count == 0)
		return 0;

	addr = untagged_addr(addr);

	found = pin_user_pages_fast(addr, count,
				    FOLL_FORCE | FOLL_WRITE | FOLL_LONGTERM,
				    (struct page **)(fv->ptrs));
	fv->got_ref = true;
	fv->is_pfns = false;
	fv->nr_frames = found;

	if (likely(found > 0))
		return found;

	fv->nr_frames = 0;

	/*
	 * Nothing keeps the pfns of such an area what they are while a
	 * device uses them. The memory of another device is to be shared as
	 * a dma-buf, not as a user pointer.
	 */
	mmap_read_lock(current->mm);
	vma = find_vma_intersection(current->mm, addr, addr + 1);
	if (vma && vma->vm_flags & (VM_IO | VM_PFNMAP))
		found = -EINVAL;
	mmap_read_unlock(current->mm);

	return found ? found : -EFAULT;
}
