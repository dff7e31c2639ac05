// SPDX-License-Identifier: GPL-2.0-or-later
/// Drop local variables that nothing uses: without an initialiser, or with a
/// constant one.
///
// Takes no parameters; also runs under the kernel's own coccicheck, in the
// modes patch and context.
//
// A variable with an attribute stays.
//
// spatch does not see uses in code that it cannot parse, in statement
// expressions, in macros, under #if 0 and behind a label that only a macro or
// an asm jumps to: compile what this changes. Attributes written out as
// __attribute__((...)) are not seen either.
//
// Not reached: a variable of a block inside a loop.
//
// Confidence: Low
// Options: --no-includes

virtual patch
virtual context

// A prototype looks like a variable whose type is that of a function.
@prototype@
type T;
identifier V;
parameter list PARS;
position p;
@@
 T V@p(PARS);

@elsewhere@
type T;
identifier V;
position p;
@@
 extern T V@p;

@attribute_any@
type T;
identifier V;
attribute A;
expression E;
position p;
@@
(
 T V@p A;
|
 T A V@p;
|
 T V@p A = E;
|
 T A V@p = E;
)

@attribute_named@
attribute name __maybe_unused, __always_unused, __used, __cleanup, __free;
type T;
identifier V;
expression E;
position p;
@@
(
 T V@p __maybe_unused;
|
 T __maybe_unused V@p;
|
 T V@p __maybe_unused = E;
|
 T __maybe_unused V@p = E;
|
 T V@p __always_unused;
|
 T __always_unused V@p;
|
 T V@p __used;
|
 T V@p __cleanup(...);
|
 T V@p __cleanup(...) = E;
|
 T V@p __free(...);
|
 T V@p __free(...) = E;
)

// A declaration with a statement after it is inside a function.
@inside@
type T;
identifier V;
constant C;
statement S;
position p != { prototype.p, elsewhere.p, attribute_any.p, attribute_named.p };
@@
(
 T V@p;
|
 T V@p = C;
|
 T V@p[...];
)
 ... when any
 S

// No path from the declaration leads to a use.
@depends on patch@
type T;
identifier V;
constant C;
position inside.p;
@@
(
-T V@p;
|
-T V@p = C;
|
-T V@p[...];
)
 ... when != V
     when strict

@depends on context && !patch@
type T;
identifier V;
constant C;
position inside.p;
@@
(
*T V@p;
|
*T V@p = C;
|
*T V@p[...];
)
 ... when != V
     when strict
