// SPDX-License-Identifier: GPL-2.0
/*
 * The first videobuf: buffers that are contiguous for the device.
 */
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/mm.h>
#include <linux/sched.h>

struct videobuf_dma_contig_memory {
	dma_addr_t dma_handle;
	unsigned long size;
};

/**
 * videobuf_dma_contig_user_get() - use memory that user space points at
 * @mem: buffer to set up
 * @baddr: user address of the memory
 * @size: its size in bytes
 *
 * Only memory in one piece will do, as the device cannot scatter.
 *
 * Return: 0, or a negative error code.
 */
int videobuf_dma_contig_user_get(struct videobuf_dma_contig_memory *mem,
				 unsigned long baddr, unsigned long size)
{
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned long prev_pfn = 0, this_pfn;
	unsigned long done, address = untagged_addr(baddr);
	int ret = -EINVAL;

	mem->size = PAGE_ALIGN(size + offset_in_page(address));

	mmap_read_lock(mm);

	vma = find_vma(mm, address);
	if (!vma || address + mem->size > vma->vm_end)
		goto out_up;

	for (done = 0; done < mem->size >> PAGE_SHIFT; done++) {
		ret = follow_pfn(vma, address, &this_pfn);
		if (ret)
			break;

		if (done == 0)
			mem->dma_handle = (dma_addr_t)this_pfn << PAGE_SHIFT;
		else if (this_pfn != prev_pfn + 1)
			ret = -EFAULT;
		if (ret)
			break;

		prev_pfn = this_pfn;
		address += PAGE_SIZE;
	}

out_up:
	mmap_read_unlock(mm);
	return ret;
}
EXPORT_SYMBOL_GPL(videobuf_dma_contig_user_get);

MODULE_DESCRIPTION("Contiguous memory for the first videobuf");
MODULE_LICENSE("GPL");
