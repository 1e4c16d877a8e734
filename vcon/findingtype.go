package vcon

// The kinds of a Finding, as clients of the first vcon-server know them.
const (
	typeMissing  = "value_error.missing"
	typeNone     = "type_error.none.not_allowed"
	typeUUID     = "type_error.uuid"
	typeStr      = "type_error.str"
	typeList     = "type_error.list"
	typeDict     = "type_error.dict"
	typeInteger  = "type_error.integer"
	typeFloat    = "type_error.float"
	typeDatetime = "value_error.datetime"
	typeNotGE    = "value_error.number.not_ge"
	typeJSON     = "value_error.jsondecode"
	typeValue    = "value_error"
)

// typeMessage is the sentence that always goes with a type, "" where each finding has its own.
func typeMessage(t string) string {
	switch t {
	case typeMissing:
		return "field required"
	case typeNone:
		return "none is not an allowed value"
	case typeUUID:
		return "value is not a valid uuid"
	case typeStr:
		return "str type expected"
	case typeList:
		return "value is not a valid list"
	case typeDict:
		return "value is not a valid dict"
	case typeInteger:
		return "value is not a valid integer"
	case typeFloat:
		return "value is not a valid float"
	case typeDatetime:
		return "invalid datetime format"
	}
	return ""
}
