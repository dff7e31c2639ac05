// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

/* As in 5.10 stable: no pfns are looked up. */
int without_loop(unsigned long start, unsigned int nr, unsigned int flags,
		 struct frame_vector *vec)
{
	struct vm_area_struct *vma;
	int ret = 0;
	int locked;

	mmap_read_lock(current->mm);
	locked = 1;
	vma = find_vma_intersection(current->mm, start, start + 1);
	if (!vma) {
		ret = -EFAULT;
		goto out;
	}
	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
		vec->got_ref = true;
		vec->is_pfns = false;
		ret = pin_user_pages_locked(start, nr, flags,
					    (struct page **)(vec->ptrs), &locked);
		if (likely(ret > 0))
			goto out;
	}
	vec->nr_frames = 0;
out:
	if (locked)
		mmap_read_unlock(current->mm);
	return ret;
}

/* Pins first, without the lock. */
int pins_fast(unsigned long start, unsigned int nr, struct frame_vector *vec)
{
	struct vm_area_struct *vma;
	int ret;

	ret = pin_user_pages_fast(start, nr, FOLL_WRITE | FOLL_LONGTERM,
				  (struct page **)(vec->ptrs));
	if (ret > 0) {
		vec->got_ref = true;
		vec->is_pfns = false;
		return ret;
	}

	mmap_read_lock(current->mm);
	vma = find_vma_intersection(current->mm, start, start + 1);
	vec->got_ref = false;
	vec->is_pfns = true;
	ret = follow_pfn(vma, start, frame_vector_pfns(vec));
	mmap_read_unlock(current->mm);
	return ret ? ret : 1;
}

/* The area is not asked for VM_IO. */
int asks_otherwise(unsigned long start, unsigned int nr, struct frame_vector *vec)
{
	struct vm_area_struct *vma;
	int ret;

	vma = find_vma_intersection(current->mm, start, start + 1);
	if (!(vma->vm_flags & VM_PFNMAP)) {
		vec->got_ref = true;
		vec->is_pfns = false;
		ret = pin_user_pages(start, nr, 0, (struct page **)(vec->ptrs), NULL);
		goto out;
	}
	vec->got_ref = false;
	vec->is_pfns = true;
	ret = follow_pfn(vma, start, frame_vector_pfns(vec));
out:
	return ret;
}
