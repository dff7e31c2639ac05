static int sample_count;

/* unused1 stays in a comment. */
static int plain(struct sample *sample)
{
	int unused1;
	struct sample *unused2 = NULL;
	unsigned long used, unused3, also_used = 0;
	char unused4[16];
	int ret = -EINVAL, unused5 = 5;
	struct inner unused6;

	used = sample->unused1;
	pr_info("unused2\n");
	if (used) {
		int unused7;

		ret = also_used;
	}
	while (ret) {
		if (used)
			goto unused3;
		ret--;
	}
	return ret;

unused3:
	return -ENOENT;
}
