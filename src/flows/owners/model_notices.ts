/**
 * Tells the owners when a model fails in a way that only they can fix (L3).
 *
 * They get one notice of each problem until a model answers again, also over restarts. A crash
 * between the notice and its record repeats the notice, and never loses it.
 *
 * A model that comes and goes must not send a notice each time. So none is sent while the alert about
 * the same problem lasts (O12): the owners have not heard yet that the problem is over.
 */

import type { BotAccount } from "../../account/account.ts";
import { perAccount } from "../../account/per_account.ts";
import { refusedParts } from "../../account/rules.ts";
import { ModelError } from "../../core/model.ts";
import { modelProblemOf, wordsOf } from "../../core/model_problem.ts";
import type { TurnOutcome } from "../../core/turn/turn_outcome.ts";
import { tellOwners } from "./tell_owners.ts";

interface Told {
  /** The problems that owners know, of the store; absent before the first turn. */
  known?: Set<string>;
  /** When a model answered last, if problems were known. An alert from before has outlived it. */
  answeredAt: number;
  readonly parts: Set<string>;
  /** Number of ends that wait to be judged. */
  waiting: number;
  last: Promise<void>;
}

const toldOf = perAccount("delivery", (): Told => ({
  answeredAt: -Infinity,
  parts: new Set(),
  waiting: 0,
  last: Promise.resolve(),
}));

/** A turn has ended, perhaps because of a problem that the owners must fix. */
export function tellModelProblem(account: BotAccount, outcome: TurnOutcome): void {
  const told = toldOf(account);
  tellRefused(account, told);
  const isWell = outcome.kind === "reply" && !outcome.failure;
  if (isWell && told.waiting === 0 && told.known?.size === 0) return; // as most ends
  told.waiting++;
  told.last = told.last.then(() => judge(account, told, outcome)).catch((error: unknown) => {
    const event = "Cannot record which problems of the model the owners know";
    account.log.warn(event, { error });
  }).finally(() => void told.waiting--);
}

/** The failure of a turn's model, even if a fallback has answered. */
function failureOf(outcome: TurnOutcome): unknown {
  return outcome.kind === "reply"
    ? outcome.failure
    : outcome.kind === "failed"
    ? outcome.error
    : undefined;
}

async function judge(account: BotAccount, told: Told, outcome: TurnOutcome): Promise<void> {
  const { accountId, store: { usage }, now } = account;
  const error = failureOf(outcome);
  const known = told.known ??= new Set(await usage.toldProblems(accountId));
  if (outcome.kind === "reply" && !error && known.size > 0) {
    known.clear();
    told.answeredAt = now();
    await usage.forgetProblems(accountId);
  }
  if (!(error instanceof ModelError)) return;
  const { kind, modelId: model } = error;
  const problem = modelProblemOf(error);
  const key = `${kind} ${model}`;
  if (!problem || known.has(key)) return;
  known.add(key);
  if (!await isStillTold(account, told, model, problem.why)) {
    const why = problem.why + wordsOf(error);
    await tellOwners(
      account,
      `I can't answer: my model \`${model}\` fails, because ${why}. To fix it, ${problem.fix}. To ` +
        "check it again, run `barnacle doctor`.",
    );
  }
  await usage.noteProblem(accountId, key, now());
}

/** Whether an alert about this problem has lasted since before the last answer. */
async function isStillTold(
  { store }: BotAccount,
  { answeredAt }: Told,
  model: string,
  why: string,
): Promise<boolean> {
  return (await store.settings.alerts()).some((
    { kind, about, cause, since, endedAt, toldAt },
  ) =>
    kind === "model" && about === model && cause === why && toldAt !== undefined &&
    endedAt === undefined && since < answeredAt
  );
}

/** Tells each refused part once, those of one model together: the reasons of one part may differ. */
function tellRefused(account: BotAccount, { parts: told }: Told): void {
  const fresh = refusedParts(account.settings)
    .filter(({ modelId, part }) => !told.has(`${modelId} ${part}`));
  for (const [model, parts] of Map.groupBy(fresh, ({ modelId }) => modelId)) {
    for (const { part } of parts) told.add(`${model} ${part}`);
    const part = [...new Set(parts.map((one) => one.part))].join(", ");
    const fix = [...new Set(parts.map((one) => one.fix))].join("; or ");
    void tellOwners(
      account,
      `The server of my model \`${model}\` refuses ${part}. I leave that out. To fix it, ${fix}.`,
    );
  }
}
