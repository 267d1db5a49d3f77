/**
 * Remembers in which guilds one of the bot's owners is a member (P6).
 *
 * Only Discord knows members. So a message waits for the first answer about its guild. Later
 * messages use the remembered one.
 */

import type { GuildId, UserId } from "../../core/discord/ids.ts";
import type { OwnerInGuild } from "../../core/inbound/facts.ts";
import type { StartTimer } from "../../lib/clock.ts";
import type { Account } from "../../core/account/account.ts";

/** Milliseconds for which the answer "member" is fresh. */
const MEMBER_MS = 10 * 60_000;
/** Milliseconds for which any other answer is reused. */
const REFUSED_MS = 60_000;
/** Milliseconds that an answer may take, with the retries of the client. */
const PATIENCE_MS = 30_000;
/** Maximum number of owners of a team to look for; each costs a request. */
const MAX_OWNERS = 20;
/** Maximum number of guilds to remember; the oldest answer is forgotten first. */
const MAX_GUILDS = 1_000;

/** Creates an empty memory. */
export function createOwnerPresence(
  { schedule, now, log }: Pick<Account, "log" | "now" | "schedule">,
  { owners, readMember }: {
    /** All owners with a known id. Rejects if Discord does not name them. */
    readonly owners: () => Promise<readonly UserId[]>;
    /** Reads a member of a guild; `undefined` if the user is none. */
    readonly readMember: (guildId: GuildId, userId: UserId) => Promise<unknown>;
  },
) {
  const answers = new Map<GuildId, { readonly found: OwnerInGuild; readonly at: number }>();
  const asking = new Map<GuildId, Promise<OwnerInGuild>>();
  /** Counts calls of `forget`: an answer about earlier owners is not remembered. */
  let generation = 0;

  function remembered(guildId: GuildId): OwnerInGuild | undefined {
    const answer = answers.get(guildId);
    if (!answer) return undefined;
    const isOld = now() - answer.at >= (answer.found === "member" ? MEMBER_MS : REFUSED_MS);
    if (!isOld) return answer.found;
    if (answer.found !== "member") return undefined;
    void request(guildId); // messages do not wait meanwhile
    return "member";
  }

  function request(guildId: GuildId): Promise<OwnerInGuild> {
    const running = asking.get(guildId);
    if (running) return running;
    const of = generation;
    const answer = inTime(look(guildId), schedule).catch((error: unknown): OwnerInGuild => {
      log.warn("Cannot tell whether an owner of the bot is in a guild", { guildId, error });
      return "unknown";
    }).then((found) => {
      if (of !== generation) return found;
      asking.delete(guildId);
      answers.delete(guildId);
      answers.set(guildId, { found, at: now() });
      const [oldest] = answers.keys();
      if (answers.size > MAX_GUILDS && oldest) answers.delete(oldest);
      return found;
    });
    asking.set(guildId, answer);
    return answer;
  }

  /** Looks for one owner after the other, and stops at the first one that is there. */
  async function look(guildId: GuildId): Promise<OwnerInGuild> {
    const ids = await owners();
    let failure: { readonly error: unknown } | undefined;
    for (const id of ids.slice(0, MAX_OWNERS)) {
      try {
        if (await readMember(guildId, id)) return "member";
      } catch (error) {
        failure ??= { error };
      }
    }
    if (failure) throw failure.error;
    return ids.length === 0 || ids.length > MAX_OWNERS ? "unknown" : "absent";
  }

  return {
    /** The remembered answer; `undefined` without one. */
    known: remembered,
    /** The remembered answer, or else Discord's. Never rejects. */
    ask(guildId: GuildId): Promise<OwnerInGuild> {
      const found = remembered(guildId);
      return found ? Promise.resolve(found) : request(guildId);
    },
    /** Forgets all answers, because the owners may have changed. */
    forget(): void {
      generation += 1;
      answers.clear();
      asking.clear();
    },
  };
}

/** Rejects if the answer takes too long. */
function inTime<T>(answer: Promise<T>, schedule: StartTimer): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const cancel = schedule(
    () => reject(new Error(`Discord did not answer within ${PATIENCE_MS / 1_000} s`)),
    PATIENCE_MS,
  );
  return Promise.race([answer, late]).finally(cancel);
}
