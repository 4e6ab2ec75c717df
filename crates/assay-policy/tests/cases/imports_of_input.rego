package cloudsmith

import input.v0.package as pkg

match if count(reason) > 0

reason contains pkg.name if pkg.version == "2.6.0"
