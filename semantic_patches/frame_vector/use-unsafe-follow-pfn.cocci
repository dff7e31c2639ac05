// SPDX-License-Identifier: GPL-2.0-or-later
/// A caller of follow_pfn() that does not follow changes of the mapping has to
/// say so: use unsafe_follow_pfn().
///
// Which callers these are is not to be seen from the code: choose the paths.
//
// Confidence: High
// Options: --no-includes
// Keywords: follow_pfn, unsafe_follow_pfn

virtual patch

@depends on patch@
expression vma, address, pfn;
@@
-follow_pfn(vma, address, pfn)
+unsafe_follow_pfn(vma, address, pfn)
