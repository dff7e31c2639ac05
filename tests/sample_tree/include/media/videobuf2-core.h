/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEDIA_VIDEOBUF2_CORE_H
#define _MEDIA_VIDEOBUF2_CORE_H

#include <linux/types.h>

/**
 * struct vb2_mem_ops - how an allocator serves the core
 * @get_userptr: use user memory as a buffer
 * @put_userptr: stop using it
 */
struct vb2_mem_ops {
	void *(*get_userptr)(unsigned long vaddr, unsigned long size);
	void (*put_userptr)(void *buf_priv);
};

int vb2_core_queue_init(const struct vb2_mem_ops *mem_ops);

#endif /* _MEDIA_VIDEOBUF2_CORE_H */
