// SPDX-License-Identifier: GPL-2.0-or-later
/// Refuse user pointers into VM_IO and VM_PFNMAP areas with -EINVAL, instead of
/// looking up pfns that nothing protects: dma-buf is there for such memory.
///
// Four bodies of get_vaddr_frames() are known, by whatever name:
// - that of v5.10, which pins or looks up pfns, depending on the area,
// - that of 5.10 stable, which lost the loop that looks up pfns,
// - one that pins first and looks up pfns where that gave nothing,
// - one that only pins, as in 6.1: the reason for a failure is looked up.
// Any other is left alone, above all one that does more after the loop.
//
// A range is refused by its first area only: one that begins in ordinary
// memory is pinned as far as that goes, and its caller sees that it is short.
//
// Not reached: comments.
//
// Confidence: Moderate
// Options: --no-includes
// Keywords: follow_pfn, VM_PFNMAP, pin_user_pages_locked, pin_user_pages_fast

virtual patch

// What comes before the loop, on the way to its follow_pfn(). Of do ... while
// no more can be said: Debian's spatch has no pattern for it.
@lookup exists@
idexpression vec;
expression vma, at, nums;
position p;
symbol true, false;
@@
 vec->is_pfns =@p true;
 ... when != vec->is_pfns
 follow_pfn(vma, at, nums)

// As in v5.10.
@released depends on patch disable bitor_comm, bitand_comm, paren, ptr_to_array, drop_else@
identifier F, out, pin =~ "^pin_user_pages";
idexpression vec, vma, ret, locked;
expression mmp;
expression list args;
statement S;
position lookup.p;
symbol true, false;
@@
 F(...)
 {
 	... when any
-	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
-		vec->got_ref = true;
-		vec->is_pfns = false;
-		ret = pin(args);
-		goto out;
-	}
-	vec->got_ref = false;
-	vec->is_pfns =@p true;
-	S
+	/*
+	 * Nothing keeps the pfns of such an area what they are while a
+	 * device uses them. The memory of another device is to be shared as
+	 * a dma-buf, not as a user pointer.
+	 */
+	if (vma->vm_flags & (VM_IO | VM_PFNMAP)) {
+		ret = -EINVAL;
+		goto out;
+	}
+
+	vec->got_ref = true;
+	vec->is_pfns = false;
+	ret = pin(args);
 out:
(
 	if (locked)
 		mmap_read_unlock(mmp);
|
 	mmap_read_unlock(mmp);
)
 	if (!ret)
 		ret = -EFAULT;
 	if (ret > 0)
 		vec->nr_frames = ret;
 	return ret;
 }

@released_variable@
identifier released.F, err;
type T;
@@
 F(...)
 {
 	... when any
-	T err;
 	... when != err
 	    when any
 }

// As in 5.10 stable.
@stable depends on patch disable bitor_comm, bitand_comm, paren, ptr_to_array@
identifier out, pin =~ "^pin_user_pages";
idexpression vec, vma, ret;
expression list args;
symbol true, false;
@@
-	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
-		vec->got_ref = true;
-		vec->is_pfns = false;
-		ret = pin(args);
(
-		if (likely(ret > 0))
-			goto out;
|
-		if (ret > 0)
-			goto out;
)
-	}
+	/*
+	 * Nothing keeps the pfns of such an area what they are while a
+	 * device uses them. The memory of another device is to be shared as
+	 * a dma-buf, not as a user pointer.
+	 */
+	if (vma->vm_flags & (VM_IO | VM_PFNMAP)) {
+		ret = -EINVAL;
+		goto out;
+	}
+
+	vec->got_ref = true;
+	vec->is_pfns = false;
+	ret = pin(args);
+	if (likely(ret > 0))
+		goto out;
 	vec->nr_frames = 0;
 out:
 	...

// Pinned first, with the loop for what gave nothing. An area that is none of
// VM_IO and VM_PFNMAP keeps the error of the pin.
@lookup_second exists@
idexpression vec;
expression vma, at, nums;
position p;
symbol true, false;
@@
 vec->is_pfns =@p true;
 ... when != vec->is_pfns
 follow_pfn(vma, at, nums)

@second depends on patch disable bitor_comm, bitand_comm, paren, ptr_to_array, drop_else@
identifier F, out;
idexpression vec, vma, ret;
expression mmp, start, end, nr, flags, pages;
statement S;
position lookup_second.p;
symbol true, false;
@@
 F(...)
 {
 	... when any
 	ret = pin_user_pages_fast(start, nr, flags, pages);
 	if (ret > 0) {
 		...
 		return ret;
 	}
 	mmap_read_lock(mmp);
 	vma = find_vma_intersection(mmp, start, end);
 	if (!vma) {
 		...
 		goto out;
 	}
-	vec->got_ref = false;
-	vec->is_pfns =@p true;
-	ret = 0;
-	S
+	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP)))
+		goto out;
+
+	/*
+	 * Nothing keeps the pfns of such an area what they are while a
+	 * device uses them. The memory of another device is to be shared as
+	 * a dma-buf, not as a user pointer.
+	 */
+	ret = -EINVAL;
 out:
 	mmap_read_unlock(mmp);
 	if (!ret)
 		ret = -EFAULT;
-	if (ret > 0)
-		vec->nr_frames = ret;
 	return ret;
 }

@second_variable@
identifier second.F, err;
type T;
@@
 F(...)
 {
 	... when any
-	T err;
 	... when != err
 	    when any
 }

// As in 6.1. The pin refuses such an area by itself, with another error.
@fast depends on patch disable bitor_comm, bitand_comm, paren, ptr_to_array@
identifier F, ret;
idexpression vec;
idexpression unsigned long start;
expression nr, flags, pages;
symbol vma, current;
@@
 F(...)
 {
+	struct vm_area_struct *vma;
 	int ret;
 	... when != vma
 	    when any
 	ret = pin_user_pages_fast(start, nr, flags, pages);
 	... when != vma
 	    when any
 	vec->nr_frames = 0;
+
+	/*
+	 * Nothing keeps the pfns of such an area what they are while a
+	 * device uses them. The memory of another device is to be shared as
+	 * a dma-buf, not as a user pointer.
+	 */
+	mmap_read_lock(current->mm);
+	vma = find_vma_intersection(current->mm, start, start + 1);
+	if (vma && vma->vm_flags & (VM_IO | VM_PFNMAP))
+		ret = -EINVAL;
+	mmap_read_unlock(current->mm);
+
 	return ret ? ret : -EFAULT;
 }
