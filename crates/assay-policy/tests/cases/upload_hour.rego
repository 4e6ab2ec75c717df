package cloudsmith

default match := false

match if {
	at := time.parse_rfc3339_ns(input.v0.package.uploaded_at)
	[hour, _, _] := time.clock(at)
	hour >= 9
	hour < 11
}
