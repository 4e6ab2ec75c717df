package cloudsmith

default match := false

a := 1

b := a + 1

c := b * 2

match if c == 4

reason contains sprintf("%d", [c]) if match
