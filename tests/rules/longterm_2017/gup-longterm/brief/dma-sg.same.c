// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>

static int brief(struct dmabuf *dma, unsigned long data)
{
	int err, i;

	err = get_user_pages(data, dma->nr_pages, 0, dma->pages, NULL);
	if (err <= 0)
		return err;
	use(dma->pages, err);
	for (i = 0; i < err; i++)
		put_page(dma->pages[i]);
	return 0;
}

static int brief_while(struct dmabuf *dma, unsigned long data)
{
	int err, i;

	err = get_user_pages(data, dma->nr_pages, 0, dma->pages, NULL);
	if (err <= 0)
		return err;
	use(dma->pages, err);
	while (err > 0) {
		set_page_dirty(dma->pages[err]);
		put_page(dma->pages[--err]);
	}
	return 0;
}

static int on_stack(unsigned long data)
{
	struct page *pages[16];
	struct dmabuf dma;
	int err;

	err = get_user_pages(data, 16, 0, pages, NULL);
	release_pages(pages, err);
	dma.pages = allocate_some();
	err = get_user_pages(data, 16, 0, dma.pages, NULL);
	err += get_user_pages(data, 4, 0, &dma.pages[16], NULL);
	return err;
}

static int released_at_once(struct dmabuf *dma, unsigned long data)
{
	int err = get_user_pages(data, 16, 0, dma->pages, NULL);

	if (err < 0)
		return err;
	release_pages(dma->pages, err);
	return 0;
}

static int not_stored(unsigned long data, int n)
{
	struct page **pages = kcalloc(n, sizeof(*pages), GFP_KERNEL);
	int err;

	if (!pages)
		return -ENOMEM;
	err = get_user_pages(data, n, 0, pages, NULL);
	while (err > 0)
		put_page(pages[--err]);
	kfree(pages);
	return 0;
}

/* As since 5.6. */
static int pinned(struct dmabuf *dma, unsigned long data)
{
	return pin_user_pages(data & PAGE_MASK, dma->nr_pages,
			      FOLL_WRITE | FOLL_LONGTERM, dma->pages, NULL);
}

static const struct gup_ops ops = {
	.get_user_pages = get_user_pages,
};
