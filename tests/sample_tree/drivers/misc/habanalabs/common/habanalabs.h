/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HABANALABSP_H_
#define HABANALABSP_H_

#include <linux/device.h>
#include <linux/dma-mapping.h>
#include <linux/list.h>
#include <linux/scatterlist.h>
#include <linux/types.h>

/**
 * struct hl_device - one card
 * @dev: the device as the driver core knows it.
 * @userptr_list: the user memory that the card may reach now.
 */
struct hl_device {
	struct device		*dev;
	struct list_head	userptr_list;
};

/**
 * struct hl_userptr - a range of user memory that a card works on
 * @job_node: entry in the list of the job that brought it along.
 * @vec: frame vector with the memory of the range.
 * @sgt: the same memory as the card sees it.
 * @dir: which way data goes, needed again when the range is unmapped.
 * @addr: user address of the first byte.
 * @size: length in bytes.
 * @dma_mapped: whether @sgt is mapped for the card.
 */
struct hl_userptr {
	struct list_head	job_node;
	struct frame_vector	*vec;
	struct sg_table		*sgt;
	enum dma_data_direction dir;
	u64			addr;
	u32			size;
	u8			dma_mapped;
};

int hl_pin_host_memory(struct hl_device *hdev, u64 addr, u64 size,
		       struct hl_userptr *userptr);
void hl_unpin_host_memory(struct hl_device *hdev, struct hl_userptr *userptr);

#endif /* HABANALABSP_H_ */
