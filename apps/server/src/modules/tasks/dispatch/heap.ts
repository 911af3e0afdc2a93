/** The smallest first. */
export interface Heap<T> {
  readonly peek: () => T | undefined;
  readonly pop: () => T | undefined;
  readonly push: (item: T) => void;
}

/** A binary heap; building it is linear, taking or adding one is logarithmic. What is in it must not change its rank. */
export function createHeap<T>(items: readonly T[], compare: (a: T, b: T) => number): Heap<T> {
  const heap = items.slice();
  const isBefore = (a: T, b: T): boolean => compare(a, b) < 0;
  const at = (place: number): T => heap[place] as T;

  function sink(from: number): void {
    const item = at(from);
    let place = from;
    for (;;) {
      let child = 2 * place + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(at(child + 1), at(child))) child += 1;
      if (!isBefore(at(child), item)) break;
      heap[place] = at(child);
      place = child;
    }
    heap[place] = item;
  }

  function rise(from: number): void {
    const item = at(from);
    let place = from;
    while (place > 0) {
      const parent = (place - 1) >> 1;
      if (!isBefore(item, at(parent))) break;
      heap[place] = at(parent);
      place = parent;
    }
    heap[place] = item;
  }

  for (let place = (heap.length >> 1) - 1; place >= 0; place -= 1) sink(place);
  return {
    peek: () => heap[0],
    pop() {
      const first = heap[0];
      const last = heap.pop();
      if (heap.length > 0 && last !== undefined) {
        heap[0] = last;
        sink(0);
      }
      return first;
    },
    push(item) {
      heap.push(item);
      rise(heap.length - 1);
    },
  };
}
