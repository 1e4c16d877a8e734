//go:build !race

package api

// large is the size of the large document.
const large = 100 << 20
