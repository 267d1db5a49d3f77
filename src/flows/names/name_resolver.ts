/**
 * Resolves names in allow lists to ids, as the bot sees its guilds, and stores the results (P12).
 *
 * Once an entry is resolved it means that id, over restarts and renames. A later holder of the name
 * gets nothing by it (P4). So a result counts only if the search was complete. Otherwise the name
 * stays a name, and the log says so once. Nothing waits for it.
 */

import type { BotAccount } from "../../account/account.ts";
import { namesLookedUp } from "../owners/owner_ids.ts";
import type { GuildNames } from "../../core/inbound/inbound.ts";
import { unresolvedNames } from "../../policy/rules/pinned.ts";
import type { PolicyKeeper } from "../judging/policy_keeper.ts";
import { createRetryQueue } from "../retry_queue.ts";
import {
  type FoundMembers,
  logMatched,
  newNames,
  resolveNames,
  type SearchPorts,
} from "./resolve.ts";

/** How long to gather changed guilds before looking at them, in milliseconds. */
const GATHER_MS = 1_000;
/**
 * How long to wait for the guilds that READY listed, in milliseconds; a guild with an outage is not
 * awaited further.
 */
const GATHER_MAX_MS = 15_000;
/** By how much the wait is longer for each shard to come: Discord lets one identify in 5 s. */
const IDENTIFY_MS = 6_000;

/** Creates the name resolution of an account, which goes on as guilds change. */
export function createNameResolver(
  account: BotAccount,
  { guilds, isAwaiting, searchMembers, isRefused, keeper }: SearchPorts & {
    /** Guilds with complete facts, without those that are awaited or in an outage. */
    readonly guilds: () => readonly GuildNames[];
    /** Whether there are others, which may have the same names. */
    readonly isAwaiting: () => boolean;
    /** Gets all resolved names, so that the policy uses their ids. */
    readonly keeper: Pick<PolicyKeeper, "resolved">;
  },
) {
  const { policy, schedule, now } = account;
  const access = account.forPart("access");
  const { accountId, log, store: { pairing: store } } = access;
  const retries = createRetryQueue("Cannot resolve the names in the config", access);
  const warned = new Set<string>();
  const ready = new Set<number>();
  let shardCount = 0;
  let searched: FoundMembers = new Map();
  let cancel: (() => void) | undefined;

  const shardsToCome = (): number => Math.max(0, shardCount - ready.size);
  const isWhole = (): boolean => shardsToCome() === 0 && !isAwaiting();

  async function resolve(): Promise<void> {
    const resolved = await store.namesOf(accountId);
    const wanted = unresolvedNames(policy().policy)
      .filter(({ kind }) => kind !== "guild" || isWhole()); // another guild may have the name
    const known = { guilds: guilds(), resolved, now: now() };
    const resolution = await resolveNames(wanted, known, { searchMembers, isRefused }, searched);
    const found = newNames(resolution.matched);
    if (found.length > 0) {
      await store.saveNames(accountId, found);
      await keeper.resolved(await store.namesOf(accountId));
    }
    logMatched(resolution, warned, log); // the log says what the policy already does
  }

  /** Looks for names in every guild that may have them, because a missing name is reported. */
  function resolveSoon(waitedMs = GATHER_MS): void {
    cancel ??= schedule(() => {
      cancel = undefined;
      const isOver = waitedMs >= GATHER_MAX_MS + shardsToCome() * IDENTIFY_MS;
      if (!isWhole() && !isOver) return resolveSoon(waitedMs + GATHER_MS);
      retries.add(() => resolve().finally(() => namesLookedUp(account)));
    }, GATHER_MS);
  }

  return {
    /** Sets the number of the account's shards. */
    setShardCount(count: number): void {
      if (count !== shardCount) ready.clear(); // its guilds come by other shards now
      shardCount = count;
    },
    /** A shard is ready, so its guilds are known. */
    ready(shardId: number): void {
      ready.add(shardId);
      resolveSoon();
    },
    /** The config has changed: all names are searched again. */
    resolveAgain(): void {
      searched = new Map();
      warned.clear();
      if (ready.size > 0) resolveSoon();
    },
    /** A batch has changed guilds, so a missing name may exist now. */
    guildsChanged(): void {
      if (ready.size > 0) resolveSoon();
    },
    /** Searches no more; the store keeps the results. */
    async stop(): Promise<void> {
      cancel?.();
      namesLookedUp(account);
      await retries.stop();
    },
  };
}
