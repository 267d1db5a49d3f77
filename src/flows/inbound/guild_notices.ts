/**
 * Tells the owners about guilds in which the bot stays silent (P6, P6a): at once about the first one,
 * and about all others of the next ten minutes in one message.
 *
 * Any person may add a public bot to guilds, as many as they like, and each would be a message to the
 * owners.
 */

import type { GuildId } from "../../core/discord/ids.ts";
import type { Named } from "../../core/inbound/inbound.ts";
import { nameAsCode } from "../../render/name.ts";
import { notice } from "../../render/notices/notices.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { Account } from "../../core/account/account.ts";

/** Milliseconds between two messages. */
const GAP_MS = 10 * 60_000;

/** Maximum number of names in one message. */
const SHOWN_NAMES = 5;

interface GuildNotice {
  readonly guild: Named<GuildId>;
  /** The message about this guild alone. */
  readonly text: string;
  /** Whether the owners get it at all; absent: yes. Rejects if the store fails. */
  readonly isDue?: () => Promise<boolean>;
  /** Notes that the owners know of it; absent: nothing. Rejects if the store fails. */
  readonly noteTold?: () => Promise<void>;
}

/**
 * Creates the notices of one account.
 *
 * @param ports `tellOwners` writes to each owner. It rejects only if it could write to none of them.
 */
export function createGuildNotices(
  account: Pick<Account, "log" | "random" | "schedule" | "texts">,
  ports: {
    readonly tellOwners: (text: string) => Promise<unknown>;
    /** Whether asking again would not change a failure. */
    readonly isFinal: (error: unknown) => boolean;
  },
) {
  const { log } = account;
  const tasks = createRetryQueue("Cannot tell the bot's owner about a guild", account);
  const waiting = new Map<GuildId, GuildNotice>();
  /** Those that the owners were told, and the store does not know so yet. */
  const told = new Map<GuildId, GuildNotice>();
  /** Those of which no owner can learn before the next start. */
  const untold = new Set<GuildId>();
  let cancel: (() => void) | undefined;

  async function tell(): Promise<void> {
    if (!cancel) await tellNow();
    for (const [id, { noteTold }] of told) {
      await noteTold?.();
      told.delete(id);
    }
  }

  async function tellNow(): Promise<void> {
    const due: GuildNotice[] = [];
    for (const [id, one] of waiting) {
      if (await one.isDue?.() ?? true) due.push(one);
      else waiting.delete(id);
    }
    const [first, ...others] = due;
    if (!first) return;
    let isTold = true;
    try {
      await ports.tellOwners(others.length === 0 ? first.text : textOf(due));
    } catch (error) {
      if (!ports.isFinal(error)) throw error;
      isTold = false;
      const reason = error instanceof Error ? error.message : String(error);
      log.error("No owner can be told that the bot stays silent in a guild", {
        texts: due.slice(0, SHOWN_NAMES).map(({ text }) => text),
        guilds: due.length,
        reason,
      });
    }
    for (const one of due) {
      waiting.delete(one.guild.id);
      if (isTold) told.set(one.guild.id, one);
      else untold.add(one.guild.id);
    }
    cancel = account.schedule(() => {
      cancel = undefined;
      if (waiting.size > 0) tasks.add(tell);
    }, GAP_MS);
  }

  function textOf(all: readonly GuildNotice[]): string {
    const names = all.slice(0, SHOWN_NAMES).map(({ guild: { name, id } }) =>
      `${nameAsCode(name)} (${id})`
    ).join(", ");
    const list = all.length > SHOWN_NAMES ? `${names}, …` : names;
    return notice("joinedMany", { count: `${all.length}`, names: list }, account.texts());
  }

  return {
    /** Tells the owners about a guild, unless that is under way or impossible. */
    add(one: GuildNotice): void {
      const { id } = one.guild;
      if (waiting.has(id) || told.has(id) || untold.has(id)) return;
      waiting.set(id, one);
      tasks.add(tell);
    },
    async stop(): Promise<void> {
      cancel?.();
      await tasks.stop();
    },
  };
}

export type GuildNotices = ReturnType<typeof createGuildNotices>;
