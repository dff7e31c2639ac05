DEFINE_SHOW_ATTRIBUTE(sample_start);
static DEVICE_ATTR_RO(sample_start);
static DECLARE_WORK(foo, sample_start);
