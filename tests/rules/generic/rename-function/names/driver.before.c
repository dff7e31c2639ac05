#include <linux/export.h>

int sample_start(struct sample *sample, int flags);
extern int __must_check sample_start(struct sample *, int);

struct sample_start {
	int (*sample_start)(struct sample *sample, int flags);
};

/* sample_start() stays in a comment. */
int sample_start(struct sample *sample, int flags)
{
	pr_info("sample_start\n");
	return flags ? sample_start(sample, 0) : -EINVAL;
}
EXPORT_SYMBOL(sample_start);
EXPORT_SYMBOL_GPL(sample_start);
EXPORT_SYMBOL_NS(sample_start, SAMPLE);
EXPORT_SYMBOL_NS_GPL(sample_start, SAMPLE);

static const struct sample_start ops = {
	.sample_start = sample_start,
	.others = { sample_start, &sample_start },
};

static int (*pointer)(struct sample *sample, int flags) = sample_start;

#define start_all(sample) sample_start(sample, ALL)

static int use(struct sample *sample, struct sample_start *start)
{
	int first = sample_start(sample, sample_start(sample, 1)), second;

	start->sample_start = sample_start;
	start->sample_start(sample, 1);
	second = first ?
		 sample_start(sample,
			      first) : 0;
	if (sample_start(sample, 0) < 0 || !pointer || pointer == sample_start)
		goto sample_start;
	queue(sample, sample_start, &sample_start, (void *)sample_start);
#ifdef CONFIG_SAMPLE
	sample_start(sample, 1);
#else
	sample_start(sample, 2);
#endif
#if 0
	sample_start(sample, 3);
#endif
	return sample_start(sample, sizeof(struct sample_start));

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

module_init(sample_start);
DEFINE_SHOW_ATTRIBUTE(sample_start);
late_initcall(sample_start);
TRACE_CALL(1, sample_start);
