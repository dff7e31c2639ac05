int sample_pin(unsigned long start, int nr, unsigned int flags, struct page **pages);

static int zero = sample_pin(0, 1, 0, NULL);

#define sample_pin_one(start, page) sample_pin(start, 1, SAMPLE_WRITE, page)

static int plain(struct user *user, unsigned int flags, bool write)
{
	int nr = sample_pin(user->start, 1, flags, user->pages);

	/* sample_pin(a, 1, 0, b) stays in a comment. */
	pr_info("sample_pin(a, 1, 0, b)\n");
	user->sample_pin(user->start, nr, 0, user->pages);
	if (sample_pin(user->start, nr,
		       write ? SAMPLE_WRITE : 0,
		       user->pages) < 0)
		return sample_pin(user->start, nr, SAMPLE_WRITE | SAMPLE_FORCE, user->pages);
	sample_pin(user->start, nr, flags & SAMPLE_WRITE, user->pages);
	sample_pin(user->start, nr, (flags & SAMPLE_WRITE), user->pages);
	sample_pin(user->start, nr, flags ^ SAMPLE_WRITE, user->pages);
	sample_pin(user->start, nr, flags || write, user->pages);
	sample_pin(user->start, nr, user->flags, user->pages);
	sample_pin(user->start, nr, ~SAMPLE_WRITE, user->pages);
	sample_pin(user->start, nr, 1 << nr, user->pages);
	sample_pin(user->start, nr, flags_of(user), user->pages);
	sample_pin(user->start, sample_pin(0, 1, 0, NULL), flags_of(sample_pin(0, 1, 0, NULL)), user->pages);
	sample_pin(user->start, nr, SAMPLE_LONG, user->pages);
	sample_pin(user->start, nr, SAMPLE_LONG | flags, user->pages);
	sample_pin(user->start, nr, flags++, user->pages);
	sample_pin(user->start, nr, 0);
#ifdef CONFIG_SAMPLE
	sample_pin(user->start, nr, 0, user->pages);
#else
	sample_pin(user->start, nr, SAMPLE_FORCE, user->pages);
#endif
#if 0
	sample_pin(user->start, nr, 0, user->pages);
#endif
	queue(sample_pin, 0, 0, 0);
	return sample_pin(user->start, nr, 0, user->pages);
}

static int before_set(struct user *user)
{
	unsigned int flags = SAMPLE_WRITE;
	int nr = sample_pin(user->start, 1, flags, user->pages);

	flags = SAMPLE_FORCE | SAMPLE_LONG;
	return nr + sample_pin(user->start, 1, flags, user->pages);
}
