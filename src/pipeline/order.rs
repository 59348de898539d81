//! Puts what workers finished back into the order in which it was read.

use std::collections::BTreeMap;

/// Items by their sequence number; bounded by how many workers there are and how much each may
/// hold.
#[derive(Debug)]
pub struct Order<T> {
    next: u64,
    waiting: BTreeMap<u64, T>,
}

impl<T> Default for Order<T> {
    fn default() -> Self {
        Self { next: 0, waiting: BTreeMap::new() }
    }
}

impl<T> Order<T> {
    /// Takes an item.
    pub fn put(&mut self, sequence: u64, item: T) {
        self.waiting.insert(sequence, item);
    }

    /// The next item in order, if it is there.
    pub fn take(&mut self) -> Option<T> {
        let item = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some(item)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_come_out_in_the_order_of_their_numbers() {
        let mut order = Order::default();
        order.put(1, 'b');
        assert_eq!(order.take(), None);
        order.put(0, 'a');
        assert_eq!((order.take(), order.take(), order.take()), (Some('a'), Some('b'), None));
    }
}
