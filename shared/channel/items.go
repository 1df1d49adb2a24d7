package channel

import "ryggrad.internal/hub/shared/order"

// An itemForm says where the parts of an item stand in a platform's payload, for the platforms that differ in nothing else.
// Of several names the first that says something counts.
type itemForm struct {
	plu, name, note []string
	size            []string // a path to what follows the name: `Large`
	quantity, price []string
	money           func(*draft, *node) int64
	groups          []string // the list whose elements hold the lists of what is added; nil where the item holds them itself
	under           []string // the lists of what is added to an item, of which there may be several
}

// items reads a list of items in a form. It stops one level below what an order may have, which its check then refuses.
func (d *draft) items(list *node, form itemForm, depth int) []order.Item {
	var items []order.Item
	if depth > order.MaxDepth+1 {
		return nil
	}
	for _, in := range list.maybeList() {
		item := order.Item{PLU: in.any(form.plu...).text(), Name: in.any(form.name...).text(), Note: in.any(form.note...).text()}
		if size := form.sizeOf(in).text(); size != "" {
			item.Name += " " + size
		}
		item.Quantity, item.UnitPrice = d.quantity(in.any(form.quantity...), form.money(d, in.any(form.price...)))
		for _, holder := range form.holders(in) {
			for _, name := range form.under {
				item.Modifiers = append(item.Modifiers, d.items(holder.get(name), form, depth+1)...)
			}
		}
		items = append(items, item)
	}
	return items
}

func (f itemForm) sizeOf(in *node) *node {
	if f.size == nil {
		return nil
	}
	return in.get(f.size...)
}

// holders returns what holds the lists of what is added to an item.
func (f itemForm) holders(in *node) []*node {
	if f.groups == nil {
		return []*node{in}
	}
	return in.any(f.groups...).maybeList()
}
