#include "local.h"
#include <asm/io.h>
#include <asm/irq.h>

static int value = sample_setup(1);
