// SPDX-License-Identifier: GPL-2.0-or-later
/// Callers of follow_pfn() call look_up_pfn(): a rule with few candidates in a whole tree.
///
// Confidence: High
// Options: --no-includes --include-headers

virtual patch

@depends on patch@
@@
- follow_pfn
+ look_up_pfn
  (...)
