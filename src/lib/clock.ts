/**
 * Defines the clock and the timer that parts get, so that a test moves time instead of waiting; reads
 * times in time zones; and runs work that waits: one piece each time that it is due, or queues by keys.
 */

export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

export interface Timers extends Clock {
  readonly schedule: StartTimer;
}

/**
 * Runs a function once, after a delay in milliseconds of at most {@link MAX_TIMER_MS}.
 *
 * @returns A function that cancels the call. Calling it later, or twice, does nothing.
 */
export type StartTimer = (run: () => void, ms: number) => () => void;

export const schedule: StartTimer = (run: () => void, ms: number): () => void => {
  const timer = setTimeout(run, ms);
  return () => clearTimeout(timer);
};

/**
 * A timer for limits of others' time. Of a time in which this process is stopped, a second counts at
 * most, and never more than half of the rest: the answer may have come meanwhile.
 */
export const whileAwake = (schedule: StartTimer): StartTimer => (run, ms) => {
  let cancel = () => {};
  function wait(left: number): void {
    const stepMs = left > 20 ? Math.min(left / 2, 1_000) : left;
    cancel = schedule(() => stepMs < left ? wait(left - stepMs) : run(), stepMs);
  }
  wait(ms);
  return () => cancel();
};

/** Longest delay in milliseconds; every runtime fires a longer timer at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Resolves after a delay in milliseconds, or once the signal aborts. */
export function waitFor(ms: number, schedule: StartTimer, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      cancel();
      signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = schedule(end, ms);
    signal.addEventListener("abort", end, { once: true });
  });
}

/** A promise's value, or that of `late` if it takes longer than `ms`. What it does later is dropped. */
export function inTime<Value, Late>(
  promise: Promise<Value>,
  ms: number,
  schedule: StartTimer,
  late: () => Late,
): Promise<Value | Late> {
  const { promise: isLate, resolve } = Promise.withResolvers<void>();
  return Promise.race([promise, isLate.then(late)]).finally(schedule(resolve, ms));
}

/**
 * Runs work, and ends it once the caller's signal aborts or its time is over, whether or not the work
 * heeds the signal that it gets. That one aborts in each case.
 *
 * @throws {unknown} The signal's reason, or the error of `late`; as a rejection.
 */
export async function endingWithin<Value>(
  ms: number,
  schedule: StartTimer,
  signal: AbortSignal,
  late: () => Error,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted();
  const ending = new AbortController();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const end = (reason: unknown) => {
    reject(reason);
    ending.abort(reason);
  };
  const onAbort = () => end(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  const cancel = schedule(() => end(late()), ms);
  try {
    return await Promise.race([work(ending.signal), ended]);
  } finally {
    cancel();
    signal.removeEventListener("abort", onAbort);
    ending.abort();
  }
}

/** The time zone whose times need no `Intl`. */
export const UTC = "UTC";

export interface LocalMinute {
  /** Minutes since 1970. */
  readonly minute: number;
  readonly timezone: string;
  /** `"Tue"`. */
  readonly weekday: string;
  /** `"2026-02-03"`. */
  readonly day: string;
  /** `"05:05"`. */
  readonly time: string;
  /** `"GMT+01:00"`. */
  readonly offset: string;
}

const WEEKDAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/** Formatters by time zone, because creating one is slow. */
const formatters = new Map<string, Intl.DateTimeFormat>();

/**
 * Reads the calendar and the clock of a time zone.
 *
 * @param minute Minutes since 1970.
 */
export function localMinuteOf(minute: number, timezone: string): LocalMinute {
  if (timezone === UTC) {
    const date = new Date(minute * 60_000);
    const [day = "", time = ""] = date.toISOString().split("T");
    return {
      minute,
      timezone,
      weekday: WEEKDAYS[date.getUTCDay()] ?? "",
      day,
      time: time.slice(0, "05:05".length),
      offset: "GMT+00:00",
    };
  }
  let formatter = formatters.get(timezone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: timezone,
      weekday: "short",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      hourCycle: "h23",
      timeZoneName: "longOffset",
    });
    formatters.set(timezone, formatter);
  }
  const parts = new Map(
    formatter.formatToParts(minute * 60_000).map(({ type, value }) => [type, value]),
  );
  const part = (type: Intl.DateTimeFormatPartTypes): string => parts.get(type) ?? "";
  return {
    minute,
    timezone,
    weekday: part("weekday"),
    day: `${part("year")}-${part("month")}-${part("day")}`,
    time: `${part("hour")}:${part("minute")}`,
    offset: part("timeZoneName").replace(/^GMT$/, "GMT+00:00"), // runtimes differ here
  };
}

/** Resolves once the signal aborts, also if it has aborted already. */
export function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

/** 24 hours, in milliseconds. */
export const DAY_MS = 24 * 60 * 60 * 1_000;

export function createKeyedQueue<Key>() {
  const last = new Map<Key, Promise<unknown>>();
  return {
    /** Runs a task after all earlier tasks of its key. A task that fails delays no other. */
    async run<Result>(key: Key, task: () => Promise<Result>): Promise<Result> {
      const running = (last.get(key) ?? Promise.resolve()).then(task, task);
      last.set(key, running);
      try {
        return await running;
      } finally {
        if (last.get(key) === running) last.delete(key);
      }
    },
    /** Resolves when all tasks so far have finished; never rejects. */
    async idle(): Promise<void> {
      await Promise.allSettled(last.values());
    },
  };
}

/**
 * Creates the waker.
 *
 * @param run Does the work. Resolves with the milliseconds until it is due again; `undefined`: only
 * when it is woken.
 * @param failed Hears of an error, and returns the milliseconds until the next try.
 */
export function createWaker(
  { run, failed, schedule }: {
    readonly run: () => Promise<number | undefined>;
    readonly failed: (error: unknown) => number;
    readonly schedule: StartTimer;
  },
) {
  let isStarted = false;
  let isStopped = false;
  let isDue = false;
  let running: Promise<void> | undefined;
  let cancel: (() => void) | undefined;

  async function runOnce(): Promise<number | undefined> {
    isDue = false;
    return await run();
  }

  function wake(): void {
    if (!isStarted || isStopped) return;
    isDue = true;
    running ??= runOnce().catch(failed).then((waitMs) => {
      running = undefined;
      if (isStopped) return;
      if (isDue) return wake();
      cancel?.();
      cancel = waitMs === undefined ? undefined : schedule(wake, Math.min(MAX_TIMER_MS, waitMs));
    });
  }

  return {
    /** Allows runs, and begins one. Later calls do nothing. */
    start(): void {
      if (isStarted) return;
      isStarted = true;
      wake();
    },
    /** Runs now, or once more after the current run. Before `start`, it does nothing. */
    wake,
    /** Resolves once the current run has ended; `undefined` if none runs. */
    running: (): Promise<void> | undefined => running,
    isStopped: (): boolean => isStopped,
    /** Begins no further run, and resolves once the current one has ended. */
    async stop(): Promise<void> {
      isStopped = true;
      cancel?.();
      await running;
    },
  };
}
