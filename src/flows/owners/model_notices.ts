/**
 * Tells the owners when a model fails in a way that only they can fix (L3).
 *
 * They get one notice of each problem until a model answers again, also over restarts. A crash
 * between the notice and its record repeats the notice, and never loses it.
 *
 * A model that comes and goes must not send a notice each time. So none is sent while the alert about
 * the same problem lasts (O12): the owners have not heard yet that the problem is over.
 */

import type { AlertRecord } from "../../core/alerts.ts";
import type { TurnOutcome } from "../../core/turn/turn_outcome.ts";
import { ModelError, type RefusedPart } from "../../core/model.ts";
import { modelProblemOf, wordsOf } from "../../core/model_problem.ts";
import type { Account } from "../../core/account/account.ts";

/** The failure of a turn's model, even if a fallback has answered. */
function failureOf(outcome: TurnOutcome): unknown {
  return outcome.kind === "reply"
    ? outcome.failure
    : outcome.kind === "failed"
    ? outcome.error
    : undefined;
}

/** Creates the notices; none is sent before an event. */
export function createModelNotices(
  { log, now }: Pick<Account, "log" | "now">,
  { tell, refused, problems, alerts }: {
    readonly tell: (text: string) => Promise<void>;
    /** The parts of requests that the models' servers have refused. */
    readonly refused: () => readonly RefusedPart[];
    readonly problems: {
      /** Reads the problems that owners know. */
      readonly load: () => Promise<readonly string[]>;
      readonly note: (problem: string) => Promise<void>;
      /** No problem is left. */
      readonly forget: () => Promise<void>;
    };
    readonly alerts: () => Promise<readonly AlertRecord[]>;
  },
) {
  let known: Set<string> | undefined; // of the store, from the first turn on
  let last: Promise<void> = Promise.resolve();
  /** When a model answered last, if problems were known. An alert from before has outlived it. */
  let answeredAt = -Infinity;
  const toldParts = new Set<string>();
  /** Number of ends that wait to be judged. */
  let waiting = 0;

  async function judge(outcome: TurnOutcome): Promise<void> {
    const error = failureOf(outcome);
    known ??= new Set(await problems.load());
    if (outcome.kind === "reply" && !error && known.size > 0) {
      known.clear();
      answeredAt = now();
      await problems.forget();
    }
    if (!(error instanceof ModelError)) return;
    const { kind, modelId: model } = error;
    const problem = modelProblemOf(error);
    const key = `${kind} ${model}`;
    if (!problem || known.has(key)) return;
    known.add(key);
    if (!await isStillTold(model, problem.why)) {
      const why = problem.why + wordsOf(error);
      await tell(
        `I can't answer: my model \`${model}\` fails, because ${why}. To fix it, ` +
          `${problem.fix}. To check it again, run \`barnacle doctor\`.`,
      );
    }
    await problems.note(key);
  }

  /** Whether an alert about this problem has lasted since before the last answer. */
  async function isStillTold(model: string, why: string): Promise<boolean> {
    return (await alerts()).some(({ kind, about, cause, since, endedAt, toldAt }) =>
      kind === "model" && about === model && cause === why && toldAt !== undefined &&
      endedAt === undefined && since < answeredAt
    );
  }

  /** Tells each refused part once, those of one model together: the reasons of one part may differ. */
  function tellRefused(): void {
    const fresh = refused().filter(({ modelId, part }) => !toldParts.has(`${modelId} ${part}`));
    for (const [model, parts] of Map.groupBy(fresh, ({ modelId }) => modelId)) {
      for (const { part } of parts) toldParts.add(`${model} ${part}`);
      const part = [...new Set(parts.map((one) => one.part))].join(", ");
      const fix = [...new Set(parts.map((one) => one.fix))].join("; or ");
      void tell(
        `The server of my model \`${model}\` refuses ${part}. I leave that out. To fix it, ` +
          `${fix}.`,
      );
    }
  }

  return {
    turnEnded(outcome: TurnOutcome): void {
      tellRefused();
      const isWell = outcome.kind === "reply" && !outcome.failure;
      if (isWell && waiting === 0 && known?.size === 0) return; // as most ends
      waiting++;
      last = last.then(() => judge(outcome)).catch((error: unknown) => {
        log.warn("Cannot record which problems of the model the owners know", { error });
      }).finally(() => void waiting--);
    },
  };
}
