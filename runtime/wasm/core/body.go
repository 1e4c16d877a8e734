package core

import "math"

// code reads the bodies of the functions.
func (r *reader) code() {
	start, end := r.at, r.end
	n := r.count(3, "bodies")
	if declared := len(r.m.Funcs) - r.m.imported; n != declared && r.err == nil {
		r.broken(start, "%d bodies for %d functions", n, declared)
	}
	if r.err != nil {
		return
	}
	r.m.Bodies = make([]Body, 0, n)
	r.walk.r = r
	for i := range n {
		start := r.at
		r.fn = r.m.imported + i
		size := r.u32()
		if r.err == nil && uint64(size) > uint64(r.left()) {
			r.broken(start, "a body claims %d bytes, %d are left", size, r.left())
		}
		if r.err != nil {
			return
		}
		r.end = r.at + int(size)
		if r.body(start); r.err != nil {
			return
		}
		r.fn, r.end = -1, end
	}
}

// body reads the body of function r.fn.
func (r *reader) body(start int) {
	w := &r.walk
	w.sizes = Sizes{SizeBytes: uint64(r.left())}
	if r.sized(start, SizeBytes); r.err != nil {
		return
	}
	b := Body{Start: uint32(r.at), End: uint32(r.end)}
	t := r.m.Types[r.m.Funcs[r.fn]]
	locals := r.locals()
	w.sizes[SizeLocals] = locals + uint64(len(t.Params))
	if r.sized(start, SizeLocals); r.err != nil {
		return
	}
	b.Locals, b.Code = uint32(locals), uint32(r.at)
	w.cursor = r.cursor
	w.run(len(t.Results))
	r.cursor = w.cursor
	for s := range sizes {
		r.sized(start, s)
	}
	r.m.Bodies = append(r.m.Bodies, b)
	r.m.Stats.add(uint32(r.fn), &w.sizes)
	r.summed(start)
}

// sized refuses a body that is larger than a limit.
func (r *reader) sized(start int, s Size) {
	if r.err == nil {
		r.over(start, s.String(), r.walk.sizes[s], r.l.of(s), sizeLimits[s].what)
	}
}

// summed refuses a module whose functions together are too much.
func (r *reader) summed(start int) {
	if r.err != nil {
		return
	}
	sum := &r.m.Stats.Sum
	r.over(start, "AllLocals", sum[SizeLocals], r.l.AllLocals, "locals of all functions")
	work, n := sum[SizeWork], uint64(len(r.b))
	if r.err != nil || r.over(start, "Work", work, r.l.Work, "units of compile work in all functions") {
		return
	}
	perByte := (work - min(work, smallWork) + n - 1) / n
	r.over(start, "WorkPerByte", perByte, r.l.WorkPerByte, "units of compile work for each byte of the module")
}

// locals reads the declarations of the locals and gives their number.
func (r *reader) locals() uint64 {
	start, sum := r.at, uint64(0)
	for range r.count(2, "groups of locals") {
		sum += uint64(r.u32())
		if r.valType(); r.err != nil {
			return 0
		}
	}
	if sum > math.MaxUint32 {
		r.broken(start, "%d locals", sum)
	}
	return sum
}
