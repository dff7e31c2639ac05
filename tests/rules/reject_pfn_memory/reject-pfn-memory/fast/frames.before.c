// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

int lookup_range(unsigned long addr, unsigned int count,
		 struct frame_vector *fv)
{
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
	return found ? found : -EFAULT;
}
