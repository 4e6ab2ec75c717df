package cloudsmith

default match := false

risky := {".pkl", ".bin", ".joblib"}

match if count(reason) > 0

reason contains file.filename if {
	some file in input.v0.package.files
	file.file_extension in risky
}
