#include <linux/export.h>

int sample_begin(struct sample *sample, int flags);
extern int __must_check sample_begin(struct sample *, int);

struct sample_start {
	int (*sample_start)(struct sample *sample, int flags);
};

/* sample_start() stays in a comment. */
int sample_begin(struct sample *sample, int flags)
{
	pr_info("sample_start\n");
	return flags ? sample_begin(sample, 0) : -EINVAL;
}
EXPORT_SYMBOL(sample_begin);
EXPORT_SYMBOL_GPL(sample_begin);
EXPORT_SYMBOL_NS(sample_begin, SAMPLE);
EXPORT_SYMBOL_NS_GPL(sample_begin, SAMPLE);

static const struct sample_start ops = {
	.sample_start = sample_begin,
	.others = { sample_begin, &sample_begin },
};

static int (*pointer)(struct sample *sample, int flags) = sample_begin;

#define start_all(sample) sample_begin(sample, ALL)

static int use(struct sample *sample, struct sample_start *start)
{
	int first = sample_begin(sample, sample_begin(sample, 1)), second;

	start->sample_start = sample_begin;
	start->sample_start(sample, 1);
	second = first ?
		 sample_begin(sample,
			      first) : 0;
	if (sample_begin(sample, 0) < 0 || !pointer || pointer == sample_begin)
		goto sample_start;
	queue(sample, sample_begin, &sample_begin, (void *) sample_begin);
#ifdef CONFIG_SAMPLE
	sample_begin(sample, 1);
#else
	sample_begin(sample, 2);
#endif
#if 0
	sample_start(sample, 3);
#endif
	return sample_begin(sample, sizeof(struct sample_start));

sample_start:
	return sample_stop(sample);
}

static int shadow(struct sample *sample)
{
	int sample_start = sample->first;

	sample->last = sample_start + 1;
	return sample_start ? sample_start : -EINVAL;
}

static int shadow_argument(struct sample *sample, int (*sample_start)(int))
{
	sample->last = sample_start(1);
	return call(sample_start);
}

module_init(sample_begin);
DEFINE_SHOW_ATTRIBUTE(sample_start);
late_initcall(sample_begin);
TRACE_CALL(1, sample_begin);
