int sample_open(const char *name, int flags, ...);

static int use(void)
{
	int fd = sample_open("a", O_RDWR | O_CLOEXEC);

	fd = sample_open("b", O_RDWR | O_CLOEXEC, 0644, 1);
	fd = sample_open("c", O_RDWR);
	fd = sample_open("d", 0644);
	return sample_open("e", O_RDWR|O_CLOEXEC, fd);
}
