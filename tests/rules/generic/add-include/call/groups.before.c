#include <linux/a.h>
#include <linux/b.h>

#include <asm/io.h>
#include "local.h"

#ifdef CONFIG_SAMPLE
#include <linux/d.h>
#endif

#include <trace/sample.h>

static int use(void)
{
	return sample_setup(1);
}
