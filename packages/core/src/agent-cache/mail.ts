/**
 * Notes to a span's owner that others have freed cells of it.
 *
 *     who frees   bit set ─► notes 0 ─► 1, by one of them ─► pushed on the owner's inbox ─► still the owner's? else that inbox is opened
 *     owner       inbox taken whole ─► notes 0 ─► bits collected
 *
 * Whoever set `notes` has the only right to push the span, and whoever takes it out of an inbox to set it to 0: it is never in two inboxes, nor
 * twice in one. Both the owner, who changes and then looks into its inbox, and who pushes, who looks at the owner afterwards, would have to
 * miss the other for a note to be lost.
 */
import { type Cache, recordOf } from "./cache.js";
import { collectOrphan, collectOwn } from "./spans.js";
import { INBOX, MAIL, NOTES, OWNER, SHARD_WORDS, START } from "./state.js";

/** Another agent's cell has been freed: its owner is told, unless it has been since it last looked. */
export function post(cache: Cache, id: number, record: number): void {
  const { words, plan, shared } = cache;
  for (;;) {
    if (Atomics.load(words, record + NOTES) !== 0) return;
    if (Atomics.compareExchange(words, record + NOTES, 0, 1) !== 0) return;
    const owner = Atomics.load(words, record + OWNER);
    if (owner === 0) {
      // Nobody looks into it of himself, and a full one is in no list.
      Atomics.store(words, record + NOTES, 0);
      if (collectUnowned(cache, id, record)) return;
      continue;
    }
    const inbox = shared + plan.shards + (owner - 1) * SHARD_WORDS + INBOX;
    for (let first = Atomics.load(words, inbox); ; ) {
      words[record + MAIL] = first;
      const found = Atomics.compareExchange(words, inbox, first, id);
      if (found === first) break;
      first = found;
    }
    // It has become another's, or nobody's: who had it may never look again.
    if (Atomics.load(words, record + OWNER) !== owner) openInbox(cache, inbox);
    return;
  }
}

/** False: it is somebody's by now. */
function collectUnowned(cache: Cache, id: number, record: number): boolean {
  const { words } = cache;
  const { front } = cache.ctx;
  front?.enter();
  try {
    if (Atomics.load(words, record + OWNER) !== 0) return false;
    if (words[record + START] !== 0) collectOrphan(cache, id, record);
    return true;
  } finally {
    front?.leave();
  }
}

/** Collects of every span somebody has left a note of. */
export function openMail(cache: Cache): void {
  openInbox(cache, cache.shard + INBOX);
}

/** Another agent's, too: what is in it is everybody's to hand on. */
function openInbox(cache: Cache, inbox: number): void {
  const { words, me } = cache;
  if (Atomics.load(words, inbox) === 0) return;
  let id = Atomics.exchange(words, inbox, 0);
  while (id !== 0) {
    const record = recordOf(cache, id);
    const next = words[record + MAIL];
    // Only who takes it out of an inbox may say so: it must never be in two. And first: what is freed from here on is noted again.
    Atomics.store(words, record + NOTES, 0);
    if (words[record + OWNER] === me) collectOwn(cache, id, record);
    // It has become another's since: that one is told.
    else post(cache, id, record);
    id = next;
  }
}
