// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

int lookup_range(unsigned long addr, unsigned int count,
		 struct frame_vector *fv)
{
	struct vm_area_struct *area;
	int found;
	int rc;

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

	fv->got_ref = false;
	fv->is_pfns = true;
	found = 0;
	do {
		rc = follow_pfn(area, addr, &frame_vector_pfns(fv)[found]);
		if (rc) {
			if (found == 0)
				found = rc;
			goto out_unlock;
		}
		addr += PAGE_SIZE;
		found++;
	} while (found < count && addr < area->vm_end);
out_unlock:
	mmap_read_unlock(current->mm);
	if (!found)
		found = -EFAULT;
	if (found > 0)
		fv->nr_frames = found;
	return found;
}
