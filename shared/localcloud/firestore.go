package localcloud

func (c *Cloud) openFirestore() error { return nil }
