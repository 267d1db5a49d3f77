/** A clock that moves only when a test moves it, with its timers. */
export class FakeClock {
  #steady: number;
  /** Milliseconds by which someone has set it. */
  #setBy = 0;
  #timers: { readonly at: number; readonly run: () => void }[] = [];

  constructor(now = Date.UTC(2026, 0, 1)) {
    this.#steady = now;
  }

  /** Unix time in milliseconds; bound, so that it can be passed as a port. */
  readonly now = (): number => this.#steady + this.#setBy;

  /** Milliseconds of a clock that no one sets. */
  readonly steady = (): number => this.#steady;

  /** A schedule like that of `lib/clock.ts`. */
  readonly schedule = (run: () => void, ms: number): () => void => {
    const timer = { at: this.#steady + ms, run };
    this.#timers.push(timer);
    return () => this.#timers = this.#timers.filter((other) => other !== timer);
  };

  get pending(): number {
    return this.#timers.length;
  }

  /** Stops the process: time goes on, and no timer runs. */
  sleep(ms: number): void {
    this.#steady += ms;
  }

  /** Someone sets the clock. Timers do not mind. */
  set(byMs: number): void {
    this.#setBy += byMs;
  }

  /** Moves on, and runs due timers, each at its own time and in order. */
  advance(ms: number): void {
    const until = this.#steady + ms;
    for (;;) {
      const due = this.#timers.filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((timer) => timer !== due);
      this.#steady = Math.max(this.#steady, due.at);
      due.run();
    }
    this.#steady = until;
  }
}
