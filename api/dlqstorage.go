package api

import "github.com/vconduit/vconduit/queue"

// storageList is the list of a storage's dead letters; "" when no storage is named.
func (q *query) storageList() string {
	name := q.text("storage")
	if name == "" {
		return ""
	}
	q.checkName("storage", name)
	return queue.StoragePrefix + name
}

// getStorageDLQ answers GET /dlq/storage: what one storage owes, or all of them, by name and the oldest failure first.
func getStorageDLQ(c *call) {
	q := c.query()
	list := q.storageList()
	page := queue.Page{Offset: q.between("offset", 0, 0, 1<<31), Limit: q.between("limit", 100, 1, 10_000)}
	filter := q.filter()
	if len(q.problems) > 0 {
		c.reject(q.problems)
		return
	}
	c.answerLetters(list, queue.StoragePrefix, filter, page)
}

// postStorageReprocess answers POST /dlq/storage/reprocess with how many saves in that storage alone were queued. No link
// runs again; a dead letter stays until its save succeeded.
func postStorageReprocess(c *call) {
	q := c.query()
	q.required("storage")
	c.reprocess(q, q.storageList(), queue.FromFailed)
}
