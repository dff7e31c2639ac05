#include <linux/module.h>

/* sample_setup(1) */
static int use(struct sample *sample)
{
	return sample->sample_setup(1);
}
