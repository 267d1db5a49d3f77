/** Processes of a bot over one store, each of which may die at any of its steps. */

import { openTestStore } from "./store/store.ts";

/** What a process writes: it may die before each of these, and after it. */
const WRITES: ReadonlySet<PropertyKey> = new Set([
  ...[
    "acceptBatch",
    "claimNext",
    "add",
    "addSteps",
    "finishTurn",
    "markSending",
    "markSent",
    "markAbsent",
  ],
  ...["markRefused", "markFailing", "markWaiting"],
]);

export function mortals() {
  const opened = openTestStore();
  let process = 0;
  let steps = 0;
  let left = Infinity;
  let instead: (() => void) | undefined;
  const never = new Promise<never>(() => {});

  function pass(of: number): void {
    steps++;
    if (of !== process || --left > 0) return;
    if (instead) instead();
    else process++;
  }
  /** Dead processes get no answer, and do nothing. */
  async function step<T>(of: number, run: () => T): Promise<Awaited<T>> {
    pass(of);
    if (of !== process) return await never;
    const result = await run();
    pass(of);
    return of === process ? result : await never;
  }
  const part = <Part extends object>(of: number, part: Part): Part =>
    new Proxy(part, {
      get(target, name) {
        const method: unknown = Reflect.get(target, name);
        if (typeof method !== "function") return method;
        return (...args: unknown[]) => {
          if (WRITES.has(name)) return step(of, () => method.apply(target, args));
          return of === process ? method.apply(target, args) : never;
        };
      },
    });
  return {
    ...opened,
    steps: () => steps,
    /** The running process dies at so many steps from here on, or that happens instead. */
    diesIn(count: number, other?: () => void): void {
      left = count;
      instead = other;
    },
    /** Begins the next process. @returns Its steps, and the store before it. */
    async next() {
      const of = ++process;
      left = Infinity;
      instead = undefined;
      await opened.store.inbox.voidClaims();
      const { inbox, outbox, turns } = opened.store;
      const own = { inbox: part(of, inbox), outbox: part(of, outbox), turns: part(of, turns) };
      return {
        before: { ...opened, store: { ...opened.store, ...own } },
        step: <T>(run: () => T) => step(of, run),
        isDead: () => of !== process,
      };
    },
  };
}
