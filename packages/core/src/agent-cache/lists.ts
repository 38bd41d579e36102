/** Spans in lists, linked both ways by record numbers: O(1) in and out. Whoever may change the list's owner may change it. */
import { type Cache, recordOf } from "./cache.js";
import { BEFORE, NEXT } from "./state.js";

/** Second, where there is a first: that one is being used up, and the end of a list is far away. */
export function link(cache: Cache, list: number, id: number): void {
  const { words } = cache;
  const record = recordOf(cache, id);
  const head = words[list];
  if (head === 0) {
    words[record + NEXT] = 0;
    words[record + BEFORE] = 0;
    words[list] = id;
    return;
  }
  const after = words[recordOf(cache, head) + NEXT];
  words[record + NEXT] = after;
  words[record + BEFORE] = head;
  if (after !== 0) words[recordOf(cache, after) + BEFORE] = id;
  words[recordOf(cache, head) + NEXT] = id;
}

export function unlink(cache: Cache, list: number, id: number): void {
  const { words } = cache;
  const record = recordOf(cache, id);
  const next = words[record + NEXT];
  const before = words[record + BEFORE];
  if (next !== 0) words[recordOf(cache, next) + BEFORE] = before;
  if (before !== 0) words[recordOf(cache, before) + NEXT] = next;
  else words[list] = next;
}

/** One that is only taken from its beginning: by `next` alone. */
export function push(cache: Cache, list: number, id: number): void {
  const { words } = cache;
  words[recordOf(cache, id) + NEXT] = words[list];
  words[list] = id;
}

/** 0 if there is none. */
export function pop(cache: Cache, list: number): number {
  const { words } = cache;
  const id = words[list];
  if (id !== 0) words[list] = words[recordOf(cache, id) + NEXT];
  return id;
}
