#include <linux/device.h>
#include <linux/module.h>

struct sample_ops {
	struct class *(*class_create)(struct module *owner, const char *name);
	struct module *owner;
};

/* class_create(THIS_MODULE, "comment") stays in a comment. */
static struct class *first;

static int sample_init(struct sample_ops *ops, struct module *owner)
{
	struct class *here = class_create(THIS_MODULE, "class_create(THIS_MODULE, x)");
	struct class *from_ops = ops->class_create(THIS_MODULE, "ops");

	first = class_create(THIS_MODULE, /* a name */ "first");
	if (IS_ERR(class_create(THIS_MODULE,
				"a name that needs a line of its own")))
		return PTR_ERR(first);
	if (IS_ERR(class_create(owner, "of somebody else")))
		return -ENOMEM;
#ifdef CONFIG_SAMPLE
	first = class_create(THIS_MODULE, SAMPLE_NAME);
#else
	first = class_create(THIS_MODULE, name_of(class_create(THIS_MODULE, "inner")));
#endif
#if 0
	first = class_create(THIS_MODULE, "not compiled");
#endif
	register_all(class_create, THIS_MODULE, "an address");
	if (!from_ops && !here)
		goto out;
	return 0;

out:
	return sample_set(class_create(THIS_MODULE, ops ? "a" : "b"), THIS_MODULE);
}

static struct class *sample_make(const char *name)
{
	return class_create(THIS_MODULE, name);
}
