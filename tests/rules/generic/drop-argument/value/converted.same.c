struct class *class_create(const char *name);

static struct class *sample_make(const char *name, int class_create)
{
	if (class_create)
		return sample_create(THIS_MODULE, name);
	return class_create(THIS_MODULE);
}
