/* SPDX-License-Identifier: GPL-2.0 */
#ifndef _LINUX_MODULE_H
#define _LINUX_MODULE_H

#include <linux/export.h>

#define MODULE_TAG(tag, text)	extern const char module_##tag[]
#define MODULE_AUTHOR(text)	MODULE_TAG(author, text)
#define MODULE_DESCRIPTION(text) MODULE_TAG(description, text)
#define MODULE_LICENSE(text)	MODULE_TAG(license, text)

#endif /* _LINUX_MODULE_H */
