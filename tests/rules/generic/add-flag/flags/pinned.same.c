static int all(struct user *user, bool write)
{
	unsigned int flags = SAMPLE_LONG, more = 0, sample_pin;
	int nr = sample_pin(user->start, 1, SAMPLE_LONG, user->pages);

	if (write)
		flags |= SAMPLE_WRITE;
	more |= SAMPLE_LONG;
	nr += sample_pin(user->start, 1, more, user->pages);
	return nr + sample_pin(user->start, 1, flags, user->pages);
}
