#define pick_frames(start, pages, flags) pick(start, pages, (flags) | FOLL_GET)
#define pick_frames_fast(start, pages, flags) pick(start, pages)
