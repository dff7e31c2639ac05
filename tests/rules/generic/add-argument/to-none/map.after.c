int sample_map(gfp_t gfp);

int sample_map(gfp_t gfp)
{
	return sample_map(GFP_KERNEL) ? sample_map(GFP_KERNEL) : sample_unmap();
}
