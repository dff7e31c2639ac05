#include <linux/module.h>
#include <linux/sample.h>

static int use(void)
{
	return sample_setup(1);
}
