package vcon

// field names a member that the rules know.
type field uint8

// The members of the core objects, all drafts together.
const (
	fUnknown field = iota
	fVcon
	fUUID
	fExtensions
	fCritical
	fMustSupport
	fCreatedAt
	fUpdatedAt
	fSubject
	fRedacted
	fAmended
	fAppended
	fGroup
	fParties
	fDialog
	fAnalysis
	fAttachments
	fTel
	fSip
	fStir
	fMailto
	fName
	fDid
	fValidation
	fGmlpos
	fCivicaddress
	fType
	fOrg
	fDept
	fRole
	fContactList
	fStart
	fDuration
	fOriginator
	fRecordings
	fRecordingSet
	fMediatype
	fMimetype
	fFilename
	fBody
	fTranscript
	fURL
	fEncoding
	fContentHash
	fAlg
	fSignature
	fKey
	fDisposition
	fSessionID
	fPartyHistory
	fTransferee
	fTransferor
	fOriginal
	fTargetDialog
	fTargetDialogOld
	fTransferTarget
	fTransferTargetOld
	fConsultation
	fApplication
	fMessageID
	fCampaign
	fInteraction
	fInteractionType
	fInteractionID
	fSkill
	fPurpose
	fParty
	fVendor
	fAttachment
	fProduct
	fVendorProduct
	fSchema
	fVendorSchema
	fSchemaVersion
	fPayload
	fSignatures
	fHeader
	fProtected
	fUnprotected
	fRecipients
	fIV
	fCiphertext
	fTag
	fEncryptedKey
	numFields
)

// fieldNames are the members' names, by field.
var fieldNames = [numFields]string{
	fVcon: "vcon", fUUID: "uuid", fExtensions: "extensions", fCritical: "critical", fMustSupport: "must_support",
	fCreatedAt: "created_at", fUpdatedAt: "updated_at", fSubject: "subject", fRedacted: "redacted", fAmended: "amended",
	fAppended: "appended", fGroup: "group", fParties: "parties", fDialog: "dialog", fAnalysis: "analysis",
	fAttachments: "attachments", fTel: "tel", fSip: "sip", fStir: "stir", fMailto: "mailto", fName: "name", fDid: "did",
	fValidation: "validation", fGmlpos: "gmlpos", fCivicaddress: "civicaddress", fType: "type", fOrg: "org", fDept: "dept",
	fRole: "role", fContactList: "contact_list", fStart: "start", fDuration: "duration", fOriginator: "originator",
	fRecordings: "recordings", fRecordingSet: "recording_set", fMediatype: "mediatype", fMimetype: "mimetype",
	fFilename: "filename", fBody: "body", fTranscript: "transcript", fURL: "url", fEncoding: "encoding",
	fContentHash: "content_hash", fAlg: "alg", fSignature: "signature", fKey: "key", fDisposition: "disposition",
	fSessionID: "session_id", fPartyHistory: "party_history", fTransferee: "transferee", fTransferor: "transferor",
	fOriginal: "original", fTargetDialog: "target_dialog", fTargetDialogOld: "target-dialog",
	fTransferTarget: "transfer_target", fTransferTargetOld: "transfer-target", fConsultation: "consultation",
	fApplication: "application", fMessageID: "message_id", fCampaign: "campaign", fInteraction: "interaction",
	fInteractionType: "interaction_type", fInteractionID: "interaction_id", fSkill: "skill", fPurpose: "purpose",
	fParty: "party", fVendor: "vendor", fAttachment: "attachment", fProduct: "product", fVendorProduct: "vendor_product",
	fSchema: "schema", fVendorSchema: "vendor_schema", fSchemaVersion: "schema_version", fPayload: "payload", fSignatures: "signatures", fHeader: "header", fProtected: "protected",
	fUnprotected: "unprotected", fRecipients: "recipients", fIV: "iv", fCiphertext: "ciphertext", fTag: "tag",
	fEncryptedKey: "encrypted_key",
}

// fieldOf finds the field of a name without escapes.
func fieldOf(name []byte) field {
	switch string(name) {
	case "vcon":
		return fVcon
	case "uuid":
		return fUUID
	case "extensions":
		return fExtensions
	case "critical":
		return fCritical
	case "must_support":
		return fMustSupport
	case "created_at":
		return fCreatedAt
	case "updated_at":
		return fUpdatedAt
	case "subject":
		return fSubject
	case "redacted":
		return fRedacted
	case "amended":
		return fAmended
	case "appended":
		return fAppended
	case "group":
		return fGroup
	case "parties":
		return fParties
	case "dialog":
		return fDialog
	case "analysis":
		return fAnalysis
	case "attachments":
		return fAttachments
	case "tel":
		return fTel
	case "sip":
		return fSip
	case "stir":
		return fStir
	case "mailto":
		return fMailto
	case "name":
		return fName
	case "did":
		return fDid
	case "validation":
		return fValidation
	case "gmlpos":
		return fGmlpos
	case "civicaddress":
		return fCivicaddress
	case "type":
		return fType
	case "org":
		return fOrg
	case "dept":
		return fDept
	case "role":
		return fRole
	case "contact_list":
		return fContactList
	case "start":
		return fStart
	case "duration":
		return fDuration
	case "originator":
		return fOriginator
	case "recordings":
		return fRecordings
	case "recording_set":
		return fRecordingSet
	case "mediatype":
		return fMediatype
	case "mimetype":
		return fMimetype
	case "filename":
		return fFilename
	case "body":
		return fBody
	case "transcript":
		return fTranscript
	case "url":
		return fURL
	case "encoding":
		return fEncoding
	case "content_hash":
		return fContentHash
	case "alg":
		return fAlg
	case "signature":
		return fSignature
	case "key":
		return fKey
	case "disposition":
		return fDisposition
	case "session_id":
		return fSessionID
	case "party_history":
		return fPartyHistory
	case "transferee":
		return fTransferee
	case "transferor":
		return fTransferor
	case "original":
		return fOriginal
	case "target_dialog":
		return fTargetDialog
	case "target-dialog":
		return fTargetDialogOld
	case "transfer_target":
		return fTransferTarget
	case "transfer-target":
		return fTransferTargetOld
	case "consultation":
		return fConsultation
	case "application":
		return fApplication
	case "message_id":
		return fMessageID
	case "campaign":
		return fCampaign
	case "interaction":
		return fInteraction
	case "interaction_type":
		return fInteractionType
	case "interaction_id":
		return fInteractionID
	case "skill":
		return fSkill
	case "purpose":
		return fPurpose
	case "party":
		return fParty
	case "vendor":
		return fVendor
	case "attachment":
		return fAttachment
	case "product":
		return fProduct
	case "vendor_product":
		return fVendorProduct
	case "schema":
		return fSchema
	case "vendor_schema":
		return fVendorSchema
	case "schema_version":
		return fSchemaVersion
	case "payload":
		return fPayload
	case "signatures":
		return fSignatures
	case "header":
		return fHeader
	case "protected":
		return fProtected
	case "unprotected":
		return fUnprotected
	case "recipients":
		return fRecipients
	case "iv":
		return fIV
	case "ciphertext":
		return fCiphertext
	case "tag":
		return fTag
	case "encrypted_key":
		return fEncryptedKey
	}
	return fUnknown
}
