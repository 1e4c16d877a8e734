package config

import "strings"

// nearest gives the name that a typing mistake may have meant, "" if none is near.
func nearest(name string, names []string) string {
	best, distance := "", 3
	for _, n := range names {
		if plainName(n) == plainName(name) {
			return n
		}
		if d := editDistance(strings.ToLower(name), n); d < distance && d*3 <= max(len(name), len(n)) {
			best, distance = n, d
		}
	}
	return best
}

func plainName(s string) string {
	return strings.NewReplacer("-", "", "_", "", " ", "").Replace(strings.ToLower(s))
}

// editDistance counts inserted, deleted, replaced and swapped bytes; long names are not compared (3 = too far).
func editDistance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return 3
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
