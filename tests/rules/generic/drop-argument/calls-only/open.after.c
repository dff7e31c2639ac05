int sample_open(const char *name, int flags, ...);

static int use(void)
{
	int fd = sample_open("a");

	fd = sample_open("b", 0644, 1);
	fd = sample_open("c", O_RDWR);
	fd = sample_open("d", 0644);
	return sample_open("e", fd);
}
