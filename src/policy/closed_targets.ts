/**
 * Decides whether a person's turn may act in another channel of a guild (T5).
 *
 * Discord's permissions alone do not decide it: the config may close a channel to the bot, or open
 * it to some people only. A tool must not reach such a channel from elsewhere.
 *
 * @module
 */

import type { ChannelId } from "../core/discord/ids.ts";
import type { GuildPlace, Sender } from "../core/inbound/inbound.ts";
import { preparePlaceAccess } from "./place_access.ts";
import { prepareRights } from "./rights.ts";
import { recordNothing } from "./rules/checks.ts";
import { rulesFor } from "./rules/place_rules.ts";
import type { AccessPolicy } from "./rules/rules.ts";

/** The target of a tool, and the person who asks. */
export interface TargetQuery {
  /** The channel or thread. */
  readonly channelId: ChannelId;
  /** The same with its names. */
  readonly place: GuildPlace;
  /** The sender whose message the turn answers. Their roles are those in this guild. */
  readonly sender: Sender;
  /** Owners of the bot need an open place only. */
  readonly isOwner: boolean;
}

/**
 * Finds the rule that closes a channel to a person's turn.
 *
 * @returns The config path; `undefined` if the policy opens the channel.
 */
export type ClosedBy = (target: TargetQuery) => string | undefined;

/** Prepares a policy for many targets. */
export function prepareClosedBy(policy: AccessPolicy): ClosedBy {
  const checkAccess = preparePlaceAccess(policy, prepareRights(policy));
  return ({ channelId, place, sender, isOwner }) => {
    const rules = rulesFor(place, policy);
    if (rules.kind === "closed") return policy.ruleOf(rules.rule);
    if (isOwner) return undefined;
    const access = checkAccess({
      channelId,
      place,
      sender,
      // The turn runs in this guild already, so an owner of the bot is there if the policy wants one.
      known: { ownerInGuild: "member" },
      needs: () => undefined,
      isChallenged: false,
      isMessage: false,
    }, recordNothing);
    return access.kind === "granted" ? undefined : policy.ruleOf(access.rule);
  };
}
