// SPDX-License-Identifier: GPL-2.0
/*
 * What the memory allocators of videobuf2 have in common.
 */

#include <linux/slab.h>
#include <linux/module.h>
#include <linux/vmalloc.h>
#include <linux/mm.h>
#include <linux/sched.h>

#include <media/videobuf2-core.h>
#include <media/videobuf2-memops.h>

/**
 * vb2_create_framevec() - collect the memory behind a user pointer
 * @start:	user address
 * @length:	size in bytes
 *
 * Return: a vector that covers the range from end to end, to be released
 * with vb2_destroy_framevec(), or an error pointer.
 */
struct frame_vector *vb2_create_framevec(unsigned long start,
					 unsigned long length)
{
	int ret;
	unsigned long first, last;
	unsigned long nr;
	struct frame_vector *vec;
	unsigned int flags = FOLL_FORCE | FOLL_WRITE;

	first = start >> PAGE_SHIFT;
	last = (start + length - 1) >> PAGE_SHIFT;
	nr = last - first + 1;
	vec = frame_vector_create(nr);
	if (!vec)
		return ERR_PTR(-ENOMEM);
	ret = get_vaddr_frames(start & PAGE_MASK, nr, flags, vec);
	if (ret < 0)
		goto out_destroy;
	/* Part of a buffer is of no use */
	if (ret != nr) {
		ret = -EFAULT;
		goto out_release;
	}
	return vec;
out_release:
	put_vaddr_frames(vec);
out_destroy:
	frame_vector_destroy(vec);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL(vb2_create_framevec);

/**
 * vb2_destroy_framevec() - give the memory behind a user pointer back
 * @vec:	what vb2_create_framevec() returned
 */
void vb2_destroy_framevec(struct frame_vector *vec)
{
	put_vaddr_frames(vec);
	frame_vector_destroy(vec);
}
EXPORT_SYMBOL(vb2_destroy_framevec);

#if 0
/* Not built: what a caller that only reads would look like. */
static int vb2_peek(unsigned long start, struct frame_vector *vec)
{
	return get_vaddr_frames(start, 1, FOLL_FORCE, vec);
}
#endif

MODULE_DESCRIPTION("Memory handling shared by the videobuf2 allocators");
MODULE_LICENSE("GPL");
