// SPDX-License-Identifier: GPL-2.0-or-later
/// Rename virtual.old() to virtual.new(): its prototypes, definition, calls,
/// exports and every place that takes its address.
///
// Definitions (-D):
//   old  the name it has
//   new  the name it gets
//
// Example: -D old=del_timer_sync -D new=timer_delete_sync
//
// Members of structures, labels, types and local variables or parameters of
// that name stay. A file that has a variable or an enumerator of that name is
// left alone as a whole.
//
// Not reached: function-like macros (their definition; calls in them are);
// names that a macro pastes together, and arguments of macros that paste, such
// as DEVICE_ATTR_RO(); comments and strings; code under #if 0. What is behind
// a local variable that a macro declares is taken for the function.
//
// Confidence: Moderate
// Options: --no-includes

virtual patch

// A prototype looks like a variable whose type is that of a function.
@declared depends on patch@
identifier virtual.old;
type RESULT;
parameter list PARS;
position p;
@@
 RESULT old@p(PARS);

// Variables outside of functions, told from those inside by their place.
@inner depends on patch@
identifier virtual.old;
identifier FUNCTION;
type T;
expression E;
position p;
@@
 FUNCTION(...)
 {
	<+...
(
	T old@p;
|
	T old@p = E;
|
	T old@p[...];
|
	T old@p[...] = E;
)
	...+>
 }

@variable depends on patch@
identifier virtual.old;
type T;
initializer I;
position p != { declared.p, inner.p };
@@
(
 T old@p;
|
 T old@p = I;
|
 T old@p[...];
|
 T old@p[...] = I;
)

@enumerator depends on patch@
identifier virtual.old;
identifier KIND;
expression E;
@@
(
 enum KIND { ..., old, ... };
|
 enum KIND { ..., old = E, ... };
|
 enum { ..., old, ... };
|
 enum { ..., old = E, ... };
)

@shadow depends on patch@
identifier virtual.old;
local idexpression NAME;
position p;
@@
(
 NAME@p
&
 old
)

@paste depends on patch@
identifier virtual.old;
declarer ATTRIBUTE =~ "ATTR";
declarer DEFINE =~ "DEFINE";
declarer DECLARE =~ "DECLARE";
position p;
@@
(
 ATTRIBUTE(..., old@p, ...);
|
 DEFINE(..., old@p, ...);
|
 DECLARE(..., old@p, ...);
)

@use depends on patch && !variable && !enumerator@
identifier virtual.old, virtual.new;
position p != { shadow.p, paste.p };
@@
-old@p
+new

@prototype depends on patch && !variable && !enumerator@
identifier virtual.old, virtual.new;
type RESULT;
parameter list PARS;
@@
 RESULT
-old
+new
 (PARS);

@definition depends on patch && !variable && !enumerator@
identifier virtual.old, virtual.new;
parameter list PARS;
@@
-old
+new
 (PARS) { ... }
