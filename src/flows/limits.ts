/**
 * Limits of the process, over all accounts: how many turns run at once
 * (`agents.maxConcurrentTurns`), and what requests to models may cost (X4).
 *
 * A person has one running turn, and one place is kept for owners. So people with slow questions
 * can take neither the places of others nor that of an owner, however many questions they have
 * (X4a). One more is kept for sessions without a running turn, so that a lively channel does not
 * keep others waiting.
 *
 * An account takes a place before it claims a message, and most claims find none. One account
 * claims at a time: two at once would both find the last place for others free, and one person's
 * messages to both would both begin. If an account gives the place back unused, it wakes only
 * accounts that found no free place meanwhile. Otherwise, two accounts would wake each other for
 * ever. The end of a turn wakes all accounts, because they share sessions, too.
 */

import type { BotAccount } from "../account/account.ts";
import { perAccount } from "../account/per_account.ts";
import type { UserId } from "../core/discord/ids.ts";
import {
  type Budgets,
  BudgetSpent,
  type BudgetStop,
  budgetStopOf,
  type BudgetUse,
  type BudgetUseOf,
  budgetUses,
  type Charge,
  chargeOf,
  hasBudget,
  isSpent,
  ofAgent,
  type UsageKind,
  type UsedBy,
  usedBy,
  usesOf,
} from "../core/spending/budget.ts";
import { type Model, withGenerate } from "../core/model.ts";
import type { Usage } from "../store/usage/usage.ts";

export interface TurnPerson {
  /** The person, who has one turn at a time; absent: they do not wait for this turn. */
  readonly id: UserId | undefined;
  readonly isOwner: () => boolean;
}

/**
 * Creates the limit without taken places.
 *
 * @param size Returns the current number of places; it may change.
 */
export function createTurnLimit(size: () => number) {
  const members = new Set<() => void>();
  const refused = new Set<() => void>();
  /** Number of running turns of each person who is no owner. */
  const running = new Map<UserId, number>();
  let taken = 0;
  /** Whether an account has a place and no turn for it yet. */
  let isClaiming = false;
  /** Number of places with turns of people who are no owners. */
  let others = 0;

  function wakeAll(woken: ReadonlySet<() => void>): void {
    const now = [...woken];
    refused.clear();
    for (const wake of now) wake();
  }

  function count(id: UserId | undefined, by: number): void {
    others += by;
    if (id === undefined) return;
    const turns = (running.get(id) ?? 0) + by;
    if (turns > 0) running.set(id, turns);
    else running.delete(id);
  }

  return {
    /**
     * Adds an account.
     *
     * @param wake Called when a place, or a session, may be free again.
     */
    join(wake: () => void) {
      members.add(wake);
      return {
        /**
         * Takes a place, until `giveBack` or `begin`.
         *
         * @returns Whether there was one, and no account is claiming. If not, `wake` is called once
         * that may be so.
         */
        take(): boolean {
          if (isClaiming || taken >= size()) {
            refused.add(wake);
            return false;
          }
          isClaiming = true;
          taken++;
          return true;
        },
        /**
         * Whether a turn of a person may begin in the taken place.
         *
         * @param isBeside Whether other turns of its session run.
         */
        admits: ({ id, isOwner }: TurnPerson, isBeside = false): boolean =>
          others < Math.max(1, size() - (isBeside ? 2 : 1)) &&
            (id === undefined || !running.has(id)) || isOwner(),
        /** Gives a place back without a turn, because no message waits. */
        giveBack(): void {
          isClaiming = false;
          taken--;
          wakeAll(refused);
        },
        /**
         * Notes whose turn begins in the taken place.
         *
         * @returns Gives the place back. Call it once the turn needs it no more, and after the turn.
         */
        begin({ id, isOwner }: TurnPerson): () => void {
          const isCounted = !isOwner();
          if (isCounted) count(id, 1);
          isClaiming = false;
          wakeAll(refused);
          let isFree = false;
          return () => {
            if (!isFree) {
              if (isCounted) count(id, -1);
              taken--;
              isFree = true;
            }
            wakeAll(members);
          };
        },
        /** Ends the calls of `wake`. Taken places stay taken. */
        leave(): void {
          members.delete(wake);
          refused.delete(wake);
        },
      };
    },
  };
}

export type TurnLimit = ReturnType<typeof createTurnLimit>;

function createSpending({ config, store: { usage }, now }: BotAccount) {
  return {
    /**
     * Finds a spent budget, before a request.
     *
     * @returns `undefined` at once if no budget has a limit. Rejects with the store's error.
     */
    check(by: UsedBy, kind: UsageKind): Promise<BudgetStop | undefined> | undefined {
      const { budgets } = config();
      if (!hasBudget(budgets)) return undefined;
      return usage.spentBy(by, now()).then((spent) => budgetStopOf(budgets, by, kind, spent));
    },
    /** Counts a request. The store has it a moment later; a crash may lose the last ones. */
    record: (charge: Charge): void => usage.add([charge]),
  };
}

/** Counts an account's requests to models, and knows the budgets. */
export const spendOf: (account: BotAccount) => ReturnType<typeof createSpending> = perAccount(
  "turns",
  createSpending,
);

/**
 * Wraps a model that a part asks for a purpose of its own: a summary, a title, a compaction. A turn
 * counts its requests itself (`flows/turn/answer.ts`).
 *
 * @throws {BudgetSpent} While iterating, before anything is asked, if a budget is spent.
 */
export function meteredModel(
  account: BotAccount,
  model: Model,
  kind: UsageKind,
  by: UsedBy,
): Model {
  const { now } = account;
  const spend = spendOf(account);
  return withGenerate(model, async function* (request, signal) {
    const stop = await spend.check(by, kind);
    if (stop) throw new BudgetSpent(stop);
    const startedAt = now();
    for await (const part of model.generate(request, signal)) {
      if (part.kind === "finish" && part.usage) {
        const { usage, modelId = model.id } = part;
        const ms = Math.max(0, now() - startedAt);
        spend.record(chargeOf(usage, modelId, kind, by, ms, now()));
      }
      yield part;
    }
  });
}

/** The person, the place and the agent that sound counts for. */
export interface AudioPayer {
  readonly message: Parameters<typeof usedBy>[0];
  readonly agentId: string;
}

/** A model that hears or speaks. */
interface AudioModel {
  /** `"<provider>/<model>"`. */
  readonly modelId: string;
  /** The cost of some seconds, in millionths of the currency; `undefined` if it is not known. */
  readonly microsOf?: (seconds: number) => number | undefined;
}

function createAudioSpending(account: BotAccount) {
  const { now } = account;
  const spend = spendOf(account);
  /** Reservations are made one after the other, so that two never take the same rest of a budget. */
  let last: Promise<unknown> = Promise.resolve();
  const audio = {
    /**
     * Finds a spent budget, before a request.
     *
     * @throws {unknown} The store's error, as a rejection.
     */
    check: async ({ message, agentId }: AudioPayer): Promise<BudgetStop | undefined> =>
      await spend.check(usedBy(message, agentId), "audio"),
    /** @param startedAt Unix time in milliseconds of the request. */
    record(
      { modelId, microsOf }: AudioModel,
      seconds: number,
      startedAt: number,
      { message, agentId }: AudioPayer,
    ): void {
      const used = { inputTokens: 0, outputTokens: 0, micros: microsOf?.(seconds) };
      const by = usedBy(message, agentId);
      const ms = Math.max(0, now() - startedAt);
      spend.record({ ...chargeOf(used, modelId, "audio", by, ms, now()), audioSec: seconds });
    },
    /**
     * Counts seconds before a model hears or speaks them, as people may ask at the same time.
     *
     * @returns Corrects the count, once the seconds are known.
     * @throws {BudgetSpent} Or the store's error, as a rejection.
     */
    reserve(
      model: AudioModel,
      seconds: number,
      payer: AudioPayer,
    ): Promise<(known: number) => void> {
      const startedAt = now();
      const made = last.then(async () => {
        const stop = await audio.check(payer);
        if (stop) throw new BudgetSpent(stop);
        audio.record(model, seconds, now(), payer);
        return (known: number) => audio.record(model, known - seconds, startedAt, payer);
      });
      last = made.catch(() => {}); // its caller has the error
      return made;
    },
  };
  return audio;
}

/** Counts the seconds of sound of an account. */
export const audioSpending: (account: BotAccount) => ReturnType<typeof createAudioSpending> =
  perAccount("turns", createAudioSpending);

/** Reads the limits of the whole bot and of its agents; of each, the agent that has used most. */
export async function readBudgetsOfAll(
  budgets: Budgets,
  agentIds: readonly string[],
  store: { readonly usage: Usage },
  now: number,
): Promise<readonly BudgetUse[]> {
  const read = (agentId: string) => readBudgets(budgets, ofAgent(agentId), store, now);
  const most = new Map<string, BudgetUse>();
  for (const use of (await Promise.all(agentIds.map(read))).flat()) {
    if (use.used >= (most.get(use.rule)?.used ?? 0)) most.set(use.rule, use);
  }
  return [...most.values()];
}

/** Maximum number of guilds with a spent budget in a report, for each limit. */
const REPORTED_GUILDS = 20;

/**
 * Reads the spent budgets of guilds, which silence a whole guild each. Their sums are in memory, and
 * names are read only for a guild with a spent budget.
 *
 * @param nameOf Returns the name of a guild; `undefined` if it is unknown.
 */
export async function readSpentGuildBudgets(
  { perGuild, uncounted }: Budgets,
  { usage }: { readonly usage: { readonly spentByGuild: Usage["spentByGuild"] } },
  nameOf: (guildId: string) => Promise<string | undefined>,
  now: number,
): Promise<readonly BudgetUseOf[]> {
  if (Object.values(perGuild).every((limit) => limit === undefined)) return [];
  const counts = new Map<string, number>();
  const found: BudgetUseOf[] = [];
  for (const [of, spent] of await usage.spentByGuild(now)) {
    for (const use of usesOf("budgets.perGuild", perGuild, spent, { uncounted }).filter(isSpent)) {
      const count = (counts.get(use.rule) ?? 0) + 1;
      counts.set(use.rule, count);
      if (count <= REPORTED_GUILDS) found.push({ ...use, of, name: await nameOf(of) });
    }
  }
  return found;
}

/** Reads the limits that requests count for, with their use so far. Rejects if the store fails. */
export async function readBudgets(
  budgets: Budgets,
  by: UsedBy,
  { usage }: { readonly usage: Usage },
  now: number,
): Promise<readonly BudgetUse[]> {
  return hasBudget(budgets) ? budgetUses(budgets, by, await usage.spentBy(by, now)) : [];
}

/** Limits of the process: turns at a time, and what they may cost (X4). */
