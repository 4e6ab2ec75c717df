package cloudsmith

default match := false

match if {
	input.v0.package.format == "python"
	not regex.match(`^[a-z0-9_]+-\d+(\.\d+)*-(py2\.py3|py3)-none-any\.whl$`, input.v0.package.filename)
}
