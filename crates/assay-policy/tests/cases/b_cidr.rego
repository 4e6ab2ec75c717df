package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%v %v %v %v", [net.cidr_contains("10.0.0.0/8", "10.1.2.3"), net.cidr_intersects("10.0.0.0/8", "10.2.0.0/16"), net.cidr_intersects("10.0.0.0/8", "11.0.0.0/8"), net.cidr_intersects("10.0.0.0/8", "2001:db8::/32")])
