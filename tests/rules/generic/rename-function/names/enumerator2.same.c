enum { sample_start = 1, sample_stop };
static int use(void)
{
	return sample_start;
}
