enum sample_state {
	sample_stop,
	sample_start,
};

static int use(void)
{
	return sample_start;
}
