// SPDX-License-Identifier: GPL-2.0-only
/*
 * The part of a 2D engine's driver that lets it work on user memory.
 */

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/slab.h>

/* A range of user memory that commands refer to by its DMA address */
struct g2d_cmdlist_userptr {
	struct list_head	list;
	dma_addr_t		dma_addr;
	unsigned long		userptr;
	unsigned long		size;
	struct frame_vector	*vec;
	struct sg_table		*sgt;
	unsigned int		users;
	bool			in_pool;
};

struct g2d_data {
	struct device		*dev;
	struct list_head	userptr_list;
	unsigned long		current_pool;
	unsigned long		max_pool;
};

static struct g2d_cmdlist_userptr *g2d_userptr_find(struct g2d_data *g2d,
						    unsigned long userptr,
						    unsigned long size)
{
	struct g2d_cmdlist_userptr *entry;

	list_for_each_entry(entry, &g2d->userptr_list, list)
		if (entry->userptr == userptr && entry->size == size)
			return entry;

	return NULL;
}

static void g2d_userptr_put_dma_addr(struct g2d_data *g2d,
				     struct g2d_cmdlist_userptr *g2d_userptr,
				     bool force)
{
	struct page **pages;

	if (force)
		goto out;

	if (--g2d_userptr->users > 0)
		return;

	/* Likely to be asked for again: stays pinned until the file closes */
	if (g2d_userptr->in_pool)
		return;

out:
	dma_unmap_sgtable(g2d->dev, g2d_userptr->sgt, DMA_BIDIRECTIONAL, 0);

	pages = frame_vector_pages(g2d_userptr->vec);
	if (!IS_ERR(pages)) {
		int i;

		for (i = 0; i < frame_vector_count(g2d_userptr->vec); i++)
			set_page_dirty_lock(pages[i]);
	}
	put_vaddr_frames(g2d_userptr->vec);
	frame_vector_destroy(g2d_userptr->vec);

	list_del_init(&g2d_userptr->list);

	sg_free_table(g2d_userptr->sgt);
	kfree(g2d_userptr->sgt);
	kfree(g2d_userptr);
}

static dma_addr_t *g2d_userptr_get_dma_addr(struct g2d_data *g2d,
					    unsigned long userptr,
					    unsigned long size)
{
	struct g2d_cmdlist_userptr *g2d_userptr;
	struct sg_table	*sgt;
	unsigned long start, end;
	unsigned int npages, offset;
	int ret;

	if (!size)
		return ERR_PTR(-EINVAL);

	g2d_userptr = g2d_userptr_find(g2d, userptr, size);
	if (g2d_userptr) {
		g2d_userptr->users++;
		return &g2d_userptr->dma_addr;
	}

	g2d_userptr = kzalloc(sizeof(*g2d_userptr), GFP_KERNEL);
	if (!g2d_userptr)
		return ERR_PTR(-ENOMEM);

	g2d_userptr->users = 1;
	g2d_userptr->userptr = userptr;
	g2d_userptr->size = size;

	start = userptr & PAGE_MASK;
	offset = userptr & ~PAGE_MASK;
	end = PAGE_ALIGN(userptr + size);
	npages = (end - start) >> PAGE_SHIFT;
	g2d_userptr->vec = frame_vector_create(npages);
	if (!g2d_userptr->vec) {
		ret = -ENOMEM;
		goto err_free;
	}

	ret = get_vaddr_frames(start, npages, FOLL_FORCE | FOLL_WRITE,
		g2d_userptr->vec);
	if (ret != npages) {
		dev_err(g2d->dev, "cannot pin the memory of a command\n");
		if (ret < 0)
			goto err_destroy_framevec;
		ret = -EFAULT;
		goto err_put_framevec;
	}
	if (frame_vector_to_pages(g2d_userptr->vec) < 0) {
		ret = -EFAULT;
		goto err_put_framevec;
	}

	sgt = kzalloc(sizeof(*sgt), GFP_KERNEL);
	if (!sgt) {
		ret = -ENOMEM;
		goto err_put_framevec;
	}

	ret = sg_alloc_table_from_pages(sgt,
					frame_vector_pages(g2d_userptr->vec),
					npages, offset, size, GFP_KERNEL);
	if (ret < 0)
		goto err_free_sgt;

	g2d_userptr->sgt = sgt;

	ret = dma_map_sgtable(g2d->dev, sgt, DMA_BIDIRECTIONAL, 0);
	if (ret) {
		dev_err(g2d->dev, "cannot map the memory of a command\n");
		goto err_sg_free_table;
	}

	g2d_userptr->dma_addr = sgt->sgl[0].dma_address;
	list_add_tail(&g2d_userptr->list, &g2d->userptr_list);

	if (g2d->current_pool + size < g2d->max_pool) {
		g2d->current_pool += size;
		g2d_userptr->in_pool = true;
	}

	return &g2d_userptr->dma_addr;

err_sg_free_table:
	sg_free_table(sgt);

err_free_sgt:
	kfree(sgt);

err_put_framevec:
	put_vaddr_frames(g2d_userptr->vec);

err_destroy_framevec:
	frame_vector_destroy(g2d_userptr->vec);

err_free:
	kfree(g2d_userptr);

	return ERR_PTR(ret);
}

static void g2d_userptr_free_all(struct g2d_data *g2d)
{
	struct g2d_cmdlist_userptr *entry, *next;

	list_for_each_entry_safe(entry, next, &g2d->userptr_list, list)
		g2d_userptr_put_dma_addr(g2d, entry, true);

	g2d->current_pool = 0;
}
