static int other(struct user *user, unsigned int flags, int sample_pin)
{
	flags |= SAMPLE_LONG;
	sample_pin(user->start, 1, flags, user->pages);
	sample_pin(user->start, 1, flags & ~SAMPLE_LONG, user->pages);
	sample_pin(user->start, 1, flags & (SAMPLE_LONG | SAMPLE_WRITE), user->pages);
	sample_pin(user->start, 1, to_flags(user, SAMPLE_LONG | SAMPLE_WRITE), user->pages);
	sample_pin(user->start, 1, SAMPLE_WRITE | (SAMPLE_FORCE | SAMPLE_LONG), user->pages);
	sample_pin(user->start, 1, flags == SAMPLE_LONG ? 1 : 0, user->pages);
	return sample_unpin(user->start, sample_pin, SAMPLE_LONG, user->SAMPLE_LONG);
}
