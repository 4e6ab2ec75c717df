package cloudsmith

default match := false

match if not input.v1.completeness.complete

reason contains sprintf("%s: %s", [skipped.path, skipped.reason]) if some skipped in input.v1.completeness.skipped
