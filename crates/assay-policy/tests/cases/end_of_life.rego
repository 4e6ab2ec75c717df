package assay

default match := false

match if count(reason) > 0

reason contains sprintf("%s %s: %s", [found.package_name, found.package_version, found.title]) if {
	some found in input.v1.end_of_life
	count(input.v0.osv) == 0
	input.v0.package.security_scan_status == "NOT_VULNERABLE"
}
