//go:build race

package api

// large is the size of the large document where every memory access is checked: a hundred would take half a minute.
const large = 16 << 20
