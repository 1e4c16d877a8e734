package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/vconduit/vconduit/builtin/tracer/audit"
	"github.com/vconduit/vconduit/config"
	"github.com/vconduit/vconduit/queue"
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

// VConAudit is what an audit log says of one vCon.
type VConAudit struct {
	VCon     string         `json:"vcon"`
	Records  []AuditEntry   `json:"records"`  // oldest first
	Problems []AuditProblem `json:"problems"` // where they are not what was written
}

// AuditOf reads what the log in a folder says of a vCon. The log may be written meanwhile. Errors: queue.ErrNotFound when it
// says nothing.
func AuditOf(folder string, id vcon.ID) (VConAudit, error) {
	records, problems, err := audit.Of(folder, id)
	if err == nil && len(records)+len(problems) == 0 {
		err = queue.ErrNotFound
	}
	return VConAudit{id.String(), records, problems}, err
}

// auditLog is the log of the present configuration, for the API.
type auditLog struct{ a *App }

// Of implements api.Audit.
func (l auditLog) Of(_ context.Context, id vcon.ID) ([]byte, error) {
	folder, err := auditFolder(l.a.current.Load().cfg)
	if err != nil {
		return nil, err
	}
	v, err := AuditOf(folder, id)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, queue.ErrNotFound // nothing was ever traced
	}
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// AuditVerify holds the whole log in a folder against itself, and against a head that was noted earlier.
func AuditVerify(folder string, noted AuditHead) (AuditReport, error) {
	return audit.Verify(folder, noted)
}
