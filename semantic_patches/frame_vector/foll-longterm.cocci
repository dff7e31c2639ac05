// SPDX-License-Identifier: GPL-2.0-or-later
/// Pages that stay pinned after the system call that pinned them need
/// FOLL_LONGTERM.
///
// For files whose every pin is a long one: which pins are, no rule can tell,
// so the paths this runs on have to be chosen by hand. A pin that has the
// flag is left alone, also one that gets it from a variable.
//
// Confidence: Moderate
// Options: --no-includes
// Keywords: FOLL_LONGTERM, pin_user_pages_fast

virtual patch

@direct depends on patch@
expression START, NR, PAGES;
position p;
@@
 pin_user_pages_fast@p(START, NR, <+... FOLL_LONGTERM ...+>, PAGES)

@assigned depends on patch@
expression START, NR, PAGES;
local idexpression FLAGS;
position p;
@@
(
 FLAGS = <+... FOLL_LONGTERM ...+>;
|
 FLAGS |= <+... FOLL_LONGTERM ...+>;
)
 ...
 pin_user_pages_fast@p(START, NR, FLAGS, PAGES)

@initialised depends on patch@
expression START, NR, PAGES;
identifier FLAGS;
type T;
position p;
@@
 T FLAGS = <+... FOLL_LONGTERM ...+>;
 ...
 pin_user_pages_fast@p(START, NR, FLAGS, PAGES)

@depends on patch@
expression START, NR, PAGES, C, A, B;
position p != {direct.p, assigned.p, initialised.p};
@@
(
-pin_user_pages_fast@p(START, NR, 0, PAGES)
+pin_user_pages_fast(START, NR, FOLL_LONGTERM, PAGES)
|
-pin_user_pages_fast@p(START, NR, C ? A : B, PAGES)
+pin_user_pages_fast(START, NR, (C ? A : B) | FOLL_LONGTERM, PAGES)
|
-pin_user_pages_fast@p(START, NR, A & B, PAGES)
+pin_user_pages_fast(START, NR, (A & B) | FOLL_LONGTERM, PAGES)
|
-pin_user_pages_fast@p(START, NR, A, PAGES)
+pin_user_pages_fast(START, NR, A | FOLL_LONGTERM, PAGES)
)
