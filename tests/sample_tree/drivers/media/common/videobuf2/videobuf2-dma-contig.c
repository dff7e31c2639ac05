// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/module.h>
#include <linux/slab.h>

#include <media/videobuf2-core.h>
#include <media/videobuf2-memops.h>

struct vb2_dc_buf {
	dma_addr_t dma_addr;
	struct frame_vector *vec;
};

static void vb2_dc_put_userptr(void *buf_priv)
{
	struct vb2_dc_buf *buf = buf_priv;
	struct page **pages;
	unsigned int i;

	pages = frame_vector_pages(buf->vec);
	/* get_vaddr_frames() may have found memory that has no pages. */
	if (!IS_ERR(pages))
		for (i = 0; i < frame_vector_count(buf->vec); i++)
			set_page_dirty_lock(pages[i]);
	vb2_destroy_framevec(buf->vec);
	kfree(buf);
}

static void *vb2_dc_get_userptr(unsigned long vaddr, unsigned long size)
{
	struct vb2_dc_buf *buf;
	unsigned long *nums;
	unsigned int i;
	int ret;

	buf = kzalloc(sizeof(*buf), GFP_KERNEL);
	if (!buf)
		return ERR_PTR(-ENOMEM);

	buf->vec = vb2_create_framevec(vaddr, size);
	if (IS_ERR(buf->vec)) {
		ret = PTR_ERR(buf->vec);
		pr_debug("get_vaddr_frames(%lx) failed: %d\n", vaddr, ret);
		goto err_free;
	}

	nums = frame_vector_pfns(buf->vec);
	for (i = 1; i < frame_vector_count(buf->vec); i++) {
		if (nums[i - 1] + 1 != nums[i]) {
			ret = -EFAULT;
			goto err_vec;
		}
	}
	buf->dma_addr = (dma_addr_t)nums[0] << PAGE_SHIFT;
	return buf;

err_vec:
	vb2_destroy_framevec(buf->vec);
err_free:
	kfree(buf);
	return ERR_PTR(ret);
}

const struct vb2_mem_ops vb2_dma_contig_memops = {
	.get_userptr	= vb2_dc_get_userptr,
	.put_userptr	= vb2_dc_put_userptr,
};
EXPORT_SYMBOL_GPL(vb2_dma_contig_memops);

MODULE_DESCRIPTION("Contiguous memory for videobuf2");
MODULE_LICENSE("GPL");
