/** The ring, step by step: a call is overtaken by others before each of its atomic steps. */
import { describe, expect, it } from "vitest";
import { POSITIONS } from "./channel-words.js";
import { code, drain, interrupted, rings, type World, works, world } from "./fixtures/channel-world.js";
import type { Channel } from "./index.js";

describe.each(rings)("$slots slots from position $start, $filled in it", ({ slots, start, filled }) => {
  const before = Array.from({ length: filled }, (_, index) => index + 1);

  it("a call that is overtaken at any step loses and doubles nothing", () => {
    for (const call of ["send", "receive"]) {
      for (const program of ["s", "r", "ss", "rr", "sr", "rs", "srsr", "ssrr", "rrss", "c", "sc", "rc"]) {
        for (const times of [1, 9]) {
          for (let step = 0; ; step++) {
            const it = world(slots, start, filled);
            const got: number[] = [];
            const sent = [...before];
            let closed = false;
            const receive = (queue: Channel): void => {
              const message = queue.tryReceive();
              if (message !== undefined) got.push(message.tag);
            };
            const send = (queue: Channel, tag: number): void => {
              try {
                if (queue.trySend(it.ptr, 1, tag)) sent.push(tag);
              } catch (error) {
                expect([closed, error]).toEqual([true, code("ERR_UNSUPPORTED")]);
              }
            };
            const others = (): void => {
              for (let round = 0; round < times; round++) {
                for (const letter of program) {
                  if (letter === "c") {
                    it.mine.close();
                    closed = true;
                  } else if (letter === "r") receive(it.mine);
                  else send(it.mine, 1000 + sent.length + round);
                }
              }
            };
            const own = call === "send" ? () => send(it.theirs, 99) : () => receive(it.theirs);
            const came = interrupted(step, others, own);
            // What came out was sent, once each; what did not is still in there.
            const all = [...got, ...drain(it.mine)];
            expect([...all].sort()).toEqual([...sent].sort());
            // In order but for the call itself, which may be counted before or after those that overtook it.
            const apart = call === "send" ? 99 : all[0];
            if (call === "send") {
              expect(all.filter((tag) => tag !== apart)).toEqual(sent.filter((tag) => tag !== apart));
            }
            if (!closed) works(it);
            else expect(it.mine.receive()).toBeUndefined();
            if (!came) break;
          }
        }
      }
    }
  });
});

describe.each(rings)(
  "the end of $slots slots from position $start, $filled in it",
  ({ slots, start, filled }) => {
    /** A receive that does not wait: the tag, "end", or "busy". */
    function next(queue: Channel): number | string {
      try {
        return queue.receive({ timeoutMs: 0 })?.tag ?? "end";
      } catch (error) {
        expect(error).toEqual(code("ERR_LOCK_TIMEOUT"));
        return "busy";
      }
    }

    it("is final, wherever closing and receiving overtake a call", () => {
      const seen = new Set<string>();
      for (const call of ["send", "receive"]) {
        for (const program of ["c", "ce", "cee", "sc", "sce", "rc", "src", "sceeeeeee"]) {
          for (let step = 0; ; step++) {
            const it = world(slots, start, filled);
            let ended = false;
            const take = (queue: Channel): void => {
              const got = next(queue);
              // After the end nothing comes, but for the call that had its message in hand before.
              if (queue === it.mine) expect(ended && typeof got === "number").toBe(false);
              if (got === "end") ended = true;
              seen.add(typeof got === "number" ? "message" : got);
            };
            const others = (): void => {
              for (const letter of program) {
                if (letter === "c") it.mine.close();
                else if (letter === "s") it.mine.trySend(it.ptr, 1, 50);
                else take(it.mine);
              }
            };
            const send = (): void => {
              try {
                it.theirs.trySend(it.ptr, 1, 99);
              } catch (error) {
                expect(error).toEqual(code("ERR_UNSUPPORTED"));
              }
            };
            const came = interrupted(step, others, call === "send" ? send : () => take(it.theirs));
            if (ended) expect(it.mine.tryReceive()).toBeUndefined();
            drain(it.mine);
            if (came) expect(it.mine.receive()).toBeUndefined();
            if (!came) break;
          }
        }
      }
    });
  },
);

describe("a call that others overtake by many laps", () => {
  it.each([1, 2])("still finds the room, or the message, there is among %d slots", (slots) => {
    for (let times = 1; times <= 34; times++) {
      for (let step = 0; ; step++) {
        const send = world(slots, POSITIONS - 20, 0);
        const others =
          ({ mine, ptr }: World, program: string) =>
          (): void => {
            for (let round = 0; round < times; round++) {
              for (const letter of program) {
                if (letter === "s") mine.trySend(ptr, 1, round);
                else mine.tryReceive();
              }
            }
          };
        let done = false;
        const sent = interrupted(step, others(send, "sr"), () => {
          done = send.theirs.trySend(send.ptr, 1);
        });
        expect(done).toBe(true);
        const receive = world(slots, POSITIONS - 20, 1);
        let got = false;
        const received = interrupted(step, others(receive, slots === 1 ? "rs" : "sr"), () => {
          got = receive.theirs.tryReceive() !== undefined;
        });
        expect(got).toBe(true);
        if (!sent && !received) break;
      }
    }
  });
});
