extern struct class *__class_create(struct module *owner, const char *name,
				    struct lock_class_key *key);

/* Needs a key for every place that calls it. */
#define class_create(name)			\
({							\
	static struct lock_class_key __key;		\
	__class_create(THIS_MODULE, name, &__key);		\
})

#define sample_class_create(owner, name) other_create(owner, name)
#define sample_class(name) class_create(name)
