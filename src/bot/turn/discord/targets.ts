/**
 * Finds the channel of a call of the tool `discord`, and checks the asker's rights there (T4, T5).
 *
 * @module
 */

import type { ChannelId, GuildId, UserId } from "../../../core/discord/ids.ts";
import type { InboundMessage } from "../../../core/inbound/inbound.ts";
import type { SingleReads } from "../../../discord/rest/calls/single_message.ts";
import type { ClosedToAsker } from "./closed_to_asker.ts";
import { RestError } from "../../../discord/rest/exchange/rest_error.ts";
import {
  explainCode,
  namesPermission,
  type NeededPermission,
} from "../../../discord/rest/permissions/denial.ts";
import type { ExplainDenial } from "../../../discord/rest/permissions/explain_denial.ts";

/** The channel that a call acts in. */
export interface ToolTarget {
  readonly channelId: ChannelId;
  /** Absent in direct messages. */
  readonly guildId?: GuildId;
}

/** The sources of targets. */
export interface TargetsOptions {
  readonly reads: Pick<SingleReads, "channel">;
  readonly explainDenial: ExplainDenial;
  /** Whether the sender of a message is an owner of the bot (P10). */
  readonly isOwner: (message: InboundMessage) => boolean;
  /** The bot's user id; `undefined` until it is known. */
  readonly self: () => UserId | undefined;
  /** The rule by which the policy closes another channel to the asker (P6–P9). */
  readonly closedBy: ClosedToAsker;
}

/** Finds targets, and checks rights. */
export interface Targets {
  /**
   * Finds the channel of a call, and checks that the asker may do something there: by Discord's
   * permissions, and by the policy.
   *
   * @param channelId Absent: the channel of the turn.
   * @param needed Beside View Channel.
   * @throws {Error} If the asker may not, or there is no such channel in the turn's server.
   */
  find(
    asker: InboundMessage,
    channelId: ChannelId | undefined,
    needed: readonly NeededPermission[],
  ): Promise<ToolTarget>;
  /** Checks a further right of the asker; rejects if it is missing. */
  assertMay(
    asker: InboundMessage,
    target: ToolTarget,
    needed: readonly NeededPermission[],
  ): Promise<void>;
  /**
   * Checks a right of the bot itself. Without it, a message would wait in the channel's queue, and
   * the owner would get a notice.
   */
  assertBotMay(target: ToolTarget, needed: readonly NeededPermission[]): Promise<void>;
  /** Makes an error that tells the model why Discord refused. */
  refusal(
    error: unknown,
    target: ToolTarget,
    needed: readonly NeededPermission[],
  ): Promise<unknown>;
}

/** Discord's error codes that a tool explains in other words than a delivery. */
const WORDS: ReadonlyMap<number, string> = new Map([
  [10008, "there is no such message in that channel; it may be deleted already"],
  [10014, "there is no such emoji, or the bot may not use it"],
  [30010, "the message has 20 different reactions, and takes no more"],
  [50005, "the bot can edit only its own messages"],
  [50021, "that is an announcement of Discord, and not a message that takes this action"],
  [50024, "that kind of channel does not take this action"],
  [90001, "the author of the message has blocked the bot"],
]);

/** Creates the check of targets. */
export function createTargets(
  { reads, explainDenial, isOwner, self, closedBy }: TargetsOptions,
): Targets {
  async function assertMay(
    asker: InboundMessage,
    { channelId, guildId }: ToolTarget,
    needed: readonly NeededPermission[],
  ): Promise<void> {
    if (guildId === undefined || isOwner(asker)) return; // only the turn's own direct channel
    const denial = await explainDenial({ channelId, guildId, userId: asker.sender.id }, [
      "View Channel",
      ...needed,
    ]);
    if (!denial) return;
    throw new Error(
      `the person who asks may not do that there: they lack the permission ${denial.permission}`,
    );
  }

  async function placeOf(asker: InboundMessage, channelId: ChannelId) {
    const missing = new Error(
      "there is no such channel in this server, or the bot may not see it; `channelId` must be " +
        "the id of a channel or thread of the server of this conversation",
    );
    const found = await reads.channel(channelId).catch((error: unknown) => {
      throw error instanceof RestError && error.code !== undefined ? missing : error;
    });
    const { guildId } = found;
    const isHere = asker.guildId === undefined ? isOwner(asker) : guildId === asker.guildId;
    if (guildId !== undefined && isHere) return { ...found, guildId };
    if (asker.guildId !== undefined) throw missing;
    throw new Error("from direct messages, only an owner of the bot may act in other channels");
  }

  /** Names the permission that the bot lacks, as an error; `undefined` if it lacks none. */
  async function missingOfBot(
    { channelId, guildId }: ToolTarget,
    needed: readonly NeededPermission[],
  ): Promise<Error | undefined> {
    const userId = self();
    if (guildId === undefined || userId === undefined) return undefined;
    const denial = await explainDenial({ channelId, guildId, userId }, ["View Channel", ...needed]);
    return denial && new Error(`the bot lacks the permission ${denial.permission} there`);
  }

  return {
    assertMay,
    async assertBotMay(target, needed) {
      const missing = await missingOfBot(target, needed);
      if (missing) throw missing;
    },
    async find(asker, channelId = asker.channelId, needed) {
      if (channelId === asker.channelId) {
        const { guildId } = asker;
        const target = { channelId, ...(guildId !== undefined && { guildId }) };
        await assertMay(asker, target, needed);
        return target;
      }
      const { guildId, isPrivateThread, parentId } = await placeOf(asker, channelId);
      const target = { channelId, guildId };
      // Discord opens a private thread to its members, and to people who manage threads.
      await assertMay(asker, target, isPrivateThread ? ["Manage Threads", ...needed] : needed);
      const rule = closedBy(asker, { ...target, ...(parentId && { parentId }) });
      if (rule === undefined) return target;
      const where = isOwner(asker) ? `, by ${rule}` : "";
      throw new Error(`the access rules of the bot close that channel to this person${where}`);
    },
    async refusal(error, target, needed) {
      if (!(error instanceof RestError) || error.code === undefined) return error;
      if (namesPermission(error.code)) {
        const missing = await missingOfBot(target, needed).catch(() => undefined);
        if (missing) return missing;
      }
      return new Error(WORDS.get(error.code) ?? explainCode(error.code) ?? error.message);
    },
  };
}
