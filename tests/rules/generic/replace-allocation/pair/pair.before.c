static int local(int count)
{
	char *table;
	int ret = -EINVAL;

	/* kmalloc(1, 2) stays in a comment. */
	table = kmalloc(count * 2, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	if (count > 3)
		goto out;
	ret = sample_use(table);
out:
	kfree(table);
	return ret;
}
