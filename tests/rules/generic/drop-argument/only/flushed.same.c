void sample_flush(void);

void sample_flush(void)
{
	flush_all();
}

static int use(void)
{
	return sample_flush() ?: sample_flush(1, 2);
}
