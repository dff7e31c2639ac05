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

static int two(int count)
{
	char *table, *other;

	if (count)
		table = kmalloc(count, GFP_KERNEL);
	else
		table = kmalloc(1, GFP_KERNEL);
	if (!table)
		return -ENOMEM;
	other = kmalloc(count, GFP_KERNEL);
	if (!other) {
		kfree(table);
		return -ENOMEM;
	}
	sample_use(table, other);
	kfree(other);
	kfree(table);
	return 0;
}
