static char *returned(int count)
{
	char *table = kmalloc(count, GFP_KERNEL);

	return table;
}

static void freed(struct sample *sample, char *name)
{
	kfree(name);
	kfree(sample->table);
	pr_info("kmalloc and kfree\n");
}

static int escapes(struct sample *sample, int count)
{
	char *table;

	table = kmalloc(count, GFP_KERNEL);
	sample->table = table;
	return 0;
}
