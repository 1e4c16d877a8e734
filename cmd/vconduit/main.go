// Command vconduit is a vCon server whose processing steps are sandboxed WebAssembly.
package main

func main() {}
