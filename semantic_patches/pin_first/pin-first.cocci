// SPDX-License-Identifier: GPL-2.0-or-later
/// Try to pin pages before anything else, and look up bare pfns only where
/// that gave none and the area is VM_IO or VM_PFNMAP. Each of the two places
/// says what the vector holds with a pair: got_ref and is_pfns are opposite.
///
// For a function as get_vaddr_frames() in v5.10, by whatever name, that looks
// at the area and then either pins with pin_user_pages_locked() or
// pin_user_pages(), or calls follow_pfn(). The pin stays the one that it was.
// pin_user_pages_locked() may have dropped the lock, and the area may be
// another one then: it is looked up again.
//
// Where pin_user_pages_fast() is used already, it runs without the lock and
// so before the area is known. That is left alone, as is any other body.
//
// Not reached: comments.
//
// Confidence: Moderate
// Options: --no-includes
// Keywords: follow_pfn, pin_user_pages_locked, pin_user_pages, got_ref, is_pfns

virtual patch

// The pair on the way to the loop that looks up pfns, or what there is of it.
@pair exists@
idexpression vec;
expression vma, at, nums;
position p;
symbol true, false;
@@
(
 vec->got_ref =@p false;
 vec->is_pfns = true;
|
 vec->is_pfns =@p true;
 vec->got_ref = false;
|
 vec->got_ref =@p false;
|
 vec->is_pfns =@p true;
)
 ... when != vec->got_ref
     when != vec->is_pfns
 follow_pfn(vma, at, nums)

@locked depends on patch disable bitor_comm, bitand_comm, paren, ptr_to_array, drop_else@
idexpression vec, mmp, vma, ret, locked;
identifier out;
expression start, E, nr, flags, pages;
statement S1;
position pair.p;
symbol true, false;
@@
 mmap_read_lock(mmp);
 locked = 1;
 vma = find_vma_intersection(mmp, start, E);
 if (!vma) S1
 ...
-	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
(
-		vec->got_ref = true;
-		vec->is_pfns = false;
|
-		vec->is_pfns = false;
-		vec->got_ref = true;
|
-		vec->got_ref = true;
|
-		vec->is_pfns = false;
)
-		ret = pin_user_pages_locked(start, nr, flags, pages, &locked);
-		goto out;
-	}
+	ret = pin_user_pages_locked(start, nr, flags, pages, &locked);
+	if (ret > 0) {
+		vec->got_ref = true;
+		vec->is_pfns = false;
+		goto out;
+	}
+
+	/* The lock may have been dropped, and the area may have changed. */
+	if (!locked) {
+		mmap_read_lock(mmp);
+		locked = 1;
+	}
+	vma = find_vma_intersection(mmp, start, E);
+	if (!vma || !(vma->vm_flags & (VM_IO | VM_PFNMAP)))
+		goto out;
+
+	/* Nothing to pin, but there may be pfns: start to count anew. */
+	vec->got_ref = false;
+	vec->is_pfns = true;
+	ret = 0;
(
-	vec->got_ref =@p false;
-	vec->is_pfns = true;
|
-	vec->is_pfns =@p true;
-	vec->got_ref = false;
|
-	vec->got_ref =@p false;
|
-	vec->is_pfns =@p true;
)

// The same for pin_user_pages(): no position outlives a change.
@pair_plain exists@
idexpression vec;
expression vma, at, nums;
position p;
symbol true, false;
@@
(
 vec->got_ref =@p false;
 vec->is_pfns = true;
|
 vec->is_pfns =@p true;
 vec->got_ref = false;
|
 vec->got_ref =@p false;
|
 vec->is_pfns =@p true;
)
 ... when != vec->got_ref
     when != vec->is_pfns
 follow_pfn(vma, at, nums)

// pin_user_pages() never drops the lock, so the area stays what it was.
@plain depends on patch disable bitor_comm, bitand_comm, paren, ptr_to_array, drop_else@
idexpression vec, vma, ret;
identifier out;
expression start, nr, flags, pages;
position pair_plain.p;
symbol true, false;
@@
-	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP))) {
(
-		vec->got_ref = true;
-		vec->is_pfns = false;
|
-		vec->is_pfns = false;
-		vec->got_ref = true;
|
-		vec->got_ref = true;
|
-		vec->is_pfns = false;
)
-		ret = pin_user_pages(start, nr, flags, pages, NULL);
-		goto out;
-	}
+	ret = pin_user_pages(start, nr, flags, pages, NULL);
+	if (ret > 0) {
+		vec->got_ref = true;
+		vec->is_pfns = false;
+		goto out;
+	}
+
+	if (!(vma->vm_flags & (VM_IO | VM_PFNMAP)))
+		goto out;
+
+	/* Nothing to pin, but there may be pfns: start to count anew. */
+	vec->got_ref = false;
+	vec->is_pfns = true;
+	ret = 0;
(
-	vec->got_ref =@p false;
-	vec->is_pfns = true;
|
-	vec->is_pfns =@p true;
-	vec->got_ref = false;
|
-	vec->got_ref =@p false;
|
-	vec->is_pfns =@p true;
)
