package cloudsmith

default match := false

blocklist := {"python:requests:2.6.0", "npm:other:1.0.0"}

key := concat(":", [input.v0.package.format, input.v0.package.name, input.v0.package.version])

match if key in blocklist

reason contains key if match
