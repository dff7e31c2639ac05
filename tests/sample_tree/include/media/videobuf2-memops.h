/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _MEDIA_VIDEOBUF2_MEMOPS_H
#define _MEDIA_VIDEOBUF2_MEMOPS_H

#include <media/videobuf2-core.h>
#include <linux/mm.h>

struct frame_vector *vb2_create_framevec(unsigned long start,
					 unsigned long length);
void vb2_destroy_framevec(struct frame_vector *vec);

#endif /* _MEDIA_VIDEOBUF2_MEMOPS_H */
