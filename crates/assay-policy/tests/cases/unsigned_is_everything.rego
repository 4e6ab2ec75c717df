package cloudsmith

default match := false

# `signed` is not in the document, so this stops every package.
match if not input.v0.package.signed

reason contains "no signature" if match
