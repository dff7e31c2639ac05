/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_UACCESS_H
#define _LINUX_UACCESS_H

#include <linux/types.h>

bool access_ok(const void __user *addr, unsigned long size);

#endif /* _LINUX_UACCESS_H */
