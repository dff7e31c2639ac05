#include "local.h"
#include <asm/io.h>
#include <asm/irq.h>
#include <linux/sample.h>

static int value = sample_setup(1);
