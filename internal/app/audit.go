package app

import (
	"fmt"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/builtin/tracer/audit"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/vcon"
)

// What commands show of an audit log.
type (
	AuditEntry   = audit.Entry
	AuditProblem = audit.Problem
	AuditReport  = audit.Report
	AuditHead    = audit.Head
)

// AuditFolder is where the configuration keeps its audit log: in the folder of its tracer tracers.audit, else where that
// would be by default. Errors: *RefusedError when the configuration cannot be read, or names several logs.
func AuditFolder(o Options) (string, error) {
	cfg, report := loadConfig(config.Path(o.Config, lookup(o.Getenv), "."), o)
	if cfg == nil {
		return "", refused(report)
	}
	return auditFolder(cfg)
}

func auditFolder(cfg *config.Config) (string, error) {
	var folders []string
	for _, t := range cfg.Tracers {
		if folder := audit.FolderOf(t.Options.JSON(), audit.Folder(cfg.DataDir)); t.Module == "tracers.audit" && !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	switch len(folders) {
	case 0:
		return audit.Folder(cfg.DataDir), nil
	case 1:
		return folders[0], nil
	}
	return "", &RefusedError{[]string{fmt.Sprintf("the configuration has %d audit logs, in %s", len(folders), strings.Join(folders, ", "))}}
}

// AuditOf gives the records of a vCon from the log in a folder, oldest first, and what is wrong with them. The log may be
// written meanwhile.
func AuditOf(folder string, id vcon.ID) ([]AuditEntry, []AuditProblem, error) {
	return audit.Of(folder, id)
}

// AuditVerify holds the whole log in a folder against itself, and against a head that was noted earlier.
func AuditVerify(folder string, noted AuditHead) (AuditReport, error) {
	return audit.Verify(folder, noted)
}
