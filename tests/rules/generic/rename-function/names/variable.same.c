static int sample_start;

static int use(void)
{
	return sample_start;
}
