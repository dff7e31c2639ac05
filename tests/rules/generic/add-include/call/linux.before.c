#include <linux/module.h>
#include <linux/slab.h>
#include "local.h"

static int use(void)
{
	sample_setup(1);
	return sample_setup(2) ? sample_setup(3) : 0;
}
