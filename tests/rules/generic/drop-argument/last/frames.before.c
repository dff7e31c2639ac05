int pick_frames(unsigned long start, struct page **pages, unsigned int flags);
extern int __must_check pick_frames(unsigned long, struct page **, unsigned int);
static int (*picker)(unsigned long, struct page **, unsigned int) = pick_frames;

int pick_frames(unsigned long start, struct page **pages,
		unsigned int flags)
{
	return pick(start, pages);
}
EXPORT_SYMBOL(pick_frames);

#define pick_frames(start, pages, flags) pick(start, pages)

static int use_frames(struct user *user)
{
	int count = pick_frames(user->start, user->pages, FOLL_WRITE);

	count += pick_frames(user->start, user->pages,
			     user->write ? FOLL_WRITE : 0);
	pick_frames(user->start, user->pages, count++);
	pick_frames(user->start, user->pages, count = 1);
	while (pick_frames(pick_frames(1, NULL, 0), user->pages, 0))
		count--;
	return user->pick_frames(1, NULL, 0) + pick_frames(1, NULL);
}
