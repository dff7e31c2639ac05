// SPDX-License-Identifier: GPL-2.0
/*
 * User memory of a job: pinned before the card gets to see it.
 */

#include "habanalabs.h"

#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

static int get_user_memory(struct hl_device *hdev, u64 addr, u64 size,
			   u32 npages, u64 start, u32 offset,
			   struct hl_userptr *userptr)
{
	int rc;

	if (!access_ok((void __user *)(unsigned long)addr, size)) {
		dev_err(hdev->dev, "0x%llx is no user address\n", addr);
		return -EFAULT;
	}

	userptr->vec = frame_vector_create(npages);
	if (!userptr->vec) {
		dev_err(hdev->dev, "cannot allocate a frame vector\n");
		return -ENOMEM;
	}

	rc = get_vaddr_frames(start, npages, FOLL_FORCE | FOLL_WRITE,
				userptr->vec);

	if (rc != npages) {
		dev_err(hdev->dev, "cannot pin %u pages at 0x%llx\n", npages,
			start);
		if (rc < 0)
			goto destroy_framevec;
		rc = -EFAULT;
		goto put_framevec;
	}

	if (frame_vector_to_pages(userptr->vec) < 0) {
		dev_err(hdev->dev, "the frame vector holds no pages\n");
		rc = -EFAULT;
		goto put_framevec;
	}

	rc = sg_alloc_table_from_pages(userptr->sgt,
					frame_vector_pages(userptr->vec),
					npages, offset, size, GFP_ATOMIC);
	if (rc < 0) {
		dev_err(hdev->dev, "cannot list the pages for the card\n");
		goto put_framevec;
	}

	return 0;

put_framevec:
	put_vaddr_frames(userptr->vec);
destroy_framevec:
	frame_vector_destroy(userptr->vec);
	return rc;
}

/**
 * hl_pin_host_memory() - pin a range of user memory for a card
 * @hdev: the card
 * @addr: user address of the first byte
 * @size: length in bytes
 * @userptr: what to fill in
 *
 * Return: 0, or a negative error with nothing left pinned.
 */
int hl_pin_host_memory(struct hl_device *hdev, u64 addr, u64 size,
		       struct hl_userptr *userptr)
{
	u64 start, end;
	u32 npages, offset;
	int rc;

	/* Neither empty nor round the end of the address space */
	if (!size || PAGE_ALIGN(addr + size) < addr)
		return -EINVAL;

	userptr->sgt = kzalloc(sizeof(*userptr->sgt), GFP_ATOMIC);
	if (!userptr->sgt)
		return -ENOMEM;

	start = addr & PAGE_MASK;
	offset = addr & ~PAGE_MASK;
	end = PAGE_ALIGN(addr + size);
	npages = (end - start) >> PAGE_SHIFT;

	userptr->addr = addr;
	userptr->size = size;
	userptr->dma_mapped = false;

	rc = get_user_memory(hdev, addr, size, npages, start, offset, userptr);
	if (rc) {
		kfree(userptr->sgt);
		return rc;
	}

	list_add_tail(&userptr->job_node, &hdev->userptr_list);

	return 0;
}

/**
 * hl_unpin_host_memory() - undo hl_pin_host_memory()
 * @hdev: the card
 * @userptr: what hl_pin_host_memory() filled in
 */
void hl_unpin_host_memory(struct hl_device *hdev, struct hl_userptr *userptr)
{
	struct page **pages;

	if (userptr->dma_mapped)
		dma_unmap_sgtable(hdev->dev, userptr->sgt, userptr->dir, 0);

	pages = frame_vector_pages(userptr->vec);
	if (!IS_ERR(pages)) {
		int i;

		for (i = 0; i < frame_vector_count(userptr->vec); i++)
			set_page_dirty_lock(pages[i]);
	}
	put_vaddr_frames(userptr->vec);
	frame_vector_destroy(userptr->vec);

	list_del(&userptr->job_node);

	sg_free_table(userptr->sgt);
	kfree(userptr->sgt);
}
