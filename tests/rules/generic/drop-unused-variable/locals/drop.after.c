static int sample_count;

/* unused1 stays in a comment. */
static int plain(struct sample *sample)
{
	unsigned long used, also_used = 0;
	int ret = -EINVAL;

	used = sample->unused1;
	pr_info("unused2\n");
	if (used) {
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
