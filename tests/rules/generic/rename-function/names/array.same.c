static const char *sample_start[] = { "a", "b" };

static const char *use(int i)
{
	return sample_start[i];
}
