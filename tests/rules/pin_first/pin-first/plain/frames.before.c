// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

static int grab(struct grabber *g, unsigned long uaddr)
{
	struct frame_vector *v = g->frames;
	struct vm_area_struct *vma;
	int n = -EFAULT;
	int i;

	mmap_read_lock(current->mm);
	vma = find_vma_intersection(current->mm, uaddr, uaddr + 1);
	if (!vma)
		goto done;

	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
		v->got_ref = true;
		n = pin_user_pages(uaddr, g->count, FOLL_WRITE,
				   (struct page **)v->ptrs, NULL);
		goto done;
	}

	v->got_ref = false;
	v->is_pfns = true;
	for (i = 0, n = 0; i < g->count; i++, n++)
		if (follow_pfn(vma, uaddr + i * PAGE_SIZE,
			       &frame_vector_pfns(v)[i]))
			break;
done:
	mmap_read_unlock(current->mm);
	return n;
}
