// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

static int init_user(struct dmabuf *dma, unsigned long data, unsigned int flags)
{
	int err;

	dma->pages = kmalloc_array(dma->nr, sizeof(struct page *), GFP_KERNEL);
	if (!dma->pages)
		return -ENOMEM;
	err = get_user_pages(data & PAGE_MASK, dma->nr_pages,
			     flags, dma->pages, NULL);

	if (err != dma->nr_pages) {
		dma->nr_pages = (err >= 0) ? err : 0;
		dprintk(1, "get_user_pages: err=%d [%d]\n", err, dma->nr_pages);
		return err < 0 ? err : -EINVAL;
	}
	return 0;
}

static int error_releases(struct dmabuf *dma, unsigned long data)
{
	int err, i;

	err = get_user_pages(data, dma->nr_pages, 0, dma->pages, NULL);
	if (err != dma->nr_pages) {
		for (i = 0; i < err; i++)
			put_page(dma->pages[i]);
		return -EINVAL;
	}
	return 0;
}

static int error_goto(struct dmabuf *dma, unsigned long data)
{
	int err, i;

	err = get_user_pages(data, dma->nr_pages, 0, dma->pages, NULL);
	if (err != dma->nr_pages)
		goto out;
	return 0;
out:
	for (i = 0; i < err; i++)
		put_page(dma->pages[i]);
	return -EINVAL;
}

static int stored_after(struct dmabuf *dma, unsigned long data, int n)
{
	struct page **pages;
	int err;

	pages = kcalloc(n, sizeof(*pages), GFP_KERNEL);
	if (!pages)
		return -ENOMEM;
	err = get_user_pages(data, n, 0, pages, NULL);
	if (err != n) {
		kfree(pages);
		return -EFAULT;
	}
	dma->pages = pages;
	return 0;
}

static int stored_before(struct dmabuf *dma, unsigned long data, int n)
{
	struct page **pages;

	pages = kcalloc(n, sizeof(*pages), GFP_KERNEL);
	dma->pages = pages;
	return get_user_pages(data, n, 0, pages, NULL);
}

/* get_user_pages(addr, n, 0, dma->pages, NULL) in a comment stays. */
static int half(struct dmabuf *dma, unsigned long addr)
{
	if (get_user_pages(addr, 16, FOLL_WRITE, &dma->pages[16], NULL) < 16)
		return -EFAULT;
	return get_user_pages_longterm(addr, 16, 0, dma->pages, NULL);
}
