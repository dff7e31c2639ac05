static struct sample sample_start = { .sample_start = 1 };

static int use(void)
{
	return sample_start.sample_start;
}
