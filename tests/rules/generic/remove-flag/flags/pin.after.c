int sample_pin(unsigned long start, int nr, unsigned int flags, struct page **pages);

static int alone = sample_pin(0, 1, 0, NULL);

#define sample_pin_one(start, page) sample_pin(start, 1, SAMPLE_WRITE, page)

static int plain(struct user *user, unsigned int flags, bool write)
{
	int nr = sample_pin(user->start, 1, flags, user->pages);

	/* sample_pin(a, 1, SAMPLE_LONG, b) stays in a comment. */
	pr_info("sample_pin(a, 1, SAMPLE_LONG, b)\n");
	user->sample_pin(user->start, nr, SAMPLE_LONG, user->pages);
	if (sample_pin(user->start, nr,
		       write ? SAMPLE_WRITE : 0,
		       user->pages) < 0)
		return sample_pin(user->start, nr, SAMPLE_FORCE, user->pages);
	sample_pin(user->start, nr, SAMPLE_WRITE | SAMPLE_FORCE, user->pages);
	sample_pin(user->start, nr, SAMPLE_WRITE | SAMPLE_FORCE, user->pages);
	sample_pin(user->start, nr,
		   SAMPLE_WRITE | SAMPLE_FORCE, user->pages);
	sample_pin(user->start, nr, flags & SAMPLE_WRITE, user->pages);
	sample_pin(user->start, nr, write ? SAMPLE_WRITE : 0, user->pages);
	sample_pin(user->start, nr, 0, user->pages);
	sample_pin(user->start, SAMPLE_LONG, sample_pin(0, 1, 0, NULL),
		   user->pages);
	sample_pin(user->start, nr, write ? 0 : SAMPLE_WRITE, user->pages);
	sample_pin(user->start, nr, A | B | C | D | E | F, user->pages);
	sample_pin(user->start, nr, A | B | C | D | E | F, user->pages);
	sample_pin(user->start, nr, write ? SAMPLE_WRITE : 0, user->pages);
	sample_pin(user->start, nr, SAMPLE_LONG);
#ifdef CONFIG_SAMPLE
	sample_pin(user->start, nr, 0, user->pages);
#else
	sample_pin(user->start, nr, SAMPLE_FORCE, user->pages);
#endif
#if 0
	sample_pin(user->start, nr, SAMPLE_LONG, user->pages);
#endif
	queue(sample_pin, 0, SAMPLE_LONG, 0);
	return sample_pin(user->start, nr, 0, user->pages);
}
