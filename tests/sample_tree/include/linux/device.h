/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_DEVICE_H
#define _LINUX_DEVICE_H

struct device {
	const char *name;
};

__attribute__((format(printf, 2, 3)))
int dev_err(const struct device *dev, const char *fmt, ...);
__attribute__((format(printf, 2, 3)))
int dev_dbg(const struct device *dev, const char *fmt, ...);

#endif /* _LINUX_DEVICE_H */
