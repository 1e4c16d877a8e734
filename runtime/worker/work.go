package worker

func (p *Pool) work(h *held) {}
