package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%s %s", [entry.identifier, entry.date_added]) if some entry in input.v1.kev
