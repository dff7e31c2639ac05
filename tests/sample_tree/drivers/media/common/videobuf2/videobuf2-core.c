// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/module.h>

#include <media/videobuf2-core.h>

int vb2_core_queue_init(const struct vb2_mem_ops *mem_ops)
{
	if (!mem_ops->get_userptr != !mem_ops->put_userptr)
		return -EINVAL;
	return 0;
}
EXPORT_SYMBOL_GPL(vb2_core_queue_init);

MODULE_DESCRIPTION("Video buffer queues");
MODULE_LICENSE("GPL");
