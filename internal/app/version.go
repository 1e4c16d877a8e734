package app

import (
	"runtime"
	"runtime/debug"
)

// VersionInfo says what runs.
type VersionInfo struct {
	Version   string `json:"version"`
	GitCommit string `json:"git_commit"`
	BuildTime string `json:"build_time"`
	Go        string `json:"go"`
}

// Version is VCON_SERVER_VERSION, VCON_SERVER_GIT_COMMIT and VCON_SERVER_BUILD_TIME where set (images set them), else
// what the Go linker wrote into the binary, else "dev" and "unknown" as the Python server says.
func Version(getenv func(string) string) VersionInfo {
	v := VersionInfo{Version: "dev", GitCommit: "unknown", BuildTime: "unknown", Go: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		v.fromBuild(info)
	}
	for name, field := range map[string]*string{
		"VCON_SERVER_VERSION":    &v.Version,
		"VCON_SERVER_GIT_COMMIT": &v.GitCommit,
		"VCON_SERVER_BUILD_TIME": &v.BuildTime,
	} {
		if s := getenv(name); s != "" {
			*field = s
		}
	}
	return v
}

func (v *VersionInfo) fromBuild(info *debug.BuildInfo) {
	if m := info.Main.Version; m != "" && m != "(devel)" {
		v.Version = m
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.GitCommit = s.Value
		case "vcs.time":
			v.BuildTime = s.Value
		}
	}
}
