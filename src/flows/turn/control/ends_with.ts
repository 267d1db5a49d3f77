/**
 * Joins two reasons to end a turn: the process stops, or the turn is cut.
 *
 * `AbortSignal.any` costs more than everything else here, and a turn that has ended must leave no
 * listener at the process's signal.
 *
 * @module
 */

/** A signal that follows two others, until it is released. */
export interface JoinedSignal {
  /** Aborted as soon as one of the others is. */
  readonly signal: AbortSignal;
  /** Stops following. */
  end(): void;
}

/** Creates a signal that follows two others. */
export function endsWith(one: AbortSignal, other: AbortSignal): JoinedSignal {
  const controller = new AbortController();
  const abort = () => controller.abort(one.aborted ? one.reason : other.reason);
  if (one.aborted || other.aborted) abort();
  one.addEventListener("abort", abort, { once: true });
  other.addEventListener("abort", abort, { once: true });
  return {
    signal: controller.signal,
    end() {
      one.removeEventListener("abort", abort);
      other.removeEventListener("abort", abort);
    },
  };
}
