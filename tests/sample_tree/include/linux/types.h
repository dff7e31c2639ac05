/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_TYPES_H
#define _LINUX_TYPES_H

#include <stdbool.h>
#include <stddef.h>

typedef unsigned char u8;
typedef unsigned short u16;
typedef unsigned int u32;
typedef unsigned long long u64;
typedef int s32;
typedef long long s64;

typedef long ssize_t;
typedef unsigned int gfp_t;
typedef u64 dma_addr_t;
typedef u64 phys_addr_t;

typedef struct { int counter; } atomic_t;
typedef struct { int held; } spinlock_t;

struct list_head {
	struct list_head *next, *prev;
};

#define __user
#define __iomem

#endif /* _LINUX_TYPES_H */
