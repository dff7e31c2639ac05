#define class_create(owner, name) named_class(#owner, owner, name)
