int sample_map(void);

int sample_map(void)
{
	return sample_map() ? sample_map() : sample_unmap();
}
