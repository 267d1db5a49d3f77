/**
 * Decides messages that wait for the fact whether an owner of the bot is in their guild (P6).
 *
 * Without `channels.discord`, any person may add a public bot to a guild and spend its owner's
 * model. So the bot answers only in guilds with an owner. About any other guild, the owners are
 * asked once, by direct message, and the bot writes nothing there.
 *
 * The store keeps waiting messages, so the next process continues with them.
 */

import { pathTo } from "../../core/config_file.ts";
import type { GuildId } from "../../core/discord/ids.ts";
import type { Judged } from "../../core/inbound/inbox.ts";
import type { MessageOrigin } from "../../core/inbound/waiting_limits.ts";
import type { GuildPlace, InboundMessage, Named } from "../../core/inbound/inbound.ts";
import type { OwnerInGuild } from "../../core/inbound/facts.ts";
import { nameAsCode } from "../../render/name.ts";
import { notice } from "../../render/notices/notices.ts";
import { createRetryQueue } from "../retry_queue.ts";
import type { GuildNotices } from "./guild_notices.ts";
import { judgeAgain, type LateDecisionPorts, storeLateVerdict } from "./judge_message.ts";
import type { Account } from "../../core/account/account.ts";
import type { Inbox } from "../../store/inbox/inbox.ts";
import type { AskedGuildRows } from "../../store/pairing/pairing.ts";

const REASONS: Readonly<Record<Exclude<OwnerInGuild, "member">, string>> = {
  absent: "none of my owners is a member there",
  unknown: "I can't tell whether one of my owners is a member there",
};

/** Creates the flow for one account; it begins at `ready`. */
export function createOwnerGuilds(
  ports:
    & Pick<
      Account<
        { readonly inbox: Pick<Inbox, "decide" | "undecided">; readonly pairing: AskedGuildRows }
      >,
      "schedule" | "random" | "log" | "accountId" | "store" | "texts"
    >
    & LateDecisionPorts
    & {
      /** Whether the policy needs an owner in each guild; the config may change. */
      readonly isNeeded: () => boolean;
      /** Asks Discord whether an owner is in a guild. Never rejects. */
      readonly ask: (guildId: GuildId) => Promise<OwnerInGuild>;
      readonly notices: Pick<GuildNotices, "add">;
      /** Config path of this account's `guilds`: `"channels.discord.guilds"`. */
      readonly guildsPath: () => string;
    },
) {
  const { accountId, store: { inbox, pairing: asked }, ask, now, log } = ports;
  const decisions = createRetryQueue("Cannot decide a message of a guild", ports);
  let isReady = false;
  let isStopped = false;

  async function take(message: InboundMessage, origin: MessageOrigin): Promise<void> {
    const { place } = message;
    if (place.kind !== "guild") return; // no other message waits for this
    const ownerInGuild = await ask(place.guild.id);
    if (isStopped) return; // an aborted request proves nothing: the next start asks again
    const judged = judgeAgain(message, { ownerInGuild }, ports);
    decisions.add(async () => void await storeLateVerdict(judged, inbox, ports, origin));
    const { why } = judged.verdict;
    if (why === "owner-not-in-guild" || why === "owner-unknown") {
      askOwners(
        place.guild,
        ownerInGuild,
        async () => !await asked.wasAsked(accountId, place.guild.id),
      );
    }
  }

  /** @param isDue Whether the owners get a question at all. */
  function askOwners(
    { id, name }: GuildPlace["guild"],
    found: OwnerInGuild,
    isDue: () => Promise<boolean>,
  ): void {
    if (found === "member") return;
    const reason = REASONS[found];
    const command = `barnacle config set ${pathTo(ports.guildsPath(), id)} '{}'`;
    const words = { name: nameAsCode(name), id, reason, command: `\`${command}\`` };
    ports.notices.add({
      guild: { id, name },
      text: notice("ownerNotThere", words, ports.texts()),
      isDue,
      noteTold() {
        log.warn("The bot does not answer in a guild without one of its owners", {
          guildId: id,
          guild: name,
          reason,
          command,
        });
        return asked.noteAsked(accountId, id, now());
      },
    });
  }

  return {
    /** Continues, once, with the messages that the last process left. Call it once Discord answers. */
    ready(): void {
      if (isReady) return;
      isReady = true;
      decisions.add(async () => {
        for (const { message, why } of await inbox.undecided(accountId)) {
          if (why === "owner-in-guild") void take(message, "replayed");
        }
      });
    },
    /** Tells which stored messages wait. */
    undecided(judged: readonly Judged[], origin: MessageOrigin): void {
      if (isStopped) return;
      for (const { message, verdict } of judged) {
        if (verdict.kind !== "undecided" || verdict.why !== "owner-in-guild") continue;
        void take(message, origin);
      }
    },
    /** Tells that the bot was added to a guild just now. */
    joined(guild: Named<GuildId>): void {
      if (!ports.isNeeded()) return;
      void ask(guild.id).then((found) => {
        if (!isStopped) askOwners(guild, found, () => Promise.resolve(true));
      });
    },
    /** Decides nothing more; the next start continues. */
    async stop(): Promise<void> {
      isStopped = true;
      await decisions.stop();
    },
  };
}
