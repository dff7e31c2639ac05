int sample_map(struct sample *sample, gfp_t gfp, int count);

int sample_map(struct sample *sample, gfp_t gfp, int count)
{
	return sample_map(sample, gfp, 0) + sample->sample_map(sample, 1);
}

#define sample_map(sample, count) sample_map_gfp(sample, GFP_KERNEL, count)
