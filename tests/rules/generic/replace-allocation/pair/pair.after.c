static int local(int count)
{
	char *table;
	int ret = -EINVAL;

	/* kmalloc(1, 2) stays in a comment. */
	table = kvmalloc(count * 2, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	if (count > 3)
		goto out;
	ret = sample_use(table);
out:
	kvfree(table);
	return ret;
}

static int two(int count)
{
	char *table, *other;

	if (count)
		table = kvmalloc(count, GFP_KERNEL);
	else
		table = kvmalloc(1, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	other = kvmalloc(count, GFP_KERNEL);
	if (!other) {
		kvfree(table);
		return -ENOMEM;
	}
	sample_use(table, other);
	kvfree(other);
	kvfree(table);
	return 0;
}
