/** What a worker is given, and how it answers: `{ said }` any number of times, then `{ done }` or `{ error }`. */

/** What a role has besides its data. */
export interface Surroundings {
  /** Tells the page something before the end. */
  say(message: unknown): void;
  /** The next message of the page. */
  heard(): Promise<unknown>;
}

export interface Call {
  readonly role: string;
  readonly data: unknown;
  /** A Web Lock that the worker holds until it ends, whatever ends it. */
  readonly alive: string;
}

export interface Answer {
  readonly said?: unknown;
  readonly done?: unknown;
  readonly error?: string;
}

type Role = (data: unknown, surroundings: Surroundings) => unknown;

/** A worker's global scope, named by its shape: the compiler's `dom` library knows the page's. */
interface Scope {
  onmessage: ((event: { readonly data: unknown }) => void) | null;
  postMessage(message: Answer): void;
}
const scope = globalThis as unknown as Scope;

export function play<Roles extends object>(roles: Roles): void {
  const unheard: unknown[] = [];
  const asking: ((message: unknown) => void)[] = [];
  const heard = (): Promise<unknown> =>
    unheard.length > 0 ? Promise.resolve(unheard.shift()) : new Promise((resolve) => asking.push(resolve));
  scope.onmessage = ({ data }) => {
    const asked = asking.shift();
    if (asked === undefined) unheard.push(data);
    else asked(data);
  };
  const say = (said: unknown): void => scope.postMessage({ said });

  async function begin(): Promise<void> {
    const { role, data, alive } = (await heard()) as Call;
    await new Promise<void>((isHeld, fail) => {
      const forever = (): Promise<void> => {
        isHeld();
        return new Promise(() => {});
      };
      navigator.locks.request(alive, forever).catch(fail);
    });
    const done = await (roles[role as keyof Roles] as unknown as Role)(data, { say, heard });
    scope.postMessage({ done });
  }
  begin().catch((error) => scope.postMessage({ error: String(error?.stack ?? error) }));
}
