/** A clock that moves only when a test moves it, with its timers. */
export class FakeClock {
  #now: number;
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  /** Unix time in milliseconds; bound, so that it can be passed as a port. */
  readonly now = (): number => this.#now;

  /** A schedule like that of `lib/clock.ts`. */
  readonly schedule = (run: () => void, ms: number): () => void => {
    const timer = { at: this.#now + ms, run };
    this.#timers.push(timer);
    return () => this.#timers = this.#timers.filter((other) => other !== timer);
  };

  get pending(): number {
    return this.#timers.length;
  }

  /** Stops the process: time goes on, and no timer runs. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  /** Moves on, and runs due timers, each at its own time and in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#now = Math.max(this.#now, due.at);
      due.run();
    }
    this.#now = until;
  }
}
