package cloudsmith

default match := false

match if count(reason) > 0

reason contains sprintf("%v", [value]) if value := sprintf("%s %s", [base64.encode("abc"), base64.decode("YWJj")])
