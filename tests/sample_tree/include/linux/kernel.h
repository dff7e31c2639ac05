/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_KERNEL_H
#define _LINUX_KERNEL_H

#include <linux/types.h>
#include <linux/errno.h>
#include <linux/export.h>

#define INT_MAX		((int)(~0U >> 1))
#define U32_MAX		((u32)~0U)

#define likely(x)	__builtin_expect(!!(x), 1)
#define unlikely(x)	__builtin_expect(!!(x), 0)

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))
#define min(a, b)	((a) < (b) ? (a) : (b))

/* 1 when the option is defined to 1, else 0: usable in a plain if (). */
#define IS_ENABLED(option)		IS_ENABLED_VALUE(option)
#define IS_ENABLED_VALUE(value)		TAKE_SECOND(SHIFTED_BY_##value 1, 0, 0)
#define TAKE_SECOND(...)		TAKE_SECOND_OF(__VA_ARGS__)
#define TAKE_SECOND_OF(one, two, ...)	two
#define SHIFTED_BY_1			0,

int printk(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
#define pr_err(...)		printk(__VA_ARGS__)
#define pr_warn(...)		printk(__VA_ARGS__)
#define pr_info(...)		printk(__VA_ARGS__)
#define pr_debug(...)		printk(__VA_ARGS__)
#define pr_info_ratelimited(...)	printk(__VA_ARGS__)
#define pr_warn_ratelimited(...)	printk(__VA_ARGS__)

#define WARN(cond, ...)		({ bool _c = (cond); if (_c) printk(__VA_ARGS__); _c; })
#define WARN_ON(cond)		({ bool _c = (cond); _c; })
#define WARN_ONCE(cond, ...)	WARN(cond, __VA_ARGS__)
#define WARN_ON_ONCE(cond)	WARN_ON(cond)
#define BUG_ON(cond)		((void)(cond))

#define TAINT_USER		6
enum lockdep_ok { LOCKDEP_STILL_OK, LOCKDEP_NOW_UNRELIABLE };
void add_taint(unsigned int flag, enum lockdep_ok lockdep_ok);

#endif /* _LINUX_KERNEL_H */
