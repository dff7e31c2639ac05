// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

/* Other names than those of get_vaddr_frames(), the same shape. */
int lookup_range(unsigned long addr, unsigned int count, unsigned int gup,
		 struct frame_vector *fv)
{
	struct mm_struct *mm_cur = current->mm;
	struct vm_area_struct *area;
	int found = 0;
	int rc;
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

	found = pin_user_pages_locked(addr, count, gup,
				      (struct page **)(fv->ptrs), &held);
	if (found > 0) {
		fv->got_ref = true;
		fv->is_pfns = false;
		goto unlock;
	}

	/* The lock may have been dropped, and the area may have changed. */
	if (!held) {
		mmap_read_lock(mm_cur);
		held = 1;
	}
	area = find_vma_intersection(mm_cur, addr, addr + 1);
	if (!area || !(area->vm_flags & (VM_IO | VM_PFNMAP)))
		goto unlock;

	/* Nothing to pin, but there may be pfns: start to count anew. */
	fv->got_ref = false;
	fv->is_pfns = true;
	found = 0;
	do {
		unsigned long *nums = frame_vector_pfns(fv);

		while (found < count && addr + PAGE_SIZE <= area->vm_end) {
			rc = follow_pfn(area, addr, &nums[found]);
			if (rc) {
				if (found == 0)
					found = rc;
				goto unlock;
			}
			addr += PAGE_SIZE;
			found++;
		}
		if (found >= count || addr < area->vm_end)
			break;
		area = find_vma_intersection(mm_cur, addr, addr + 1);
	} while (area && area->vm_flags & (VM_IO | VM_PFNMAP));
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
